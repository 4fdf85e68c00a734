"""The embedded PostgreSQL 18: one server a home, started by whoever comes first and joined by the rest."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zhike.server import cluster
from zhike.server.connection import connection_settings
from zhike.server.console import say
from zhike.server.home import Home
from zhike.server.processes import ServerError, child_setup, is_alive, service_user, works_in

__all__ = ["Embedded", "connection_settings", "running", "running_pid"]

# No process can have this number, so PostgreSQL takes its lock file for a dead server's.
_NOBODY = 2**31 - 2
_LARGEST_LOG = 20 * 2**20
_STILL_IN_USE = "still in use"


@dataclass(slots=True)
class Embedded:
    """The server of one home; `process` is set only while it is our own child."""

    home: Home
    process: subprocess.Popen[bytes] | None = None

    @property
    def is_owned(self) -> bool:
        """True when this process started the server and has to stop it."""
        return self.process is not None

    def start(self) -> bool:
        """Start the server or join a running one, wait until it answers, and say whether it was started here.

        Raises `database_did_not_start` with the end of the log, and what `cluster` raises.
        """
        with _locked(self._lock_path("start")):
            return self._start_locked()

    def _start_locked(self) -> bool:
        if self.process is not None and self.process.poll() is None:
            return False
        self.process = None
        if running_pid(self.home) is not None:
            return False
        user = service_user(create=True)
        place = cluster.make_place(self.home, user)
        binaries = cluster.programs(user)
        cluster.init(place, binaries, user)
        cluster.write_settings(place, user)
        deadline = time.monotonic() + 30
        while not self._try_start(place, binaries):
            # Orphans of a killed server may hold its memory for a moment.
            tail = _tail(self._log_path())
            if _STILL_IN_USE not in tail or time.monotonic() > deadline:
                raise ServerError("database_did_not_start", log=str(self._log_path()), detail=tail)
            time.sleep(0.5)
        return True

    def _try_start(self, place: cluster.Place, binaries: Path) -> bool:
        _clear_stale(place)
        user = service_user()
        with _open_log(self._log_path()) as log:
            child = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(place.data)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=child_setup(signal.SIGINT, user),
                env={key: value for key, value in os.environ.items() if not key.startswith("PG")},
            )
        began, told = time.monotonic(), False
        while child.poll() is None:
            if _state(place) == (child.pid, "ready"):
                self.process = child
                return True
            if not told and time.monotonic() - began > 10:
                told = True
                say(zh="数据库正在恢复上次未写完的数据……", en="The database is recovering its last changes …")
            time.sleep(0.01)
        return False

    def is_up(self) -> bool:
        """True while the server lives: our child, or the one we joined."""
        if self.process is not None:
            return self.process.poll() is None
        return running_pid(self.home) is not None

    def stop(self, *, seconds: float = 60) -> None:
        """Stop our own server by fast shutdown (open transactions roll back); a joined one is left alone."""
        child, self.process = self.process, None
        if child is None or child.poll() is not None:
            return
        child.send_signal(signal.SIGINT)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGQUIT)
            child.wait()

    def stop_when_unused(self, *, users: Path) -> None:
        """Stop our own server as soon as no other command uses it any more."""
        if not self.is_owned:
            return
        told = False
        while True:
            with _locked(self._lock_path("start")), users.open("w") as file:
                if _lock_now(file):
                    self.stop()
                    return
            if not told:
                told = True
                say(zh="其他命令还在使用数据库，等它们结束……", en="Waiting for other commands that use the database …")
            time.sleep(0.2)

    def join(self) -> IO[str]:
        """Start or join, and return an open file that marks this process as a user until it is closed."""
        with _locked(self._lock_path("start")):
            self._start_locked()
            # The mark lives as long as the caller keeps the file open, a kill included.
            mark = self._lock_path("users").open("w")
            fcntl.flock(mark, fcntl.LOCK_SH)
        return mark

    def _lock_path(self, name: str) -> Path:
        return self.home.make().run / f"{name}.lock"

    def _log_path(self) -> Path:
        return self.home.logs / "postgres.log"


@contextmanager
def running(home: Home) -> Iterator[Embedded]:
    """Have the server running while the block runs; a server started here stops once nobody else uses it."""
    server = Embedded(home=home)
    mark = server.join()
    try:
        yield server
    finally:
        path = Path(mark.name)
        mark.close()
        server.stop_when_unused(users=path)


def running_pid(home: Home) -> int | None:
    """Process id of the home's server when it accepts connections; waits while it starts or stops."""
    place = cluster.place_of(home)
    while True:
        state = _state(place)
        if state is None or not is_alive(state[0]) or not works_in(state[0], place.data):
            return None
        if state[1] == "ready":
            return state[0] if _answers(place.socket) else None
        time.sleep(0.05)


def _state(place: cluster.Place) -> tuple[int, str] | None:
    """Process id (line 1) and state (line 8) of postmaster.pid; None when there is no such file."""
    try:
        lines = place.pid_file.read_text().splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting"
    except (OSError, ValueError, IndexError):
        return None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _clear_stale(place: cluster.Place) -> None:
    """Neutralise lock files whose process id was reused by another program or belongs to a zombie.

    The line is rewritten, not the file removed: PostgreSQL still checks the shared memory named in it.
    """
    for path in (place.pid_file, place.sockets / ".s.PGSQL.5432.lock"):
        try:
            lines = path.read_text().splitlines(keepends=True)
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            continue
        if pid != _NOBODY and not (is_alive(pid) and works_in(pid, place.data)):
            path.write_text("".join([f"{_NOBODY}\n", *lines[1:]]))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_now(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-2000:].decode("utf-8", "replace")
    except OSError:
        return ""
