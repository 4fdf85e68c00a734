"""The control database: which companies there are, by which hosts they are called, and which database each one has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import kwargs_row

from zhike.server.connection import Address, address, is_embedded, parse_url
from zhike.server.processes import ServerError

# Additions only, each of them safe to run again: an older Zhike may still be reading the table.
_TABLE = """
CREATE TABLE IF NOT EXISTS company (
    slug text PRIMARY KEY,
    name text NOT NULL,
    database text NOT NULL UNIQUE,
    is_demo boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE company ADD COLUMN IF NOT EXISTS server text NOT NULL DEFAULT '';
ALTER TABLE company ADD COLUMN IF NOT EXISTS state text NOT NULL DEFAULT 'open';
ALTER TABLE company ADD COLUMN IF NOT EXISTS note text NOT NULL DEFAULT '';
CREATE TABLE IF NOT EXISTS company_host (
    host text PRIMARY KEY,
    slug text NOT NULL REFERENCES company ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS kept_database (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    server text NOT NULL DEFAULT '',
    database text NOT NULL,
    company text NOT NULL,
    why text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS draft_database (
    server text NOT NULL DEFAULT '',
    database text NOT NULL,
    PRIMARY KEY (server, database)
);
"""
_SELECT = """
SELECT slug, name, database, is_demo, created_at, server, state, note,
    ARRAY(SELECT host FROM company_host h WHERE h.slug = c.slug ORDER BY host) AS hosts
FROM company c ORDER BY created_at, slug
"""
_MARK = "zhike schema "


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One tenant: its short name in host names, hosts of its own, its full name, its database and the server of that.

    `server` is empty for the server that everybody uses. `state` is open, updating, moving or failed; pages and jobs
    run only while it is open, and `note` says what went wrong when it failed.
    """

    slug: str
    name: str
    database: str
    is_demo: bool
    created_at: datetime
    server: str = ""
    state: str = "open"
    note: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """True when pages may be shown and jobs run."""
        return self.state == "open"

    @property
    def where(self) -> Address:
        """The server of the company's database."""
        return parse_url(self.server) if self.server else address()

    @property
    def server_shown(self) -> str:
        """The server without user and password; empty for the one that everybody uses."""
        return f"{self.where.host}:{self.where.port}" if self.server else ""

    def conninfo(self) -> str:
        """libpq connection string to the company's database."""
        return self.where.conninfo(self.database)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A database that is no longer used and kept until somebody says otherwise."""

    id: int
    server: str
    database: str
    company: str
    why: str
    at: datetime


@contextmanager
def control(where: Address | None = None) -> Iterator[psycopg.Connection]:
    """An autocommit connection to the control database; raises `database_unreachable`."""
    with connect((where or address()).conninfo()) as connection:
        yield connection


@contextmanager
def connect(conninfo: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection that is closed afterwards; raises `database_unreachable`."""
    try:
        connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=10, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise ServerError("database_unreachable", detail=str(error).strip()) from error
    with connection:
        yield connection


def make_control() -> None:
    """Create the control database (embedded server only) and its tables where they are missing."""
    where = address()
    if is_embedded():
        with psycopg.connect(where.conninfo("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [where.name]).fetchone()
            if found is None:
                make_database(connection, where.name)
    with control(where) as connection, connection.transaction():
        # Two starters creating the same table at once would make one of them fail.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('zhike.company'))")
        connection.execute("SET LOCAL client_min_messages = warning")
        connection.execute(_TABLE)


def make_database(connection: psycopg.Connection, name: str) -> None:
    """Create an empty UTF-8 database; raises `create_database_not_allowed`."""
    command = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
    try:
        connection.execute(command)
    except psycopg.errors.InsufficientPrivilege:
        raise ServerError("create_database_not_allowed", database=name) from None


def note_draft(database: str, server: str = "") -> None:
    """Write down a database before it is made: should its maker die, whoever is next at work throws it away."""
    with control() as connection:
        connection.execute("INSERT INTO draft_database (server, database) VALUES (%s, %s) ON CONFLICT DO NOTHING", [server, database])


def forget_draft(connection: psycopg.Connection, database: str, server: str = "") -> None:
    """A draft is used from now on, or gone: in the transaction that says so."""
    connection.execute("DELETE FROM draft_database WHERE server = %s AND database = %s", [server, database])


def list_drafts() -> list[tuple[str, str]]:
    """Server and database of every draft."""
    with control() as connection:
        return connection.execute("SELECT server, database FROM draft_database ORDER BY 1, 2").fetchall()


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop a database together with the connections to it; a missing one is fine."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _company(**columns: Any) -> Company:
    return Company(**(columns | {"hosts": tuple(columns["hosts"])}))


def list_companies() -> list[Company]:
    """All companies, oldest first."""
    with control() as connection, connection.cursor(row_factory=kwargs_row(_company)) as cursor:
        return cursor.execute(_SELECT).fetchall()


def get_company(slug: str) -> Company:
    """The company of that slug or full name; raises `company_unknown`."""
    companies = list_companies()
    found = [company for company in companies if slug == company.slug]
    found = found or [company for company in companies if slug == company.name]
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


def list_kept() -> list[Kept]:
    """Databases that are kept though nobody uses them, oldest first."""
    query = "SELECT id, server, database, company, why, at FROM kept_database ORDER BY id"
    with control() as connection, connection.cursor(row_factory=kwargs_row(Kept)) as cursor:
        return cursor.execute(query).fetchall()


def free_database(connection: psycopg.Connection, stem: str) -> str:
    """A name for a database that nobody has."""
    with control() as session:
        named = {row[0] for row in session.execute("SELECT database FROM company UNION SELECT database FROM kept_database").fetchall()}
    named |= {row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()}
    name, number = stem, 2
    while name in named:
        name, number = f"{stem}_{number}", number + 1
    return name


def schema_marks(where: Address | None = None) -> dict[str, str]:
    """Digest of the migrations each database of a server was last brought to, by database name."""
    query = "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
    with control(where) as connection:
        rows = connection.execute(query).fetchall()
    return {name: text.removeprefix(_MARK) for name, text in rows if text and text.startswith(_MARK)}


def mark_of(company: Company) -> str:
    """Digest of the migrations that the company's database was last brought to; empty when nobody knows."""
    with connect(company.conninfo()) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    text = row[0] if row and row[0] else ""
    return text.removeprefix(_MARK) if text.startswith(_MARK) else ""


def mark_schema(company: Company, digest: str) -> None:
    """Remember the digest as the database's comment, so it goes when the database goes."""
    command = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(company.database), sql.Literal(_MARK + digest))
    with connect(company.conninfo()) as connection:
        connection.execute(command)


def set_state(slug: str, state: str, note: str = "") -> None:
    """Open a company, or say why it is not open; other processes hear of it within five seconds."""
    with control() as connection:
        connection.execute("UPDATE company SET state = %s, note = %s WHERE slug = %s", [state, note[:500], slug])


def address_of(company: Company, port: int) -> str:
    """Where a company is reached: its own host name over TLS, else its short name on this machine."""
    return f"https://{company.hosts[0]}" if company.hosts else f"http://{company.slug}.localhost:{port}"
