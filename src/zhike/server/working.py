"""One hand at a time on the set of companies, and putting right what a killed one left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from zhike.server.companies import forget_companies
from zhike.server.connection import parse_url
from zhike.server.console import say
from zhike.server.control import Company, connect, control, drop_database, forget_draft, list_companies, list_drafts, set_state
from zhike.server.home import drop_rooms
from zhike.server.processes import ServerError

LOCK = "hashtextextended('zhike.companies', 0)"
# Other processes read the companies anew after five seconds at most.
SECONDS_UNTIL_KNOWN = 6.0
_depth = 0


@contextmanager
def alone() -> Iterator[None]:
    """Be the only process that founds, moves, restores or brings up to date companies; waits for another one.

    What a process left behind that was killed at it is put right first. Nests in one process.
    """
    global _depth
    if _depth:
        yield
        return
    with control() as connection:
        if not _try(connection):
            say(zh="另一条命令正在处理公司，等它结束……", en="Another command is at work on companies; waiting for it …")
            connection.execute(f"SELECT pg_advisory_lock({LOCK})")
        _depth += 1
        try:
            put_right()
            yield
        finally:
            _depth -= 1


def is_somebody_at_work() -> bool:
    """Whether a process founds, moves, restores or brings up to date companies right now."""
    with control() as connection:
        return not _try(connection)


def _try(connection: psycopg.Connection) -> bool:
    row = connection.execute(f"SELECT pg_try_advisory_lock({LOCK})").fetchone()
    return bool(row and row[0])


def put_right() -> list[Company]:
    """Open again what a killed command left closed, throw its drafts away; only while nobody else is at work. The companies concerned."""
    left = [company for company in list_companies() if company.state in ("updating", "moving")]
    for company in left:
        with suppress(ServerError, psycopg.Error):
            set_writable(company, is_writable=True)
        set_state(company.slug, "open")
    if left:
        forget_companies()
    for server, database in list_drafts():
        with suppress(ServerError, psycopg.Error):  # a server that is away keeps its draft until it is back
            _throw_away(server, database)
    return left


def _throw_away(server: str, database: str) -> None:
    with control(parse_url(server) if server else None) as connection:
        drop_database(connection, database)
    with control() as connection:
        used = connection.execute("SELECT 1 FROM company WHERE database = %(db)s UNION SELECT 1 FROM kept_database WHERE database = %(db)s",
                                  {"db": database}).fetchone()  # fmt: skip
        if used is None:  # the same name on another server may be a company's, and its folders with it
            drop_rooms(database)
        forget_draft(connection, database, server)


@contextmanager
def closed(company: Company, state: str, *, is_read_only: bool = False) -> Iterator[None]:
    """Keep pages and jobs of a company away while the block runs: others hear of it first, late writers are refused.

    The block says what comes after by `set_state`; when it fails without a word, the company is opened again.
    """
    set_state(company.slug, state)
    forget_companies()
    try:
        if _others(company):
            time.sleep(SECONDS_UNTIL_KNOWN)
        if is_read_only:
            _set_if_there(company, is_writable=False)
        yield
    except BaseException:
        if is_read_only:
            _set_if_there(company, is_writable=True)
        if _state_of(company) == state:
            set_state(company.slug, "open")
        raise
    finally:
        forget_companies()


def _state_of(company: Company) -> str:
    return next((found.state for found in list_companies() if found.slug == company.slug), "")


def _others(company: Company) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    try:
        with connect(company.conninfo()) as connection:
            row = connection.execute(query).fetchone()
    except ServerError:
        return 0
    return int(row[0]) if row else 0


def _set_if_there(company: Company, *, is_writable: bool) -> None:
    """A database that cannot be reached needs no guarding: it is being replaced for that reason."""
    with suppress(ServerError):
        set_writable(company, is_writable=is_writable)


def set_writable(company: Company, *, is_writable: bool) -> None:
    """Let new connections write or only read, and cut those there are; our own connections may still set it back."""
    setting = "off" if is_writable else "on"
    command = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    with connect(company.conninfo()) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(command.format(sql.Identifier(company.database), sql.Literal(setting)))
        if is_writable:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(sql.Identifier(company.database)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
