"""Counts of several lists, capped, and together within a limit of time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..errors import Refused
from . import engine
from .pages import Listing


def counts(wanted: Mapping[str, Listing], *, cap: int, until: float) -> dict[str, int]:
    """Rows of each listing up to the cap (cap + 1 means more); those for which there was no time are left out.

    `until` is a moment of the monotonic clock, in seconds.
    """
    found: dict[str, int] = {}
    for key, one in wanted.items():
        left = int((until - time.monotonic()) * 1000)
        if left <= 0:
            break
        try:
            with engine.timed(left) as cursor:
                found[key] = engine.counted(cursor, one.spec.model, one.conditions(), cap, one.reach())
        except Refused:
            continue
    return found
