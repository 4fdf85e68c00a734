"""The checks behind `zhike doctor`: each looks at one part and says what to do when it is not well."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import psycopg

from zhike.kernel.bulkload import left_aside, repair
from zhike.server import digests
from zhike.server.bootstrap import are_static_files_fresh, database, name_settings
from zhike.server.connection import address, is_embedded
from zhike.server.console import words
from zhike.server.control import Company, control, list_companies, schema_marks
from zhike.server.explanations import explain
from zhike.server.home import current_home
from zhike.server.processes import ServerError

Verdict = Literal["ok", "warn", "fail"]
_LEAST_SPACE = 1.0  # GB: below this an import may not finish
_GOOD_SPACE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on one part, what was seen, and what to do about it."""

    check: str
    verdict: Verdict
    seen: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Yield one finding after the other; the database is started for it when it does not run."""
    name_settings()
    yield _python()
    yield _home()
    yield _space()
    try:
        with database():
            yield _version()
            for check in (_migrations, _indexes, _heartbeat):
                yield from _guarded(check)
    except (ServerError, psycopg.Error, OSError) as error:
        text = explain(error) if isinstance(error, ServerError) else str(error).strip()
        yield Finding(check="database", verdict="fail", seen=text, advice=_database_advice())
    yield _static()


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except psycopg.Error as error:
        yield Finding(check=check.__name__.strip("_"), verdict="fail", seen=str(error).strip())


def _database_advice() -> str:
    log = current_home().logs / "postgres.log"
    if is_embedded():
        return words(zh=f"查看 {log}", en=f"See {log}")
    return words(zh="检查 DATABASE_URL 和数据库服务器", en="Check DATABASE_URL and the database server")


def _python() -> Finding:
    return Finding(check="python", verdict="ok", seen=".".join(map(str, sys.version_info[:3])))


def _home() -> Finding:
    home = current_home()
    try:
        home.make()
        is_writable = os.access(home.root, os.W_OK | os.X_OK) and os.access(home.files, os.W_OK)
    except OSError:
        is_writable = False
    if is_writable:
        return Finding(check="home", verdict="ok", seen=str(home.root))
    advice = words(zh="换一个可写的目录：ZHIKE_HOME=…", en="Name a folder you may write: ZHIKE_HOME=…")
    return Finding(check="home", verdict="fail", seen=str(home.root), advice=advice)


def _space() -> Finding:
    folder = current_home().root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    verdict: Verdict = "ok" if free >= _GOOD_SPACE else "warn" if free >= _LEAST_SPACE else "fail"
    advice = "" if verdict == "ok" else words(zh="清理磁盘空间", en="Free some disk space")
    return Finding(check="disk", verdict=verdict, seen=f"{free:.1f} GB", advice=advice)


def _version() -> Finding:
    with control() as connection:
        number = connection.info.server_version
    seen = f"PostgreSQL {number // 10000}.{number % 10000}"
    if 150000 <= number < 190000:
        return Finding(check="database", verdict="ok", seen=seen)
    advice = words(zh="请使用 PostgreSQL 15 至 18", en="Use PostgreSQL 15 to 18")
    return Finding(check="database", verdict="fail" if number < 150000 else "warn", seen=seen, advice=advice)


def _migrations() -> Iterator[Finding]:
    companies, marks, digest = list_companies(), schema_marks(), digests.migrations()
    old = [item.slug for item in companies if marks.get(item.database) != digest]
    if not companies:
        advice = words(zh="zhike company create 名称", en="zhike company create NAME")
        yield Finding(check="companies", verdict="warn", seen="0", advice=advice)
    elif old:
        advice = words(zh="运行 zhike up，会自动更新", en="Run `zhike up`: it brings them up to date")
        yield Finding(check="migrations", verdict="warn", seen=", ".join(old), advice=advice)
    else:
        yield Finding(check="migrations", verdict="ok", seen=", ".join(item.slug for item in companies))


def _indexes() -> Iterator[Finding]:
    """What a killed bulk load left without index or constraint is made again here and now."""
    for item in list_companies():
        with psycopg.connect(address().conninfo(item.database), autocommit=True) as connection:
            aside, made = left_aside(connection), repair(connection)
        if aside and not made:
            advice = words(zh="正在批量写入，完成后再检查", en="A bulk load is at work; check again when it is done")
            yield Finding(check="indexes", verdict="warn", seen=f"{item.slug}: {aside}", advice=advice)
        elif made:
            yield Finding(
                check="indexes", verdict="ok", seen=words(zh=f"{item.slug}：补建 {len(made)} 个", en=f"{item.slug}: {len(made)} made again")
            )


def _heartbeat() -> Iterator[Finding]:
    companies = list_companies()
    silent = [item.slug for item in companies if not _has_worker(item)]
    if not companies:
        return
    if silent:
        advice = words(zh="运行 zhike up；若已在运行，查看 logs/worker.log", en="Run `zhike up`, or see logs/worker.log")
        yield Finding(check="worker", verdict="warn", seen=", ".join(silent), advice=advice)
    else:
        yield Finding(check="worker", verdict="ok", seen=words(zh="都有心跳", en="all alive"))


def _has_worker(company: Company) -> bool:
    query = "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds')"
    with psycopg.connect(address().conninfo(company.database), autocommit=True) as connection:
        try:
            row = connection.execute(query).fetchone()
        except psycopg.errors.UndefinedTable:
            return False
    return bool(row and row[0])


def _static() -> Finding:
    if are_static_files_fresh():
        return Finding(check="static", verdict="ok", seen=str(current_home().static))
    advice = words(zh="运行 zhike up，会自动整理", en="Run `zhike up`: it collects them")
    return Finding(check="static", verdict="warn", seen=words(zh="页面文件不是最新", en="not up to date"), advice=advice)
