"""Backups: made while everything is used, brought back equal row by row, and never half there."""

import json
import os
import signal
import subprocess
import tarfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from zhike.server.backups import keep_newest
from zhike.server.connection import address
from zhike.server.control import control, get_company, list_companies, list_drafts
from zhike.server.embedded import Embedded
from zhike.server.tests.conftest import Ground, wait_for


def _session(database: str, home: Path | None = None) -> psycopg.Connection:
    del home
    return psycopg.connect(address().conninfo(database), autocommit=True)


def _company(ground: Ground, rows: int = 1000) -> str:
    code, out, err = ground.zhike("company", "create", "甲公司", "--host", "jia.example", "--json")
    assert code == 0, err
    database = str(json.loads(out)["database"])
    with _session(database) as session:
        session.execute("CREATE TABLE fact (id int PRIMARY KEY, name text, sum numeric(12,2), at timestamptz, more jsonb)")
        session.execute(
            "INSERT INTO fact SELECT n, '客户 ' || n, n / 7.0, timestamptz '2026-01-01' + n * interval '1 min', jsonb_build_object('n', n) "
            "FROM generate_series(1, %s) n",
            [rows],
        )
    folder = ground.home.files / database / "attachments" / "ab"
    folder.mkdir(parents=True)
    (folder / "abcd").write_bytes(b"contract" * 1000)
    return database


def _backup(ground: Ground, *arguments: str) -> Path:
    code, out, err = ground.zhike("backup", "--json", *arguments)
    assert code == 0, err
    return Path(json.loads(out)["backups"][0]["path"])


@pytest.mark.usefixtures("server")
def test_backup_taken_under_writes_is_of_one_moment_and_comes_back_equal(ground: Ground) -> None:
    database = _company(ground)
    stop = threading.Event()

    def write() -> None:
        with _session(database) as session:
            for number in range(10_000, 1_000_000):
                if stop.is_set():
                    return
                session.execute("INSERT INTO fact (id, name) VALUES (%s, 'new'), (%s, 'new')", [number * 2, number * 2 + 1])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        path = _backup(ground, "--company", "甲公司")
    finally:
        stop.set()
        writer.join()
    assert (path.stat().st_mode & 0o777, path.parent) == (0o600, ground.home.backups)
    code, out, err = ground.zhike("backup", "--check", str(path), "--json")
    checked = json.loads(out)
    assert (code, checked["equal"], checked["files"]) == (0, True, 1), err
    code, out, err = ground.zhike("restore", str(path), "--as", "乙公司", "--json")
    told = json.loads(out)
    assert (code, told["company"], told["rows"], told["equal"]) == (0, "yigongsi", checked["rows"], True), err
    with _session(told["database"]) as session:
        [(count, odd)] = session.execute("SELECT count(*), count(*) %% 2 FROM fact WHERE id >= 20000", []).fetchall()
        assert (count > 0, odd) == (True, 0)  # rows of one transaction came both or not at all
    assert (ground.home.files / told["database"] / "attachments" / "ab" / "abcd").read_bytes() == b"contract" * 1000
    assert [(one.slug, one.hosts) for one in list_companies()] == [("jiagongsi", ("jia.example",)), ("yigongsi", ())]
    with control() as session:
        assert session.execute("SELECT datname FROM pg_database WHERE datname LIKE 'zhike_check%'").fetchall() == []


@pytest.mark.usefixtures("server")
def test_a_company_that_is_there_is_replaced_only_when_told_so_and_kept_then(ground: Ground) -> None:
    database = _company(ground, rows=10)
    path = _backup(ground, "--company", "甲公司")
    with _session(database) as session:
        session.execute("DELETE FROM fact WHERE id > 3")
    code, _out, err = ground.zhike("restore", str(path))
    assert (code, "甲公司 is there" in err) == (1, True)
    assert get_company("甲公司").database == database
    code, out, err = ground.zhike("restore", str(path), "--replace", "--json")
    told = json.loads(out)
    assert (code, told["kept"]) == (0, database), err
    now = get_company("甲公司")
    assert (now.database != database, now.state, now.hosts) == (True, "open", ("jia.example",))
    with _session(now.database) as session, _session(database) as old:
        assert session.execute("SELECT count(*) FROM fact").fetchone() == (10,)
        assert old.execute("SELECT count(*) FROM fact").fetchone() == (3,)


