"""The checks behind `zhike doctor`: each looks at one part and says what to do when it is not well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from zhike.server.bootstrap import database, name_settings
from zhike.server.checks import arrangements
from zhike.server.checks.companies import companies
from zhike.server.checks.findings import Finding
from zhike.server.checks.machine import machine
from zhike.server.checks.postgres import server
from zhike.server.connection import is_embedded
from zhike.server.console import words
from zhike.server.explanations import explain
from zhike.server.home import current_home
from zhike.server.processes import ServerError

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """Yield one finding after the other; the database is started for it when it does not run."""
    name_settings()
    yield from machine()
    try:
        with database():
            for check in (server, companies, arrangements.backups, arrangements.way_in):
                yield from _guarded(check)
    except (ServerError, psycopg.Error, OSError) as error:
        text = explain(error) if isinstance(error, ServerError) else str(error).strip()
        yield Finding(check="database", verdict="fail", seen=text, advice=_database_advice())
    yield from arrangements.mail()
    yield from arrangements.pages()


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except psycopg.Error as error:
        yield Finding(check=check.__name__, verdict="fail", seen=type(error).__name__, advice=_database_advice())


def _database_advice() -> str:
    log = current_home().logs / "postgres.log"
    if is_embedded():
        return words(zh=f"查看 {log}", en=f"See {log}")
    return words(zh="检查 DATABASE_URL 和数据库服务器", en="Check DATABASE_URL and the database server")
