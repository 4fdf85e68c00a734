"""Dumping a database while it is used, loading the dump elsewhere, and proving row by row that both are equal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from zhike.server.cluster import programs
from zhike.server.connection import Address
from zhike.server.processes import ServerError, service_user

SYSTEM_PROGRAMS = "/usr/lib/postgresql/{major}/bin"
_ENVIRONMENT = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
# Texts of rows must not depend on who reads them.
_PLAIN = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'"
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """Fingerprint of a table: its rows, and the sum of a 64-bit hash of each row's text, so that no order matters."""

    rows: int
    hash: str


Prints = Mapping[str, Print]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database on a server."""

    where: Address
    database: str

    def environment(self) -> dict[str, str]:
        """Environment of a PostgreSQL program, so that no password stands in a command line."""
        words = self.where.params(self.database)
        known = {_ENVIRONMENT.get(name, f"PG{name.upper()}"): str(value) for name, value in words.items()}
        rest = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**rest, **known, "PGCONNECT_TIMEOUT": "10"}

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """An autocommit connection; raises `database_unreachable`."""
        try:
            connection = psycopg.connect(self.where.conninfo(self.database), autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise ServerError("database_unreachable", detail=str(error).strip()) from error
        with connection:
            yield connection


def dump(place: Place, target: Path) -> dict[str, Print]:
    """Write the database into `target` (pg_dump's custom format) and fingerprint the very same state of it.

    Nobody has to stop working. Raises `dump_failed`, `disk_full` and `programs_missing`.
    """
    with place.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        snapshot = str(row[0]) if row else ""
        argv = [str(_program("pg_dump", connection)), "--format=custom", "--compress=6", "--no-unlogged-table-data"]
        _run([*argv, "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"], place, "dump_failed")
        return _prints(connection)


def load(place: Place, source: Path) -> None:
    """Fill an empty database from a dump, all of it or nothing counts; raises `load_failed` and `programs_missing`."""
    with place.connect() as connection:
        program, version = _program("pg_restore", connection), connection.info.server_version // 10000
    argv = [str(program), "--exit-on-error", "--no-owner", "--no-privileges"]
    if _major(program) >= 17 > version:
        _load_into_older(place, argv, source)
    else:
        _run([*argv, f"--dbname={place.database}", "--jobs=2", str(source)], place, "load_failed")


def _load_into_older(place: Place, argv: list[str], source: Path) -> None:
    """pg_restore 17 and later begin with a setting that older servers do not know; it is left out on the way."""
    text = subprocess.Popen([*argv, "--file=-", str(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    psql = str(Path(argv[0]).with_name("psql"))
    into = subprocess.Popen(
        [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.environment(),
    )
    assert text.stdout is not None
    assert into.stdin is not None
    try:
        for line in text.stdout:
            if not line.startswith(b"SET transaction_timeout"):
                into.stdin.write(line)
        into.stdin.close()
    except BrokenPipeError:
        text.kill()
    told = into.stderr.read().decode("utf-8", "replace") if into.stderr else ""
    if into.wait() or text.wait():
        raise ServerError("load_failed", detail=_shown(told))


def _run(argv: list[str], place: Place, code: str) -> None:
    done = subprocess.run(argv, env=place.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        if "No space left on device" in done.stderr:
            raise ServerError("disk_full", folder=argv[-1].removeprefix("--file="))
        raise ServerError(code, detail=_shown(done.stderr))


def _shown(text: str) -> str:
    """The end of what a program said, without lines that quote rows."""
    lines = [line for line in text.strip().splitlines() if not re.match(r"(DETAIL|CONTEXT|COPY)", line)]
    return "\n".join(lines)[-800:]


def prints_of(place: Place) -> dict[str, Print]:
    """Fingerprints of all tables of a database, of one moment; costs one read of everything."""
    with place.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _prints(connection)


def _prints(connection: psycopg.Connection) -> dict[str, Print]:
    connection.execute(_PLAIN)
    found = {}
    query = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {} t"
    for schema, table in connection.execute(_TABLES).fetchall():
        row = connection.execute(sql.SQL(query).format(sql.Identifier(schema, table))).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = Print(rows=row[0], hash=row[1])
    return found


def differences(expected: Prints, found: Prints) -> list[str]:
    """Names of tables that are not equal, none when everything is."""
    return sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))


def rows_in(prints: Prints) -> int:
    """Rows of all tables together."""
    return sum(one.rows for one in prints.values())


def _program(name: str, connection: psycopg.Connection) -> Path:
    """The program of the server's own version, else the embedded one (newer, without TLS); raises `programs_missing`."""
    major = connection.info.server_version // 10000
    own = Path(SYSTEM_PROGRAMS.format(major=major)) / name
    if own.exists():
        return own
    on_path = shutil.which(name)
    if on_path and _major(Path(on_path)) == major:
        return Path(on_path)
    needs_tls = connection.info.host and not connection.info.host.startswith("/") and connection.pgconn.ssl_in_use
    try:
        carried = programs(service_user()) / name
    except ServerError:
        carried = None
    if carried is None or needs_tls or major > 18:
        raise ServerError("programs_missing", program=name, version=str(major))
    return carried


@cache
def _major(program: Path) -> int:
    told = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", told)
    return int(found.group(1)) if found else 0
