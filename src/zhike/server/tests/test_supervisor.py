"""`zhike up`: serves, survives the death of every part, stops without leaving anything."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from zhike.server.connection import address
from zhike.server.tests.conftest import Ground, wait_for


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _up(ground: Ground, port: int) -> subprocess.Popen[str]:
    child = ground.spawn("-m", "zhike.server.cli", "up", "--port", str(port), "--no-demo")
    wait_for(lambda: child.poll() is not None or _page(port) is not None, 40)
    assert child.poll() is None, child.communicate()
    return child


def _page(port: int) -> dict[str, str] | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            found: dict[str, str] = json.load(response)
            return found
    except OSError:
        return None


def _children(parent: int, word: str) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_text()
            father = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if father == parent and word in words:
            found.append(int(name))
    return found


def test_up_serves_survives_and_stops(ground: Ground) -> None:
    assert ground.zhike("company", "create", "恒砺机电")[0] == 0
    port = _free_port()
    up = _up(ground, port)
    expected = {"company": "henglijidian", "database": "zhike_henglijidian"}
    assert _page(port) == expected
    for word in ("bin/postgres", "granian", "zhike.server.worker"):
        wait_for(lambda word=word: len(_children(up.pid, word)) == 1)  # type: ignore[misc]
        [victim] = _children(up.pid, word)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda word=word, gone=victim: set(_children(up.pid, word)) - {gone})  # type: ignore[misc]
        wait_for(lambda: _page(port) == expected)
    [web] = _children(up.pid, "granian")
    wait_for(lambda: len(_children(web, "granian")) == 1)
    os.kill(_children(web, "granian")[0], signal.SIGKILL)
    wait_for(lambda: _page(port) == expected)
    code, _out, err = ground.zhike("up", "--port", str(_free_port()))
    assert code == 1
    assert "already running" in err
    began = time.monotonic()
    up.send_signal(signal.SIGINT)
    assert up.wait(20) == 0
    assert time.monotonic() - began < 10
    assert ground.processes() == []


def test_kill_of_the_supervisor_leaves_no_process(ground: Ground) -> None:
    up = _up(ground, _free_port())
    wait_for(lambda: len(_children(up.pid, "zhike.server.worker")) == 1)
    up.kill()
    up.wait()
    wait_for(lambda: ground.processes() == [])


def test_taken_port_is_refused_before_anything_starts(ground: Ground) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _out, err = ground.zhike("up", "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "is in use" in err
    assert ground.processes() == []


@pytest.mark.usefixtures("server")
def test_worker_runs_each_companys_jobs_in_its_own_database_and_finds_new_companies(ground: Ground) -> None:
    ground.zhike("company", "create", "甲公司")
    worker = ground.spawn("-m", "zhike.server.worker")
    ground.zhike("company", "create", "乙公司")
    for slug, word in (("jiagongsi", "一"), ("yigongsi", "二"), ("jiagongsi", "三")):
        ground.tell("defer", slug, word)
    wait_for(lambda: _noted("zhike_jiagongsi") == [("一", "zhike_jiagongsi"), ("三", "zhike_jiagongsi")])
    wait_for(lambda: _noted("zhike_yigongsi") == [("二", "zhike_yigongsi")])
    for database in ("zhike_jiagongsi", "zhike_yigongsi"):
        wait_for(lambda database=database: len(_noted(database, regularly=True)) > 1)  # type: ignore[misc]
        assert set(_noted(database, regularly=True)) == {("regularly", database)}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    with psycopg.connect(address().conninfo("zhike_jiagongsi")) as session:
        assert session.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)


def _noted(database: str, *, regularly: bool = False) -> list[tuple[str, ...]]:
    query = "SELECT word, database FROM noted WHERE (word = 'regularly') = %s ORDER BY word"
    with psycopg.connect(address().conninfo(database)) as session:
        try:
            return session.execute(query, [regularly]).fetchall()
        except psycopg.errors.UndefinedTable:
            return []
