"""`zhike doctor` on a company that is not well: each fault is named, with what to do, in the reader's language."""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.made import customer
from zhike.server.backups import note_backup
from zhike.server.checks import arrangements, examine
from zhike.server.checks.companies import companies
from zhike.server.checks.findings import Finding
from zhike.server.checks.machine import machine, memory, space, zone
from zhike.server.checks.postgres import clock, server
from zhike.server.clock import Clocks, seconds_since
from zhike.server.control import Company, control, mark_schema
from zhike.server.digests import migrations
from zhike.server.home import current_home

NOW = dt.datetime(2026, 11, 26, 8, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_LANG", "en")


@pytest.fixture
def session(committed: Company) -> Iterator[psycopg.Connection]:
    """A connection to the company's database."""
    mark_schema(committed, migrations())
    with psycopg.connect(committed.conninfo(), autocommit=True) as session:
        session.execute("insert into procrastinate_workers default values")
        yield session


def _of(findings: Iterator[Finding], check: str) -> list[tuple[str, str]]:
    return [(one.verdict, one.seen) for one in findings if one.check == check]


def test_a_company_that_is_well_has_nothing_to_do(session: psycopg.Connection) -> None:
    del session
    found = {one.check: one.verdict for one in companies()}
    assert found == dict.fromkeys(
        ("companies", "migrations", "indexes", "worker", "jobs", "events", "search", "history", "bloat", "webhooks"), "ok"
    )  # fmt: skip


def test_a_webhook_that_does_not_arrive_is_named(session: psycopg.Connection) -> None:
    session.execute("insert into kernel_integration (id, name, role_id) values (gen_random_uuid(), '仓库', 1)")
    for name, off in (("warehouse", ""), ("shop", "failed"), ("paused", "by_hand")):
        session.execute(
            "insert into kernel_hook (id, name, url, integration_id, events, fields, secret, is_active, off_reason) "
            "select gen_random_uuid(), %s, 'https://x.example/', id, '{}', '{}', '', %s, %s from kernel_integration",
            [name, not off, off],
        )
    session.execute(
        "insert into kernel_hookmessage (id, hook_id, event, told, state) "
        "select gen_random_uuid(), id, 'zhike.customers.changed', '{}', 'dead' from kernel_hook where name = 'warehouse'"
    )
    assert _of(companies(), "webhooks") == [("warn", "ceshi: shop stopped by itself"), ("warn", "ceshi: warehouse has 1 undelivered")]


def test_faults_of_a_company_are_each_named(session: psycopg.Connection, committed: Company) -> None:
    customer("苏州恒远")
    for statement in (
        "update procrastinate_workers set last_heartbeat = now() - interval '1 hour'",
        "insert into procrastinate_jobs (queue_name, task_name, status, worker_id) select 'default', 'sales.x', 'doing', id from procrastinate_workers",
        "insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'orders.y', 'failed')",
        "insert into procrastinate_events (job_id, type, at) select id, 'failed', now() from procrastinate_jobs where task_name = 'orders.y'",
        "insert into procrastinate_jobs (queue_name, task_name, scheduled_at) values ('default', 'late.z', now() - interval '20 min')",
        "insert into kernel_outboxevent (name, payload, at, tries, error) values ('a', '{}', now() - interval '1 h', 3, ''), "
        "('b', '{}', now() - interval '1 h', 20, 'x')",
        "update customers_customer set updated_at = now() - interval '1 h'",
        "insert into kernel_searchdoc (id, kind, updated_at, title, tsv) select gen_random_uuid(), kind, now(), '', '' from kernel_tablekind "
        "where \"table\" = 'customers_customer'",
        f"drop table kernel_history_{(dt.datetime.now(dt.UTC).replace(day=1) + dt.timedelta(days=32)):%Y%m}",
    ):
        session.execute(statement)
    mark_schema(committed, "an older one")
    found = list(companies())
    assert _of(iter(found), "migrations") == [("warn", "ceshi")]
    assert _of(iter(found), "worker") == [("warn", "ceshi")]
    assert _of(iter(found), "jobs") == [
        ("warn", "ceshi: 1 stalled"), ("warn", "ceshi: 1 failed in three days (orders.y …)"), ("warn", "ceshi: waiting for 20 minutes"),
    ]  # fmt: skip
    assert _of(iter(found), "events") == [("warn", "ceshi: 1"), ("warn", "ceshi: 1")]
    assert _of(iter(found), "search") == [("warn", "ceshi: customers_customer 1")]
    assert _of(iter(found), "history") == [("warn", "ceshi")]
    assert all(one.advice for one in found if one.verdict != "ok")


def test_a_company_that_stayed_closed_and_one_whose_database_is_gone(session: psycopg.Connection) -> None:
    del session
    with control() as connection:
        connection.execute("update company set state = 'failed', note = 'ProgrammingError: no such column'")
        connection.execute("insert into company (slug, name, database) values ('weg', '不在了', 'zt_not_there')")
    found = list(companies())
    assert _of(iter(found), "companies") == [("fail", "ceshi: ProgrammingError: no such column")]
    assert _of(iter(found), "migrations") == [("fail", "weg")]
    assert ("fail", "weg: OperationalError") in _of(iter(found), "worker")


def test_settings_that_lose_data_in_a_power_cut(session: psycopg.Connection) -> None:
    del session
    found = list(server())
    assert _of(iter(found), "settings") == [("fail", "fsync, full_page_writes")]  # the tests' server runs without
    assert _of(iter(found), "database")[0][0] == "ok"
    assert _of(iter(found), "clock")[0][0] == "ok"


@pytest.mark.parametrize(
    ("own", "database", "last", "verdict", "seen"),
    [
        (0, 0, None, "ok", "+0.0 s"),
        (3, 0, -60, "ok", "+3.0 s"),
        (0, 9, None, "fail", "-9 s against the database"),
        (3600, 0, None, "fail", "+3600 s against the database"),
        (0, 0, 7200, "warn", "set back by 7200 s"),
    ],
)
def test_a_clock_that_jumps_is_seen(own: int, database: int, last: int | None, verdict: str, seen: str) -> None:
    def at(seconds: int) -> dt.datetime:
        return NOW + dt.timedelta(seconds=seconds)

    finding = clock(Clocks(own=at(own), database=at(database), last_seen=None if last is None else at(last)))
    assert (finding.verdict, finding.seen) == (verdict, seen)
    assert bool(finding.advice) is (verdict != "ok")


def test_ages_are_never_negative_however_the_clock_jumped() -> None:
    assert seconds_since("2026-11-26T09:00:00+00:00", NOW) == 0
    assert seconds_since("2026-11-26T07:59:30+00:00", NOW) == 30


def test_machine_space_memory_zone_port_and_closed_rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "meminfo"
    table.write_text("MemTotal: 16000000 kB\nMemAvailable: 150000 kB\n")
    assert (memory(table).verdict, memory(table).seen) == ("fail", "0.1 GB")
    assert zone("Asia/Nowhere").verdict == "fail"
    assert zone("Asia/Shanghai").verdict == "ok"
    assert space(tmp_path).check == "disk"
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path / "home"))
    home = current_home().make()
    home.secret_key()
    assert _of(machine(), "secrets") == [("ok", "for the owner only")]
    home.secret_file.chmod(0o644)
    assert _of(machine(), "secrets") == [("fail", "secret.key")]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
        except OSError:
            pytest.skip("port 8000 is used by something else")
        taken.listen()
        assert _of(machine(), "port") == [("warn", "8000")]


