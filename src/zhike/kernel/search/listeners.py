"""Changed records are findable by their new words right after the commit."""

from __future__ import annotations

import uuid

from ..actions import RecordsChanged
from ..events import on
from ..registry import objects
from . import documents


@on(RecordsChanged)
def refresh_documents(event: RecordsChanged) -> None:
    spec = objects.get(event.label) if objects.has(event.label) else None
    if spec is not None and spec.search is not None and not event.is_found:
        documents.refresh(spec.model, [uuid.UUID(pk) for pk in event.ids])