@pytest.mark.usefixtures("server")
def test_damaged_cut_off_or_foreign_files_are_refused_and_change_nothing(ground: Ground, tmp_path: Path) -> None:
    _company(ground, rows=10)
    path = _backup(ground, "--company", "甲公司")
    data = path.read_bytes()
    cut, damaged, foreign = tmp_path / "cut.tar", tmp_path / "damaged.tar", tmp_path / "foreign.tar"
    cut.write_bytes(data[: len(data) // 2])
    with tarfile.open(path) as tar:
        place = tar.getmember("files/attachments/ab/abcd").offset_data
    damaged.write_bytes(data[:place] + b"X" + data[place + 1 :])
    with tarfile.open(foreign, "w") as tar:
        tar.add(__file__, "../../etc/cron.d/evil")
    for file, words in (
        (cut, "not a complete backup"),
        (damaged, "damaged"),
        (foreign, "not a complete backup"),
        (tmp_path / "no", "no such file"),
    ):
        code, out, err = ground.zhike("restore", str(file), "--as", "乙公司")
        assert (code, out) == (1, "")
        assert words in err
    assert [one.slug for one in list_companies()] == ["jiagongsi"]
    with control() as session:
        found = session.execute("SELECT datname FROM pg_database WHERE datname LIKE 'zhike%' ORDER BY 1").fetchall()
    assert found == [("zhike",), ("zhike_jiagongsi",)]
    assert list(ground.home.run.glob("restore-*")) == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_kill_leaves_no_half_file_and_no_half_company(ground: Ground, what: str) -> None:
    _company(ground, rows=60_000)
    began = time.monotonic()
    path = _backup(ground, "--company", "甲公司")
    whole = time.monotonic() - began
    arguments = ["backup", "--company", "甲公司"] if what == "backup" else ["restore", str(path), "--as", "乙公司"]
    seen = 0
    for wait in (0.4 * whole, 0.55 * whole, 0.7 * whole, 0.8 * whole, 0.9 * whole):
        child = ground.spawn("-m", "zhike.server.cli", *arguments)
        time.sleep(wait)
        if child.poll() is None:
            seen += 1
            _kill_all(child.pid)
        child.wait()
        for file in ground.home.backups.glob("*.zhike.tar"):
            with tarfile.open(file) as tar:
                assert tar.getnames()[-1] == "manifest.json"
        if what == "restore" and len(list_companies()) > 1:
            break
    assert seen > 1
    if what == "backup":
        _backup(ground, "--company", "甲公司")
        assert list(ground.home.backups.glob(".*")) == []
    else:
        # Whether a killed one had come to its end or not: the next command works, and throws away what the others left.
        code, out, err = ground.zhike("restore", str(path), "--as", "丙公司", "--json")
        assert (code, json.loads(out)["equal"]) == (0, True), err
    with control() as session:
        found = session.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'zhike_%'").fetchone()
    assert found == (len(list_companies()),)
    assert list_drafts() == []


def _kill_all(leader: int) -> None:
    """The command and what it started: its session is its own."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.usefixtures("server")
def test_everything_together_with_the_keys_for_nobody_else_and_old_ones_go(ground: Ground) -> None:
    _company(ground, rows=5)
    key = ground.home.secret_key()
    folder = ground.home.root / "away"
    for _ in range(3):
        code, out, err = ground.zhike("backup", "--to", str(folder), "--keep", "2", "--json")
        assert code == 0, err
        time.sleep(1.05)
    told = json.loads(out)
    assert len(told["backups"]) == 2
    assert {path.name.rsplit("-", 2)[0] for path in folder.iterdir()} == {"jiagongsi", "home"}
    assert len(list(folder.iterdir())) == 4
    home = next(folder.glob("home-*"))
    assert home.stat().st_mode & 0o777 == 0o600
    with tarfile.open(home) as tar:
        assert {"secret.key", "settings.env", "companies.json", "manifest.json"} <= set(tar.getnames())
        secret = tar.extractfile("secret.key")
        assert secret is not None
        assert secret.read().decode() == key
    ground.home.secret_file.write_text("another")
    assert "secret.key" not in ground.zhike("restore", str(home))[1]
    assert ground.home.secret_file.read_text() == "another"
    ground.zhike("restore", str(home), "--replace")
    assert (ground.home.secret_file.read_text(), ground.home.secret_file.stat().st_mode & 0o777) == (key, 0o600)


def test_only_the_newest_of_each_are_kept(tmp_path: Path) -> None:
    for name in ("jia-20260101-000000", "jia-20260102-000000", "jia-20260103-000000", "jia-2-20260101-000000", "home-20260101-000000"):
        (tmp_path / f"{name}.zhike.tar").touch()
    gone = keep_newest(tmp_path, 2)
    assert [path.name for path in gone] == ["jia-20260101-000000.zhike.tar"]
    assert len(list(tmp_path.iterdir())) == 4


def test_there_is_no_way_back_before_the_first_base(ground: Ground) -> None:
    server = Embedded(home=ground.home)
    server.start()
    ground.zhike("company", "list")
    code, _out, err = ground.zhike("restore", "--to-time", "2020-01-01 00:00:00+00:00", "--into", str(ground.home.root.parent / "b"))
    server.stop()
    assert (code, "no base before" in err) == (1, True)


def test_everything_is_brought_back_as_of_a_moment(ground: Ground) -> None:
    server = Embedded(home=ground.home)
    server.start()
    ground.zhike("company", "list")
    database = _company(ground, rows=100)
    code, out, err = ground.zhike("backup", "--base")
    assert code == 0, err
    with _session(database) as session:
        session.execute("INSERT INTO fact (id, name) VALUES (1001, 'before')")
        [(moment,)] = session.execute("SELECT clock_timestamp()").fetchall()
        time.sleep(0.2)
        session.execute("DELETE FROM fact")
        session.execute("INSERT INTO fact (id, name) VALUES (1002, 'after')")
    new = ground.home.root.parent / "new"
    code, out, err = ground.zhike("restore", "--to-time", moment.astimezone(UTC).isoformat(), "--into", str(new))
    assert code == 0, err
    assert "1 companies" in out
    other = Embedded(home=type(ground.home)(root=new))
    other.start()
    try:
        with psycopg.connect(address(other.home).conninfo(database), autocommit=True) as session:
            assert session.execute("SELECT count(*), max(id) FROM fact").fetchone() == (101, 1001)
            session.execute("INSERT INTO fact (id, name) VALUES (2000, 'goes on')")
    finally:
        other.stop()
    assert (new / "files" / database / "attachments" / "ab" / "abcd").exists()
    with _session(database) as session:
        assert session.execute("SELECT array_agg(id) FROM fact").fetchone() == ([1002],)
    assert ground.zhike("restore", "--to-time", moment.astimezone(UTC).isoformat())[0] == 1  # it runs: stop first
    server.stop()
    wait_for(lambda: ground.processes() in ([], [os.getpid()]))
    code, out, err = ground.zhike("restore", "--to-time", datetime(2099, 1, 1, tzinfo=UTC).isoformat())
    assert (code, "does not reach" in err) == (1, True), err
    code, out, err = ground.zhike("restore", "--to-time", moment.astimezone(UTC).isoformat())
    assert code == 0, err
    server.start()
    with _session(database) as session:
        assert session.execute("SELECT count(*), max(id) FROM fact").fetchone() == (101, 1001)
    assert [path.name[:12] for path in (ground.home.db).glob("data.before*")] == ["data.before-"]
    server.stop()


@pytest.mark.usefixtures("server")
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of its own can only be mounted by root")
def test_a_full_disk_is_told_and_leaves_no_file(ground: Ground, tmp_path: Path) -> None:
    _company(ground, rows=60_000)
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        code, _out, err = ground.zhike("backup", "--company", "甲公司", "--to", str(small))
        assert code == 1
        assert "disk" in err
        assert list(small.glob("*.tar")) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    _backup(ground, "--company", "甲公司", "--to", str(small))
