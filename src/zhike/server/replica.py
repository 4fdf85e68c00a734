"""The copy of the database that reports may read: whether it is there, how far behind, and what is read instead."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

import psycopg

from zhike.server.companies import current_company
from zhike.server.connection import Address, address, parse_url

MOST_LAG = 60.0
_SECONDS_KEPT = 10.0
# Nothing to replay means nothing is missing, however long ago the last change was.
_LAG = """
SELECT pg_is_in_recovery(), CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """How a replica is: its lag in seconds, or the stable word of what is wrong (none, away, no_replica, behind)."""

    lag: float = 0.0
    problem: str = ""


@dataclass(slots=True)
class _Kept:
    state: Replica = field(default_factory=lambda: Replica(problem="none"))
    until: float = 0.0


_kept = _Kept()


def look_at_replica(database: str | None = None) -> Replica:
    """Ask the replica now."""
    url = os.environ.get("DATABASE_REPLICA_URL")
    if not url:
        return Replica(problem="none")
    try:
        with psycopg.connect(parse_url(url).conninfo(database), autocommit=True, connect_timeout=3) as connection:
            row = connection.execute(_LAG).fetchone()
    except psycopg.Error:
        return Replica(problem="away")
    is_replica, lag = row if row else (False, 0.0)
    if not is_replica:
        return Replica(problem="no_replica")
    return Replica(lag=lag, problem="behind" if lag > MOST_LAG else "")


def replica_state() -> Replica:
    """The same, at most ten seconds old."""
    if time.monotonic() >= _kept.until:
        company = current_company()
        _kept.state = look_at_replica(company.database if company else None)
        _kept.until = time.monotonic() + _SECONDS_KEPT
    return _kept.state


def reading_address() -> Address:
    """Where reports read: the replica while it is well, else the primary. Companies on servers of their own have none."""
    company = current_company()
    if company is not None and company.server:
        return company.where
    url = os.environ.get("DATABASE_REPLICA_URL")
    return parse_url(url) if url and not replica_state().problem else address()
