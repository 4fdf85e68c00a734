"""A PostgreSQL for these tests alone: ZHIKE_TEST_DSN, or a temporary server of the distribution's binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from zhike.kernel.lake.source import uri_of

SERVERS = Path("/usr/lib/postgresql")
OPTIONS = "-c listen_addresses='' -c fsync=off -c shared_buffers=32MB -k {folder}"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Connection string of a server where databases may be made; skipped where there is none."""
    given = os.environ.get("ZHIKE_TEST_DSN")
    if given:
        yield given
        return
    found = sorted(SERVERS.glob("*/bin"), key=lambda path: int(path.parent.name)) if SERVERS.exists() else []
    if not found:
        pytest.skip("no PostgreSQL server: set ZHIKE_TEST_DSN or install the package postgresql")
    folder = tempfile.mkdtemp(prefix="lake-pg-", dir="/tmp")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(found[-1] / program), "-D", f"{folder}/data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)

    run("initdb", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", OPTIONS.format(folder=folder), "start")
    try:
        yield f"host={folder} user=postgres dbname=postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def database(server: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """An empty database of its own: an autocommit connection, and the URI for the export."""
    name = f"lake_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        settings = conninfo_to_dict(server) | {"dbname": name}
        with psycopg.connect(**settings, autocommit=True) as connection:  # type: ignore[arg-type]
            yield connection, uri_of(settings)
        admin.execute(f"drop database {name} with (force)")
