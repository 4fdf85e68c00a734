"""Order work outside requests."""

from __future__ import annotations

import uuid

from zhike.kernel.jobs import job

from .actions import follow_customers

CHUNK = 1_000


@job()
def follow_customers_later(ids: list[str]) -> None:
    """Hand over the orders of many customers, some at a time."""
    for start in range(0, len(ids), CHUNK):
        follow_customers([uuid.UUID(pk) for pk in ids[start : start + CHUNK]])
