"""Databases of the tests: one template a run, migrated once; every worker and every test that commits gets a copy."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests.cast import make_cast
from zhike.server.companies import forget_companies
from zhike.server.control import Company, control, make_control

URL = "ZHIKE_TEST_URL"
RUN = "ZHIKE_TEST_RUN"
COMPANY = "测试公司"


def server() -> psycopg.Connection:
    """An autocommit connection to the server of the tests."""
    return psycopg.connect(os.environ[URL].format(name="postgres"), autocommit=True)


def worker() -> str:
    """Name of this test process: main, or gw0, gw1 and so on."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def run_name(name: str) -> str:
    """A database name that no other run uses."""
    return f"zt_{os.environ[RUN]}_{name}"


def prepare_control() -> None:
    """Make this process' own control database (its name stands in DATABASE_URL)."""
    name = os.environ["DATABASE_URL"].rpartition("/")[2].partition("?")[0]
    with server() as session:
        session.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    make_control()


def use_database(name: str) -> None:
    """Let Django's default connection lead to a database, without a pool that would keep it open."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict["OPTIONS"].pop("pool", None)
    connection.settings_dict["NAME"] = name


def template() -> str:
    """The migrated template with the cast; the first process that needs it makes it."""
    name = run_name("template")
    with Path(tempfile.gettempdir(), f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with server() as session:
            if session.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                return name
            draft = f"{name}_draft"
            session.execute(sql.SQL("create database {} template template0 encoding 'UTF8'").format(sql.Identifier(draft)))
            use_database(draft)
            call_command("migrate", verbosity=0, interactive=False)
            make_cast()
            connections["default"].close()
            session.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(draft), sql.Identifier(name)))
    return name


def copy_of(name: str, copy: str) -> str:
    """A copy of a database under a name of this run."""
    full = run_name(copy)
    with server() as session:
        session.execute(sql.SQL("create database {} template {}").format(sql.Identifier(full), sql.Identifier(name)))
    return full


def drop(name: str) -> None:
    """Drop a database together with the connections to it."""
    with server() as session:
        session.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def found_company(database: str) -> Company:
    """Let the control database know one company only, which keeps its data in `database`."""
    with control() as session:
        session.execute("delete from company")
        session.execute("insert into company (slug, name, database) values ('ceshi', %s, %s)", [COMPANY, database])
    forget_companies()
    return Company(slug="ceshi", name=COMPANY, database=database, is_demo=False, created_at=dt.datetime.now(dt.UTC))


@contextmanager
def fresh_copy() -> Iterator[Company]:
    """A company with a database of its own while the block runs: what is committed in it is gone afterwards."""
    before = str(connections["default"].settings_dict["NAME"])
    name = copy_of(template(), f"c{uuid.uuid4().hex[:10]}")
    use_database(name)
    try:
        yield found_company(name)
    finally:
        use_database(before)
        found_company(before)
        drop(name)