def test_backups_that_are_late_and_those_nobody_tried(committed: Company) -> None:
    assert _of(arrangements.backups(), "backups") == [("warn", "ceshi")]
    note_backup(committed.slug, Path("x.tar"), "at")
    [finding] = arrangements.backups()
    assert (finding.verdict, "trial restore" in finding.advice) == ("warn", True)
    note_backup(committed.slug, Path("x.tar"), "checked")
    assert _of(arrangements.backups(), "backups") == [("ok", "none older than two days")]
    (current_home().root / "backups.json").unlink()


def test_a_host_from_outside_without_tls(committed: Company) -> None:
    assert _of(arrangements.way_in(), "tls") == [("ok", "this machine only")]
    with control() as connection:
        connection.execute("insert into company_host values ('crm.example.com', %s)", [committed.slug])
    [finding] = arrangements.way_in()
    assert (finding.verdict, finding.seen, "ZHIKE_BEHIND_TLS" in finding.advice) == ("warn", "crm.example.com", True)


def test_everything_together_speaks_the_readers_language(committed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    del committed
    monkeypatch.setenv("ZHIKE_LANG", "zh")
    found = list(examine())
    assert {
        "python",
        "home",
        "secrets",
        "disk",
        "memory",
        "time_zone",
        "database",
        "connections",
        "companies",
        "backups",
        "tls",
        "mail",
    } <= {one.check for one in found}
    assert all(max(one.advice) >= "\u4e00" for one in found if one.advice)
    assert os.environ["DATABASE_URL"] not in str(found)
