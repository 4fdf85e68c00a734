"""The database as a stream of Arrow batches, all read from one snapshot."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import psycopg

from zhike.kernel.errors import Refused
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Later("pyarrow")

postgresql: Any = Later("adbc_driver_postgresql")
driver: Any = Later("adbc_driver_manager")

BATCH_BYTES = 2 * 1024 * 1024
SECONDS_TO_CATCH_UP = 20.0
BATCH_OPTION = "adbc.postgresql.batch_size_hint_bytes"
# History carries the start of its transaction, so what a transaction still running writes will lie before now().
# Sessions of other roles are seen only by a superuser or a member of pg_read_all_stats.
WATERMARK = """
select to_char(least(now(), min(xact_start)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFrom:
    """Where to read (libpq URI); `primary` is set where that is a replica, and names what it is one of."""

    uri: str
    primary: str = ""


class Source:
    """One read-only snapshot of the database; every answer of it shows the same moment.

    Changes whose transaction began before `watermark` (UTC) are in it, all of them.
    """

    def __init__(self, connection: Any, primary: str = "") -> None:
        self._connection = connection
        # Read before the snapshot is taken: a transaction that ends between the two is then in the snapshot.
        self.watermark = self._caught_up(primary) if primary else _moment(self.column(WATERMARK)[0])
        self.run("begin isolation level repeatable read read only")

    def _caught_up(self, primary: str) -> dt.datetime:
        """The primary's watermark, once the replica has replayed all that was committed when it was read."""
        with psycopg.connect(primary, autocommit=True, connect_timeout=10) as session:
            [(watermark,)] = session.execute(WATERMARK).fetchall()
            [(position,)] = session.execute("select pg_current_wal_lsn()::text").fetchall()
        deadline = time.monotonic() + SECONDS_TO_CATCH_UP
        while not self.column(f"select pg_last_wal_replay_lsn() >= '{position}'::pg_lsn")[0]:
            if time.monotonic() > deadline:
                raise Refused("replica_behind")
            time.sleep(0.2)
        return _moment(watermark)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows of a query in batches of some megabytes, so that memory does not grow with the table."""
        statement = driver.AdbcStatement(self._connection)
        try:
            statement.set_options(**{BATCH_OPTION: str(BATCH_BYTES)})
            statement.set_sql_query(sql)
            handle, _ = statement.execute_query()
            yield from pa.RecordBatchReader.from_stream(handle)
        finally:
            statement.close()

    def column(self, sql: str) -> list[Any]:
        """The first column of a small answer."""
        return [value for batch in self.batches(sql) for value in batch.column(0).to_pylist()]

    def run(self, sql: str) -> None:
        """A statement without an answer."""
        statement = driver.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            statement.execute_update()
        finally:
            statement.close()


@contextmanager
def open_source(uri: str | ReadFrom) -> Iterator[Source]:
    """Connect (libpq URI) and hold one snapshot until the end of the block.

    A replica is read as of a moment that it has reached; Refused("replica_behind") when it does not get there in time,
    ("replica_lost") when it is away or cuts a long answer off because of what it has to replay.
    """
    where = uri if isinstance(uri, ReadFrom) else ReadFrom(uri=uri)
    try:
        with _opened(where) as source:
            yield source
    except (driver.Error, pa.ArrowException, OSError) as error:
        if where.primary:
            raise Refused("replica_lost") from error
        raise


@contextmanager
def _opened(where: ReadFrom) -> Iterator[Source]:
    database = postgresql.connect(where.uri)
    try:
        connection = driver.AdbcConnection(database)
        try:
            source = Source(connection, where.primary)
            yield source
            source.run("commit")
        finally:
            connection.close()
    finally:
        database.close()


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def uri_of(settings: Mapping[str, object]) -> str:
    """A libpq URI from `dbname`, `host` (also a socket folder), `port`, `user`, `password` and further options."""
    given = {name: str(value) for name, value in settings.items() if value not in (None, "")}
    return f"postgresql:///{quote(given.pop('dbname', ''), safe='')}?{urlencode(given, quote_via=quote)}"
