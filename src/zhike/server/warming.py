"""What a web process loads beside its first requests, so that nobody waits for it at the first figure of the day."""

from __future__ import annotations

import threading

import structlog

from zhike.kernel.lake.engine import warm_up
from zhike.kernel.lake.manifest import FILE

from .home import current_home

log = structlog.get_logger(__name__)

SECONDS_AFTER_START = 2.0  # the first pages come first


def warm_in_a_while() -> threading.Timer | None:
    """Load the engine of figures in a while; None where no company has figures yet: such a process stays small."""
    if next(current_home().lake.glob(f"*/{FILE}"), None) is None:
        return None
    timer = threading.Timer(SECONDS_AFTER_START, _warm)
    timer.daemon = True
    timer.start()
    return timer


def _warm() -> None:
    try:
        warm_up()
    except Exception as error:  # whoever asks for a figure is told what is wrong
        log.warning("engine_not_loaded", error=type(error).__name__)
