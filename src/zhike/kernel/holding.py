"""Holding long work against other processes: one worker at a time goes on with a run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connection


@contextmanager
def held(space: int, pk: uuid.UUID) -> Iterator[bool]:
    """Hold a run against other processes; answers whether it could be had. The database lets go when a process dies."""
    number = int.from_bytes(pk.bytes[-4:], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, %s)", [space, number])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        # A lost connection has let go by itself, and its error must not be covered by another.
        if is_mine and not connection.closed_in_transaction:
            with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [space, number])
