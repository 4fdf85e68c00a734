"""What a web process loads beside the first pages it shows, so that nobody waits for it at the first figure of the day."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from django.conf import settings

from zhike.kernel.lake.engine import warm_up
from zhike.kernel.lake.manifest import FILE

from .home import current_home

log = structlog.get_logger(__name__)

SECONDS = 1.0  # the page that somebody waits for comes first

_done = threading.Event()


def warm_for(environ: dict[str, Any]) -> threading.Timer | None:
    """Load the engine of figures in a while, once, when a person comes and there are figures: until then the process stays small."""
    if _done.is_set() or settings.SESSION_COOKIE_NAME not in environ.get("HTTP_COOKIE", ""):
        return None
    _done.set()
    if next(current_home().lake.glob(f"*/{FILE}"), None) is None:
        return None
    timer = threading.Timer(SECONDS, _warm)
    timer.daemon = True
    timer.start()
    return timer


def _warm() -> None:
    try:
        warm_up()
    except Exception as error:  # whoever asks for a figure is told what is wrong
        log.warning("engine_not_loaded", error=type(error).__name__)
