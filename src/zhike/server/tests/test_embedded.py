"""The embedded database: started once, joined by others, killed in every way, nothing lost, nothing left."""

import os
import shutil
import signal
from pathlib import Path

import psycopg
import pytest

from zhike.server import cluster
from zhike.server.connection import address
from zhike.server.embedded import Embedded, running_pid
from zhike.server.home import Home
from zhike.server.tests.conftest import Ground, answer, wait_for


def _value(query: str) -> object:
    with psycopg.connect(address().conninfo("postgres")) as session:
        row = session.execute(query).fetchone()
    return row[0] if row else None


def test_first_start_creates_a_database_18_without_network_and_stop_ends_it(ground: Ground) -> None:
    server = Embedded(home=ground.home)
    assert server.start() is True
    assert str(_value("SHOW server_version")).startswith("18.")
    assert _value("SHOW listen_addresses") == ""
    assert _value("SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
    assert _value("SHOW max_wal_size") == "4GB"
    server.stop()
    assert running_pid(ground.home) is None
    assert ground.processes() == []


def test_socket_folder_is_closed_to_other_users(server: Embedded) -> None:
    assert cluster.place_of(server.home).sockets.stat().st_mode & 0o777 == 0o700


def test_shared_buffers_follow_the_environment(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_SHARED_BUFFERS", "64MB")
    server = Embedded(home=ground.home)
    server.start()
    assert _value("SHOW shared_buffers") == "64MB"
    server.stop()


def test_second_starter_joins_and_does_not_stop_it(server: Embedded) -> None:
    other = Embedded(home=server.home)
    assert other.start() is False
    assert other.is_owned is False
    other.stop()
    assert _value("SELECT 1") == 1


def test_three_starters_at_once_make_one_server_that_lives_until_the_last_is_done(ground: Ground) -> None:
    told = [answer(child) for child in [ground.story("use", seconds) for seconds in ("0.1", "1.0", "2.0")]]
    assert len({story["started"] for story in told}) == 1
    assert sorted(story["owned"] for story in told) == [False, False, True]
    assert ground.processes() == []


def test_kill_of_the_starter_leaves_no_process(ground: Ground) -> None:
    child = ground.story("hold")
    assert child.stdout is not None
    assert '"pid"' in child.stdout.readline()
    assert len(ground.processes()) > 1
    child.kill()
    child.wait()
    wait_for(lambda: ground.processes() == [])
    assert not cluster.place_of(ground.home).pid_file.exists()  # a clean shutdown, not a crash


def test_kill_of_the_database_loses_no_committed_row(server: Embedded, ground: Ground) -> None:
    child = ground.story("fill")
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(200)]
    assert server.process is not None
    server.process.send_signal(signal.SIGKILL)
    wait_for(lambda: not server.is_up())
    rest, _err = child.communicate(timeout=30)
    committed = len(lines) + len([line for line in rest.split("\n") if line.isdigit()])
    assert server.start() is True
    # One more may be committed than was reported: the answer was cut.
    assert int(str(_value("SELECT count(*) FROM number"))) - committed in {0, 1}
    assert _value("SELECT count(*) = max(n) + 1 FROM number") is True


def test_pid_file_naming_a_living_stranger_does_not_stop_the_start(ground: Ground) -> None:
    server = Embedded(home=ground.home)
    server.start()
    place = cluster.place_of(ground.home)
    text = place.pid_file.read_text()
    assert server.process is not None
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    lines = text.splitlines(keepends=True)
    place.pid_file.write_text("".join([f"{os.getppid()}\n", *lines[1:]]))
    (place.sockets / ".s.PGSQL.5432.lock").write_text("".join([f"{os.getppid()}\n", *lines[1:5]]))
    assert running_pid(ground.home) is None
    again = Embedded(home=ground.home)
    assert again.start() is True
    assert _value("SELECT 1") == 1
    again.stop()


def test_home_with_a_very_long_path_works(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(root=ground.home.root / ("长" * 30) / ("x" * 60))
    monkeypatch.setenv("ZHIKE_HOME", str(home.root))
    sockets = cluster.place_of(home).sockets
    server = Embedded(home=home)
    server.start()
    assert sockets.parent == Path("/tmp")
    assert _value("SELECT 1") == 1
    server.stop()
    shutil.rmtree(sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_home_the_service_user_cannot_reach_gets_its_data_elsewhere_and_says_where(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.home.root.parent.chmod(0o700)
    server = Embedded(home=ground.home)
    server.start()
    place = cluster.place_of(ground.home)
    base = Path((ground.home.db / "LOCATION").read_text().strip())
    assert base.parent == Path("/var/lib/zhike")
    assert place.data == base / "db" / "data"
    assert _value("SELECT 1") == 1
    assert ground.home.root.parent.stat().st_mode & 0o777 == 0o700
    server.stop()
    shutil.rmtree(base)
