"""Looking at the replica without Django, for the doctor and the figures."""

from __future__ import annotations

import os

import psycopg

from zhike.kernel.replica import LAG, Replica, state_of
from zhike.server.connection import parse_url


def look_at_replica() -> Replica:
    """Ask the replica that DATABASE_REPLICA_URL names, now."""
    url = os.environ.get("DATABASE_REPLICA_URL")
    if not url:
        return Replica(problem="none")
    try:
        with psycopg.connect(parse_url(url).conninfo(), autocommit=True, connect_timeout=3) as connection:
            return state_of(connection.execute(LAG).fetchone())
    except psycopg.Error:
        return Replica(problem="away")
