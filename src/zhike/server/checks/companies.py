"""Each company: migrations, indexes, worker, jobs, events, search, history, bloat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from zhike.kernel.bulkload import left_aside, repair
from zhike.server import digests
from zhike.server.checks.findings import Finding, fail, good, warn
from zhike.server.console import words
from zhike.server.control import Company, list_companies, list_kept, mark_of
from zhike.server.processes import ServerError
from zhike.server.working import is_somebody_at_work

Check = Callable[[psycopg.Connection, Company], Iterator[Finding]]
_STALLED = """
SELECT count(*) FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - interval '2 min')
"""
_FAILED = """
SELECT count(*), min(j.task_name), count(DISTINCT j.task_name) FROM procrastinate_jobs j
WHERE j.status = 'failed' AND EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - interval '3 days')
"""
_OLDEST = "SELECT extract(epoch FROM now() - min(scheduled_at)) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at < now()"
_OUTBOX = """
SELECT count(*) FILTER (WHERE tries < 20), count(*) FILTER (WHERE tries >= 20) FROM kernel_outboxevent
WHERE sent_at IS NULL AND at < now() - interval '5 min'
"""
_SEARCHED = 'SELECT k."table", k.kind FROM kernel_tablekind k WHERE EXISTS (SELECT FROM kernel_searchdoc d WHERE d.kind = k.kind)'
_UNFOUND = """
SELECT count(*) FROM (SELECT 1 FROM {} r WHERE r.updated_at < now() - interval '10 min'
    AND NOT EXISTS (SELECT FROM kernel_searchdoc d WHERE d.id = r.id) LIMIT 1000) x
"""
_BLOAT = """
SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 100000 AND n_dead_tup > n_live_tup * 0.3 ORDER BY n_dead_tup DESC LIMIT 3
"""

_WEBHOOKS = """
SELECT h.name, NOT h.is_active AND h.off_reason IN ('failed', 'gone'),
    (SELECT count(*) FROM kernel_hookmessage m WHERE m.hook_id = h.id AND m.state = 'dead' AND m.event <> 'zhike.test')
