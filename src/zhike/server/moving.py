"""Moving a company to another database or server, and the databases that are kept afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from zhike.server.companies import forget_companies
from zhike.server.connection import parse_url
from zhike.server.control import (
    Company,
    Kept,
    control,
    drop_database,
    forget_draft,
    get_company,
    list_kept,
    make_database,
    mark_of,
    mark_schema,
    note_draft,
)
from zhike.server.dumps import Place, Prints, differences, dump, load, prints_of, rows_in
from zhike.server.home import ROOMS, current_home, drop_rooms
from zhike.server.processes import ServerError
from zhike.server.working import alone, closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A company in its new place, and what was compared: tables and rows, all equal."""

    company: Company
    tables: int
    rows: int
    kept: str


def place_of(company: Company) -> Place:
    """The company's database."""
    return Place(where=company.where, database=company.database)


def move_company(name: str, *, database: str = "", server: str | None = None) -> Moved:
    """Move a company's database; pages and jobs wait, the old database is kept and can only be read.

    Every table is compared before the switch. Raises `company_unknown`, `move_same_place`, `database_exists`,
    `database_url_invalid`, `database_unreachable`, `not_equal` and what dumping and loading raise.
    """
    with alone():
        company = get_company(name)
        target = replace(company, database=database or company.database, server=company.server if server is None else server)
        if (target.database, target.server) == (company.database, company.server):
            raise ServerError("move_same_place", company=company.name)
        if target.server:
            parse_url(target.server)
        _refuse_taken(company, target)
        with closed(company, "moving", is_read_only=True):
            prints = _copy(company, target)
            _link_rooms(company.database, target.database)
            _switch(company, target)
        return Moved(company=get_company(company.slug), tables=len(prints), rows=rows_in(prints), kept=company.database)


def _refuse_taken(company: Company, target: Company) -> None:
    with control() as connection:
        rows = connection.execute("SELECT slug FROM company WHERE database = %s", [target.database]).fetchall()
    if any(row[0] != company.slug for row in rows):
        raise ServerError("database_exists", database=target.database)


def _copy(company: Company, target: Company) -> Prints:
    draft_of(target)
    folder = Path(tempfile.mkdtemp(prefix="move-", dir=current_home().make().run))
    try:
        prints = dump(place_of(company), folder / "dump")
        load(place_of(target), folder / "dump")
        refuse_unequal(prints, prints_of(place_of(target)))
    except BaseException:
        with control(target.where if target.server else None) as connection:
            drop_database(connection, target.database)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return prints


def draft_of(target: Company) -> None:
    """An empty database of that name on that server; raises `database_exists`."""
    with control(target.where if target.server else None) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [target.database]).fetchone():
            raise ServerError("database_exists", database=target.database)
        note_draft(target.database, target.server)
        make_database(connection, target.database)


def refuse_unequal(expected: Prints, found: Prints) -> None:
    """Raise `not_equal` naming tables whose rows differ."""
    different = differences(expected, found)
    if different:
        raise ServerError("not_equal", tables=", ".join(different[:10]), count=str(len(different)))


def _link_rooms(old: str, new: str) -> None:
    """The company's folders under the new name too; those under the old one go with the old database."""
    home = current_home().root
    for room in ROOMS:
        source, target = home / room / old, home / room / new
        if old != new and source.is_dir():
            shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)


def _switch(company: Company, target: Company) -> None:
    mark = mark_of(company)
    mark_schema(target, mark)
    with control() as connection, connection.transaction():
        connection.execute(
            "UPDATE company SET database = %s, server = %s, state = 'open' WHERE slug = %s", [target.database, target.server, company.slug]
        )
        forget_draft(connection, target.database, target.server)
        keep(connection, company, "moved")
    forget_companies()


def keep(connection: psycopg.Connection, company: Company, why: str) -> None:
    """Note a database that is no longer used, so that it is dropped only when somebody says so."""
    connection.execute(
        "INSERT INTO kept_database (server, database, company, why) VALUES (%s, %s, %s, %s)",
        [company.server, company.database, company.name, why],
    )


def drop_kept(number: int) -> Kept:
    """Drop a kept database with its folders for good; raises `kept_unknown`."""
    with alone():
        kept = next((one for one in list_kept() if one.id == number), None)
        if kept is None:
            raise ServerError("kept_unknown", number=str(number))
        with control(parse_url(kept.server) if kept.server else None) as connection:
            drop_database(connection, kept.database)
        with control() as connection:
            used = connection.execute("SELECT 1 FROM company WHERE database = %s", [kept.database]).fetchone()
            connection.execute("DELETE FROM kept_database WHERE id = %s", [number])
        if used is None:
            drop_rooms(kept.database)
        return kept
