"""After an import, figures and scores follow."""

from __future__ import annotations

from zhike.kernel.events import on
from zhike.kernel.imports.running import ImportFinished

from .jobs import ask_for_value


@on(ImportFinished)
def refresh_after_import(event: ImportFinished) -> None:
    """Whatever came in may change figures or who counts."""
    del event
    ask_for_value()
