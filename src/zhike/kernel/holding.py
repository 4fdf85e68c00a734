"""Holding long work against other processes: one worker at a time goes on with a run."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager

from . import locks


def held(space: int, pk: uuid.UUID) -> AbstractContextManager[bool]:
    """Hold a run against other processes; answers whether it could be had. The database lets go when a process dies."""
    return locks.held(space, int.from_bytes(pk.bytes[-4:], "big", signed=True))
