"""Every released version is brought to today's without losing a row, a file, or the way back.

The samples beside this file were packed by `tools/upgrade_sample.py` with the code of the release they are named after.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from zhike.server.cluster import programs
from zhike.server.connection import address
from zhike.server.embedded import Embedded
from zhike.server.home import Home
from zhike.server.processes import service_user

SAMPLES = sorted(Path(__file__).parent.glob("*.tar.gz"))
# Written by the product itself, not by people: these may be put in order again by any version.
OURS = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "procrastinate_",
    "kernel_tablekind",
    "kernel_searchdoc",
    "org_grant",
    "org_role",
    "kernel_history_",  # of its own it may write only what ready roles are newly offered; see `_told_by_people`
)
COLUMNS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1
"""

Facts = dict[str, tuple[list[str], int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """An installation as an older version left it, its server running."""

    home: Home
    database: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run today's Zhike in it."""
        return subprocess.run([sys.executable, *arguments], env=self.env(), capture_output=True, text=True, check=False, timeout=120)

    def env(self) -> dict[str, str]:
        """Environment of a process in this home."""
        own = {"ZHIKE_HOME": str(self.home.root), "ZHIKE_LANG": "en", "DJANGO_SETTINGS_MODULE": "zhike.server.settings"}
        return {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ZHIKE_COMPANY")} | own

    def connect(self) -> psycopg.Connection:
        """An autocommit connection to the company."""
        return psycopg.connect(address(self.home, {}).conninfo(self.database), autocommit=True)

    def facts(self, like: Facts | None = None) -> Facts:
        """Rows and their hash by table, over the columns there are, or those of `like` that are still there."""
        found: Facts = {}
        with self.connect() as session:
            session.execute("SET TimeZone = 'UTC'")
            for table, there in session.execute(COLUMNS).fetchall():
                columns = [name for name in like[table][0] if name in there] if like and table in like else there
                listed = sql.SQL(", ").join(map(sql.Identifier, columns))
                query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(row({})::text, 0)::numeric), 0)::text FROM {}")
                row = session.execute(query.format(listed, sql.Identifier(table))).fetchone()
                assert row is not None
                found[table] = (columns, *row)
        return found


@pytest.fixture(params=SAMPLES, ids=[path.name.removesuffix(".tar.gz") for path in SAMPLES])
def old(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    """The sample unpacked and loaded, as if its version had been stopped a moment ago."""
    root = Path(tempfile.mkdtemp(prefix="zhike-up-", dir="/tmp"))
    root.chmod(0o711)
    home = Home(root=root / "home").make()
    monkeypatch.setenv("ZHIKE_HOME", str(home.root))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with tarfile.open(request.param) as tar:
        tar.extractall(root / "sample", filter="data")
    for room in ("files", "imports"):
        shutil.copytree(root / "sample" / room, home.root / room, dirs_exist_ok=True)
    database = str(json.loads((root / "sample" / "sample.json").read_text())["database"])
    server = Embedded(home=home)
    server.start()
    try:
        for name, file in (("zhike", "control.sql"), (database, "company.sql")):
            _load(home, name, root / "sample" / file)
        yield Old(home=home, database=database)
    finally:
        server.stop()
        shutil.rmtree(root)


def _load(home: Home, name: str, file: Path) -> None:
    where = address(home, {})
    with psycopg.connect(where.conninfo("postgres"), autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
    argv = [
        str(programs(service_user()) / "psql"),
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        where.host,
        "-U",
        where.user,
        name,
        "-f",
        str(file),
    ]
    subprocess.run(argv, check=True, capture_output=True)


def _told_by_people(old: Old) -> list[tuple[object, ...]]:
    """The history but what it says of the sheets of ready roles, to which a new version may offer more."""
    query = """
    SELECT hid, at, kind, object_id, op, old FROM kernel_history
    WHERE kind NOT IN (SELECT kind FROM kernel_tablekind WHERE "table" = 'org_rolesheet') ORDER BY hid
    """
    with old.connect() as session:
        return session.execute(query).fetchall()


def test_there_is_a_sample_of_a_release() -> None:
    assert [path.name for path in SAMPLES][:1] == ["0.1.0.tar.gz"]


def test_old_installation_is_brought_up_to_date_with_every_row_and_file(old: Old) -> None:
    before, told = old.facts(), _told_by_people(old)
    assert (before["customers_customer"][1], before["orders_orderline"][1], before["kernel_attachment"][1]) == (2, 2, 1)
    done = old.run("-m", "zhike.server.bootstrap")
    assert done.returncode == 0, done.stderr
    assert "Updating the tables of 样品公司" in done.stderr
    after = old.facts(like=before)
    for table, facts in before.items():
        if table in after and not table.startswith(OURS):
            assert after[table] == facts, table
    assert {table for table in before if table not in after} == set()
    assert _told_by_people(old) == told
    with old.connect() as session:
        [(sha,)] = session.execute("SELECT sha256 FROM kernel_attachment").fetchall()
        [(path,)] = session.execute("SELECT path FROM kernel_importrun").fetchall()
    assert (old.home.files / old.database / "attachments" / sha[:2] / sha).read_text() == "合同正文"
    assert (old.home.imports / old.database / path).is_file()
    assert not (old.home.files / "attachments").exists()
    again = old.run("-m", "zhike.server.cli", "company", "migrate", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, [])


def test_what_the_old_version_did_can_still_be_taken_back(old: Old) -> None:
    assert old.run("-m", "zhike.server.bootstrap").returncode == 0
    with old.connect() as session:
        [(run,)] = session.execute("SELECT id::text FROM kernel_importrun").fetchall()
    undone = old.run("-m", "zhike.server.cli", "import", "--undo", run, "--json")
    assert undone.returncode == 0, undone.stderr
    assert json.loads(undone.stdout)["removed"] >= 4
    assert old.facts()["orders_order"][1] == 0


def test_a_kill_in_the_middle_is_made_good_by_starting_again(old: Old) -> None:
    before, told = old.facts(), _told_by_people(old)
    for seconds in (0.8, 1.2, 1.6):
        child = subprocess.Popen([sys.executable, "-m", "zhike.server.bootstrap"], env=old.env(), stderr=subprocess.DEVNULL)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    done = old.run("-m", "zhike.server.bootstrap")
    assert done.returncode == 0, done.stderr
    after = old.facts(like=before)
    assert {table for table, facts in before.items() if after.get(table) != facts and not table.startswith(OURS)} == set()
    assert _told_by_people(old) == told
    with psycopg.connect(address(old.home, {}).conninfo(), autocommit=True) as session:
        assert session.execute("SELECT state FROM company").fetchall() == [("open",)]
