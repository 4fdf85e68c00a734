"""A copy of the database that reports may read: whether it is there and how far behind it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections

ALIAS = "replica"
MOST_LAG = 60.0
# Nothing left to replay means nothing is missing, however long ago the last change was.
LAG = """
SELECT pg_is_in_recovery(), CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """How a replica is: its lag in seconds, and the stable word of what is wrong: none, away, no_replica, behind."""

    lag: float = 0.0
    problem: str = ""


def state_of(row: Sequence[Any] | None) -> Replica:
    """What an answer to LAG means."""
    if row is None or not row[0]:
        return Replica(problem="no_replica")
    return Replica(lag=float(row[1]), problem="behind" if row[1] > MOST_LAG else "")


def replica_here() -> Replica:
    """The replica of the company at hand, asked now."""
    if ALIAS not in connections.settings:
        return Replica(problem="none")
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(LAG)
            return state_of(cursor.fetchone())
    except (OperationalError, InterfaceError, DatabaseError):
        return Replica(problem="away")
    finally:
        connections[ALIAS].close()


def replica_params() -> dict[str, Any] | None:
    """libpq parameters of the replica while it is well; None means: read the primary."""
    if replica_here().problem:
        return None
    params: dict[str, Any] = connections[ALIAS].get_connection_params()
    return params