FROM kernel_hook h ORDER BY h.name
"""


def companies() -> Iterator[Finding]:
    """Every check over every company; a part that is well everywhere is one line."""
    found = list_companies()
    if not found:
        yield warn("companies", "0", zh="zhike company create 名称", en="zhike company create NAME")
        return
    yield from _states(found)
    yield from _migrations(found)
    bad: dict[str, list[Finding]] = {name: [] for name in _CHECKS}
    for company in found:
        for name, check in _CHECKS.items():
            bad[name] += _guarded(name, check, company)
    for name, findings in bad.items():
        yield from findings or [good(name, words(zh="都正常", en="all well"))]
    if list_kept():
        seen = ", ".join(one.database for one in list_kept())
        yield warn("kept", seen, zh="不再用的旧库还占着地方：zhike company kept", en="Old databases take space: zhike company kept")


def _guarded(name: str, check: Check, company: Company) -> list[Finding]:
    try:
        with psycopg.connect(company.conninfo(), autocommit=True, connect_timeout=5) as connection:
            connection.execute("SET statement_timeout = '10s'")
            return list(check(connection, company))
    except psycopg.errors.UndefinedTable:
        return []
    except (psycopg.Error, ServerError) as error:
        text = f"{company.slug}: {type(error).__name__}"
        return [
            fail(name, text, zh="这家公司的库没有回答，见数据库日志", en="This company's database did not answer, see the database's log")
        ]


def _states(found: list[Company]) -> Iterator[Finding]:
    for company in found:
        if company.state == "failed":
            yield fail(
                "companies",
                f"{company.slug}: {company.note}",
                zh="改好原因后运行 zhike company migrate",
                en="Remove the cause, then: zhike company migrate",
            )
        elif not company.is_open and not is_somebody_at_work():
            yield fail(
                "companies",
                f"{company.slug}: {company.state}",
                zh="上次没做完就停了。运行 zhike company migrate",
                en="A command was killed. Run: zhike company migrate",
            )
    if all(company.is_open for company in found):
        yield good("companies", str(len(found)))


def _migrations(found: list[Company]) -> Iterator[Finding]:
    digest, old, away = digests.migrations(), [], []
    for company in found:
        try:
            if mark_of(company) != digest:
                old.append(company.slug)
        except ServerError:
            away.append(company.slug)
    if away:
        yield fail("migrations", ", ".join(away), zh="连不上它们的库", en="Their databases cannot be reached")
    if old:
        yield warn("migrations", ", ".join(old), zh="运行 zhike up，会自动更新", en="Run `zhike up`: it brings them up to date")
    if not old and not away:
        yield good("migrations", ", ".join(company.slug for company in found))


def _indexes(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    """What a killed bulk load left without index or constraint is made again here and now."""
    connection.execute("SET statement_timeout = 0")
    aside, made = left_aside(connection), repair(connection)
    if aside and not made:
        yield warn(
            "indexes", f"{company.slug}: {aside}", zh="正在批量写入，完成后再检查", en="A bulk load is at work; check again when it is done"
        )
    elif made:
        seen = words(zh=f"{company.slug}：补建 {len(made)} 个", en=f"{company.slug}: {len(made)} made again")
        yield good("indexes", seen)


def _worker(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    query = "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 min')"
    if connection.execute(query).fetchone() != (True,):
        yield warn(
            "worker", company.slug, zh="运行 zhike up；若已在运行，查看 logs/worker.log", en="Run `zhike up`, or see logs/worker.log"
        )


def _jobs(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    stalled = connection.execute(_STALLED).fetchone()
    if stalled and stalled[0]:
        seen = words(zh=f"{company.slug}：{stalled[0]} 个卡住", en=f"{company.slug}: {stalled[0]} stalled")
        yield warn(
            "jobs",
            seen,
            zh="后台任务运行一分钟后会接着做；没有就重新启动",
            en="A running worker takes them up within a minute; else restart it",
        )
    failed = connection.execute(_FAILED).fetchone()
    if failed and failed[0]:
        seen = words(
            zh=f"{company.slug}：三天内失败 {failed[0]} 个（{failed[1]}…）",
            en=f"{company.slug}: {failed[0]} failed in three days ({failed[1]} …)",
        )
        yield warn(
            "jobs", seen, zh="原因在 logs/worker.log，按任务名和编号找", en="The reason is in logs/worker.log, by task name and job number"
        )
    oldest = connection.execute(_OLDEST).fetchone()
    if oldest and oldest[0] and oldest[0] > 600:
        seen = words(zh=f"{company.slug}：排队 {oldest[0] / 60:.0f} 分钟", en=f"{company.slug}: waiting for {oldest[0] / 60:.0f} minutes")
        yield warn("jobs", seen, zh="加后台进程：zhike up --job-workers 2", en="Start more workers: zhike up --job-workers 2")


def _events(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    row = connection.execute(_OUTBOX).fetchone()
    waiting, given_up = row if row else (0, 0)
    if waiting:
        yield warn(
            "events",
            f"{company.slug}: {waiting}",
            zh="还没有都听到；后台任务每分钟再说一遍",
            en="Not heard by everybody yet; the worker tells them again each minute",
        )
    if given_up:
        yield warn(
            "events",
            f"{company.slug}: {given_up}",
            zh="说了二十遍仍失败，原因在 kernel_outboxevent.error",
            en="Given up after 20 tries: see kernel_outboxevent.error",
        )


def _search(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    for table, _kind in connection.execute(_SEARCHED).fetchall():
        row = connection.execute(sql.SQL(_UNFOUND).format(sql.Identifier(table))).fetchone()
        if row and row[0]:
            count = f"{row[0]}+" if row[0] >= 1000 else str(row[0])
            yield warn(
                "search",
                f"{company.slug}: {table} {count}",
                zh="搜索里还找不到它们；后台任务在跑的话很快会补上",
                en="Search does not find them yet; a running worker catches up",
            )


def _history(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    following = datetime.now(UTC).replace(day=1) + timedelta(days=32)
    if connection.execute(
        "SELECT to_regclass('kernel_history') IS NOT NULL AND to_regclass(%s) IS NULL", [f"kernel_history_{following:%Y%m}"]
    ).fetchone() == (True,):
        yield warn(
            "history",
            company.slug,
            zh="下个月的分区还没建：运行 zhike up，夜里会建",
            en="Next month's partition is missing: run `zhike up`, it is made at night",
        )


def _bloat(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    tables = [row[0] for row in connection.execute(_BLOAT).fetchall()]
    if tables:
        yield warn(
            "bloat",
            f"{company.slug}: {', '.join(tables)}",
            zh="空闲时对它们做 VACUUM (ANALYZE)",
            en="VACUUM (ANALYZE) them when nobody works",
        )


def _webhooks(connection: psycopg.Connection, company: Company) -> Iterator[Finding]:
    for name, is_off, dead in connection.execute(_WEBHOOKS).fetchall():
        if is_off:
            seen = words(zh=f"{company.slug}：{name} 自动停了", en=f"{company.slug}: {name} stopped by itself")
            yield warn(
                "webhooks",
                seen,
                zh="修好接收的程序，在“变更通知”里试发、启用、重发",
                en="Repair the receiver; then test, switch on and resend under Webhooks",
            )
        elif dead:
            seen = words(zh=f"{company.slug}：{name} 有 {dead} 条没发到", en=f"{company.slug}: {name} has {dead} undelivered")
            yield warn("webhooks", seen, zh="在“变更通知”里看原因，再重发", en="See the reason under Webhooks, then send again")


_CHECKS: dict[str, Check] = {
    "indexes": _indexes,
    "worker": _worker,
    "jobs": _jobs,
    "events": _events,
    "search": _search,
    "history": _history,
    "bloat": _bloat,
    "webhooks": _webhooks,
}
