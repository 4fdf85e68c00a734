"""Homes for the tests of the server room, and processes that run in them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from zhike.server import cluster
from zhike.server.control import make_control
from zhike.server.embedded import Embedded
from zhike.server.home import Home


@dataclass(slots=True)
class Ground:
    """One home and the processes a test starts in it."""

    home: Home
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def env(self) -> dict[str, str]:
        """Environment of a process in this home."""
        own = {"ZHIKE_HOME": str(self.home.root), "ZHIKE_LANG": "en"}
        return {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "zhike.server.tests.settings"}

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `python …` here; it is killed at the end of the test."""
        argv = [sys.executable, *arguments]
        child = subprocess.Popen(argv, env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.started.append(child)
        return child

    def story(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a story of `stories.py`."""
        return self.spawn("-m", "zhike.server.tests.stories", name, *arguments)

    def tell(self, name: str, *arguments: str) -> Any:
        """Run a story to its end and return what it prints."""
        return answer(self.story(name, *arguments))

    def zhike(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command line; exit code, output, messages."""
        child = self.spawn("-m", "zhike.server.cli", *arguments)
        out, err = child.communicate(timeout=90)
        return child.returncode, out, err

    def processes(self) -> list[int]:
        """Process ids whose environment names this home or whose folder lies in its data."""
        place = cluster.place_of(self.home)
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid, place.data)]

    def _is_ours(self, pid: int, data: Path) -> bool:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
            named = f"ZHIKE_HOME={self.home.root}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            return named or Path(os.readlink(f"/proc/{pid}/cwd")) == data
        except OSError:
            return False


def answer(child: subprocess.Popen[str]) -> Any:
    """Wait for a story and return what it prints last."""
    out, err = child.communicate(timeout=90)
    assert child.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as the condition holds; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """An empty home that nothing runs in before or after."""
    root = Path(tempfile.mkdtemp(prefix="zhike-t-", dir="/tmp"))
    root.chmod(0o711)
    ground = Ground(home=Home(root=root / "home"))
    monkeypatch.setenv("ZHIKE_HOME", str(ground.home.root))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("ZHIKE_COMPANY", raising=False)
    yield ground
    for child in ground.started:
        if child.poll() is None:
            child.kill()
            child.wait()
        for pipe in (child.stdout, child.stderr):
            if pipe:
                pipe.close()
    for pid in ground.processes():
        if pid != os.getpid():
            _signal(pid)
    wait_for(lambda: set(ground.processes()) <= {os.getpid()})
    shutil.rmtree(root)


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture
def server(ground: Ground) -> Iterator[Embedded]:
    """A running server with a control table."""
    server = Embedded(home=ground.home)
    server.start()
    make_control()
    yield server
    server.stop()
