"""Keeping database, web and worker running, and stopping all of them together."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from zhike.server.console import say
from zhike.server.embedded import Embedded
from zhike.server.home import Home
from zhike.server.processes import ServerError, child_setup, is_alive

_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_SECONDS_OF_HEALTH = 30.0
_SECONDS_TO_STOP = 8.0
_LARGEST_LOG = 20 * 2**20
_THREADS = 64  # of a web process; made when they are needed. A slow client holds one while its request comes in


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Where and with how many processes pages are served."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        shown = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"

    def argv(self) -> list[str]:
        """Command line of the web server."""
        options = {
            "--interface": "wsgi",
            "--blocking-threads": str(_THREADS),
            "--host": self.host,
            "--port": str(self.port),
            "--workers": str(self.workers),
            "--log-level": "warning",
            "--respawn-interval": "0.2",
            "--workers-kill-timeout": "3",
        }
        words = [word for pair in options.items() for word in pair]
        return [sys.executable, "-m", "granian", *words, "--respawn-failed-workers", "zhike.server.wsgi:application"]


@dataclass(slots=True)
class Child:
    """A process that is started again whenever it ends."""

    name: str
    argv: list[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """Start it; it dies when this process dies."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=child_setup(signal.SIGTERM),
                env={**os.environ, **self.env, "ZHIKE_SUPERVISED": "1"},
            )
        self.began = time.monotonic()

    def look(self) -> None:
        """Note an end, and start again after a pause that grows with each quick failure."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            _end_session(self.process.pid)
            self.failures = 0 if now - self.began > _SECONDS_OF_HEALTH else self.failures + 1
            pause = _PAUSES[min(self.failures, len(_PAUSES) - 1)] if self.failures > 1 else 0.0
            say(
                zh=f"{self.name} 意外结束（{self.process.returncode}），重新启动。记录：{self.log}",
                en=f"{self.name} ended ({self.process.returncode}); starting it again. Log: {self.log}",
            )
            self.process, self.due = None, now + pause
        if self.process is None and self.began and now >= self.due:
            self.start()


def _end_session(leader: int) -> None:
    """Kill what a dead process left in its session, so that ports are free again."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(slots=True)
class Supervisor:
    """Everything `zhike up` runs; `database` is None when a real server is used."""

    home: Home
    web: Web
    database: Embedded | None
    children: list[Child] = field(default_factory=list)
    is_stopping: bool = False

    def start_web(self) -> None:
        """Start serving pages and wait for the first answer; raises `web_did_not_start`."""
        child = Child(name="web", argv=self.web.argv(), log=self.home.logs / "web.log", env=self._env("web"))
        self.children.append(child)
        child.start()
        deadline = time.monotonic() + 60
        while not self.is_stopping and not answers(self.web):
            if child.process is None or child.process.poll() is not None or time.monotonic() > deadline:
                raise ServerError("web_did_not_start", log=str(child.log))
            time.sleep(0.05)

    def start_workers(self, count: int = 1) -> None:
        """Start working off jobs in so many processes."""
        argv = [sys.executable, "-m", "zhike.server.worker"]
        for number in range(1, count + 1):
            name = "worker" if number == 1 else f"worker-{number}"
            child = Child(name=name, argv=argv, log=self.home.logs / f"{name}.log", env=self._env("worker"))
            self.children.append(child)
            child.start()

    def _env(self, role: str) -> dict[str, str]:
        return {"ZHIKE_ROLE": role, "PROMETHEUS_MULTIPROC_DIR": str(clear_metrics(self.home))}

    def watch(self, wake: socket.socket) -> None:
        """Start again what ends, until told to stop."""
        while not self.is_stopping:
            if self.database is not None:
                _keep_up(self.database)
            for child in self.children:
                child.look()
                shorten(child.log)
            # Our children wake us; a joined database and a pause that ends do not.
            select.select([wake], [], [], 1.0)
            _drain(wake)

    def stop(self) -> None:
        """Stop web and worker, then the database; what does not listen is killed."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _end_session(process.pid)
        if self.database is not None:
            self.database.stop()


def clear_metrics(home: Home) -> Path:
    """The folder of counters, without what processes of earlier starts left in it."""
    home.metrics.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in home.metrics.glob("*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not is_alive(int(pid)):
            path.unlink(missing_ok=True)
    return home.metrics


def shorten(log: Path) -> None:
    """Set a log that has grown long aside; its writer appends, and so goes on at the beginning of an empty file."""
    try:
        if log.stat().st_size <= _LARGEST_LOG:
            return
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
    except OSError:
        return


def _keep_up(database: Embedded) -> None:
    """Start the database again when it ended, ours or a joined one."""
    if database.is_up():
        return
    say(zh="数据库意外结束，重新启动。", en="The database ended; starting it again.")
    try:
        database.start()
    except ServerError as error:
        say(zh=f"数据库没有起来（{error.code}），稍后再试。", en=f"The database did not start ({error.code}).")
        time.sleep(2)


@contextmanager
def signals_of(supervisor: Supervisor) -> Iterator[socket.socket]:
    """Turn Ctrl-C, SIGTERM, SIGHUP and the end of children into bytes on a socket."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)

    def stop(number: int, frame: object) -> None:
        supervisor.is_stopping = True

    before = {
        **{name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)},
        signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda number, frame: None),
    }
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    try:
        yield receiver
    finally:
        signal.set_wakeup_fd(-1)
        for name, handler in before.items():
            signal.signal(name, handler)
        receiver.close()
        sender.close()


def _drain(wake: socket.socket) -> None:
    try:
        wake.recv(4096)
    except BlockingIOError:
        return


def is_port_free(web: Web) -> bool:
    """True when nobody listens at the address pages are to be served on."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((web.host, web.port))
        except OSError:
            return False
    return True


def answers(web: Web) -> bool:
    """True when the web server answers a request, whatever the answer is."""
    host = "127.0.0.1" if web.host == "0.0.0.0" else "::1" if web.host == "::" else web.host
    connection = HTTPConnection(host, web.port, timeout=20)
    try:
        connection.request("GET", "/health", headers={"Host": f"127.0.0.1:{web.port}"})
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
