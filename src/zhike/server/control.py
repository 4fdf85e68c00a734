"""The control database: which companies there are and which database each one has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from zhike.server.connection import Address, address, is_embedded
from zhike.server.processes import ServerError

_TABLE = """
CREATE TABLE IF NOT EXISTS company (
    slug text PRIMARY KEY,
    name text NOT NULL,
    database text NOT NULL UNIQUE,
    is_demo boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
_COLUMNS = "slug, name, database, is_demo, created_at"
_MARK = "zhike schema "


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One tenant: its short name in host names, its full name and its database."""

    slug: str
    name: str
    database: str
    is_demo: bool
    created_at: datetime

    def conninfo(self) -> str:
        """libpq connection string to the company's database."""
        return address().conninfo(self.database)


@contextmanager
def control(where: Address | None = None) -> Iterator[psycopg.Connection]:
    """An autocommit connection to the control database; raises `database_unreachable`."""
    try:
        connection = psycopg.connect((where or address()).conninfo(), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise ServerError("database_unreachable", detail=str(error).strip()) from error
    with connection:
        yield connection


def make_control() -> None:
    """Create the control database (embedded server only) and its table where they are missing."""
    where = address()
    if is_embedded():
        with psycopg.connect(where.conninfo("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [where.name]).fetchone()
            if found is None:
                make_database(connection, where.name)
    with control(where) as connection, connection.transaction():
        # Two starters creating the same table at once would make one of them fail.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('zhike.company'))")
        connection.execute(_TABLE)


def make_database(connection: psycopg.Connection, name: str) -> None:
    """Create an empty UTF-8 database; raises `create_database_not_allowed`."""
    command = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
    try:
        connection.execute(command)
    except psycopg.errors.InsufficientPrivilege:
        raise ServerError("create_database_not_allowed", database=name) from None


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop a database together with the connections to it; a missing one is fine."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def list_companies() -> list[Company]:
    """All companies, oldest first."""
    with control() as connection, connection.cursor(row_factory=class_row(Company)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM company ORDER BY created_at, slug").fetchall()


def get_company(slug: str) -> Company:
    """The company of that slug or full name; raises `company_unknown`."""
    found = [company for company in list_companies() if slug == company.slug]
    found = found or [company for company in list_companies() if slug == company.name]
    if len(found) != 1:
        raise ServerError("company_unknown" if not found else "company_ambiguous", company=slug)
    return found[0]


def choose_default(companies: list[Company]) -> Company | None:
    """The company meant when none is named: ZHIKE_COMPANY, else the first real one, else the first demo."""
    named = os.environ.get("ZHIKE_COMPANY")
    if named:
        return next((company for company in companies if named in (company.slug, company.name)), None)
    return min(companies, key=lambda company: (company.is_demo, company.created_at), default=None)


def default_company() -> Company | None:
    """The company meant when none is named, None when there is none."""
    return choose_default(list_companies())


def schema_marks() -> dict[str, str]:
    """Digest of the migrations each database was last brought to, by database name."""
    query = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
    with control() as connection:
        rows = connection.execute(query).fetchall()
    return {name: text.removeprefix(_MARK) for name, text in rows if text and text.startswith(_MARK)}


def mark_schema(database: str, digest: str) -> None:
    """Remember the digest as the database's comment, so it goes when the database goes."""
    command = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(_MARK + digest))
    with control() as connection:
        connection.execute(command)
