"""Locks that last longer than a transaction: held by a connection, let go by the database when its process dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

# Where a pooler hands out another session for each transaction, this connection goes past it.
DIRECT = "direct"


@contextmanager
def held(space: int, number: int) -> Iterator[bool]:
    """Hold (space, number) against other processes while the block runs; answers whether it could be had."""
    connection = connections[DIRECT if DIRECT in connections.settings else DEFAULT_DB_ALIAS]
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
