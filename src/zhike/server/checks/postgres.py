"""The database server: version, settings, connections, long transactions, its clock, its replica."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from zhike.server.checks.findings import Finding, fail, good, warn
from zhike.server.clock import Clocks
from zhike.server.connection import is_embedded
from zhike.server.console import words
from zhike.server.control import control
from zhike.server.home import current_home
from zhike.server.replica import look_at_replica

_MINUTES = 10
_SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'max_connections', 'shared_buffers', 'max_wal_size', 'server_encoding')
"""
_SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE state = 'idle' AND state_change < now() - interval '10 min'),
    count(*) FILTER (WHERE xact_start < now() - interval '10 min' AND backend_type = 'client backend')
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def server() -> Iterator[Finding]:
    """Everything about the server itself."""
    with control() as connection:
        yield _version(connection.info.server_version)
        settings = dict(connection.execute(_SETTINGS).fetchall())
        yield from _settings(settings)
        yield from _sessions(connection, int(settings["max_connections"]))
        yield clock(_clocks(connection))
    yield from _replica()


def _version(number: int) -> Finding:
    seen = f"PostgreSQL {number // 10000}.{number % 10000}"
    if 150000 <= number < 190000:
        return good("database", seen)
    told = fail if number < 150000 else warn
    return told("database", seen, zh="请使用 PostgreSQL 15 至 18", en="Use PostgreSQL 15 to 18")


def _settings(found: dict[str, str]) -> Iterator[Finding]:
    unsafe = [name for name in ("fsync", "full_page_writes") if found[name] != "on"]
    if unsafe:
        yield fail("settings", ", ".join(unsafe), zh="断电会丢数据，请打开", en="A power cut would lose data: switch them on")
        return
    if found["server_encoding"] != "UTF8":
        yield fail("settings", found["server_encoding"], zh="数据库编码要用 UTF8", en="The databases have to be in UTF8")
        return
    small = []
    if int(found["max_connections"]) < 40:
        small.append(f"max_connections={found['max_connections']}")
    if not is_embedded() and int(found["shared_buffers"]) * 8 < 128 * 1024:
        small.append(f"shared_buffers={int(found['shared_buffers']) * 8 // 1024}MB")
    if not is_embedded() and int(found["max_wal_size"]) < 2048:
        small.append(f"max_wal_size={found['max_wal_size']}MB")
    if small:
        yield warn("settings", ", ".join(small), zh="调大，见 docs/guide/server.md", en="Raise them, see docs/guide/en/server.md")
    else:
        yield good("settings", words(zh="合适", en="fit"))


def _sessions(connection: psycopg.Connection, most: int) -> Iterator[Finding]:
    row = connection.execute(_SESSIONS).fetchone()
    used, idle, long = row if row else (0, 0, 0)
    seen = words(zh=f"{used}/{most}，闲置 {idle}", en=f"{used}/{most}, {idle} idle")
    if used > most * 0.9:
        yield fail("connections", seen, zh="连接快用完：减少 --workers，或用 PgBouncer", en="Nearly used up: fewer --workers, or PgBouncer")
    elif used > most * 0.7:
        yield warn("connections", seen, zh="连接偏多：看看还有谁在连", en="Many: see who else is connected")
    else:
        yield good("connections", seen)
    if long:
        yield warn(
            "transactions",
            words(zh=f"{long} 个超过 {_MINUTES} 分钟", en=f"{long} older than {_MINUTES} minutes"),
            zh="它们让表变胖。在 pg_stat_activity 里看是谁，必要时结束它",
            en="They bloat tables. See who it is in pg_stat_activity and end it if need be",
        )


def _clocks(connection: psycopg.Connection) -> Clocks:
    note = current_home().run / "clock"
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    own = datetime.now(UTC)
    assert row is not None
    try:
        last = datetime.fromisoformat(note.read_text())
    except (OSError, ValueError):
        last = None
    note.write_text(max(own, last or own).isoformat())
    return Clocks(own=own, database=row[0], last_seen=last)


def clock(clocks: Clocks) -> Finding:
    """Whether our clock agrees with the database's and has not been set back."""
    if clocks.problem == "clock_apart":
        seconds = clocks.apart.total_seconds()
        seen = words(zh=f"比数据库{'快' if seconds > 0 else '慢'} {abs(seconds):.0f} 秒", en=f"{seconds:+.0f} s against the database")
        return fail(
            "clock",
            seen,
            zh="两台机器都开启时间同步（chrony 或 systemd-timesyncd）",
            en="Synchronise both machines (chrony or systemd-timesyncd)",
        )
    if clocks.problem == "clock_set_back":
        seen = words(zh=f"倒退了 {clocks.back.total_seconds():.0f} 秒", en=f"set back by {clocks.back.total_seconds():.0f} s")
        return warn(
            "clock",
            seen,
            zh="历史和任务按时间排，倒退期间的先后会乱。开启时间同步",
            en="History and jobs go by time and are out of order for that while. Synchronise the clock",
        )
    return good("clock", f"{clocks.apart.total_seconds():+.1f} s")


def _replica() -> Iterator[Finding]:
    if not os.environ.get("DATABASE_REPLICA_URL"):
        return
    state = look_at_replica()
    if state.problem:
        yield warn("replica", state.problem, zh="报表先读主库。检查副本", en="Reports read the primary meanwhile. See to the replica")
    else:
        yield good("replica", words(zh=f"落后 {state.lag:.1f} 秒", en=f"{state.lag:.1f} s behind"))
