"""A server as a company would run it, on one machine and in a temporary folder: the very files of `deploy/`, other ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from zhike.server.processes import ServiceUser, child_setup, service_user

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PG = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "s3cret-of-the-database"
HOST = "jia.crm.example.com"


def missing() -> str:
    """What has to be installed first, empty when all is there."""
    lacking = [] if (PG / "postgres").exists() else ["postgresql-15"]
    lacking += [name for name in ("pgbouncer", "nginx", "openssl") if not _program(name)]
    return " ".join(lacking)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Return as soon as the condition holds; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@dataclass(slots=True)
class Ground:
    """Everything that runs, by name."""

    folder: Path
    user: ServiceUser | None
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Zhike's home."""
        return self.folder / "zhike"

    def url(self, what: str, name: str = "zhike") -> str:
        """Address of the primary, the replica or the pooler."""
        return f"postgresql://zhike:{PASSWORD}@127.0.0.1:{self.ports[what]}/{name}"

    def env(self) -> dict[str, str]:
        """Environment of Zhike: what `deploy/zhike.env` says, with our ports."""
        told = dict(
            line.split("=", 1) for line in (DEPLOY / "zhike.env").read_text().splitlines() if "=" in line and not line.startswith("#")
        )
        own = {
            "ZHIKE_HOME": str(self.home),
            "DATABASE_URL": self.url("pooler"),
            "DATABASE_DIRECT_URL": self.url("primary"),
            "DATABASE_REPLICA_URL": self.url("replica"),
            "ZHIKE_LANG": "en",
            "ZHIKE_LOG": "INFO",
            "DJANGO_SETTINGS_MODULE": "zhike.server.settings",
            "PYTHONPATH": str(ROOT / "src"),
        }
        rest = {name: value for name, value in os.environ.items() if not name.startswith(("ZHIKE_", "DATABASE_", "PG"))}
        return rest | told | own

    def zhike(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        argv = [sys.executable, "-m", "zhike.server.cli", *arguments]
        return subprocess.run(argv, env=self.env(), capture_output=True, text=True, check=False, timeout=180)

    def start(self, name: str, argv: list[str], *, user: ServiceUser | None = None, env: dict[str, str] | None = None) -> None:
        """Start something that stays; it dies with us."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                argv, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True,
                preexec_fn=child_setup(signal.SIGTERM, user),
            )  # fmt: skip

    def stop(self, name: str, sig: signal.Signals = signal.SIGTERM) -> None:
        """Stop one of them."""
        child = self.running.pop(name)
        if child.poll() is None:
            child.send_signal(sig)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def log(self, name: str) -> str:
        """What one of them has written."""
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def connect(self, what: str, name: str = "zhike") -> psycopg.Connection:
        """An autocommit connection."""
        return psycopg.connect(self.url(what, name), autocommit=True, connect_timeout=5)

    # -- the parts ------------------------------------------------------------------------------------------------

    def start_primary(self) -> None:
        """Debian's PostgreSQL 15 with a role that may create databases and is no superuser."""
        data = self.folder / "primary"
        if not data.exists():
            self._run(
                [
                    str(PG / "initdb"),
                    "-D",
                    str(data),
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "--auth-local=trust",
                    "--auth-host=scram-sha-256",
                ]
            )
            conf = _smaller((DEPLOY / "postgresql.conf").read_text())
            (data / "postgresql.conf").open("a").write(conf + "log_statement = 'none'\n")
            (data / "pg_hba.conf").write_text(
                "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication zhike 127.0.0.1/32 scram-sha-256\n"
            )
        self._start_postgres("primary", data)
        with psycopg.connect(
            host=str(self.folder), port=self.ports["primary"], user="postgres", dbname="postgres", autocommit=True
        ) as session:
            if session.execute("select 1 from pg_roles where rolname = 'zhike'").fetchone() is None:
                session.execute(f"create role zhike login createdb replication password '{PASSWORD}'")
                session.execute("grant pg_read_all_stats to zhike")
                session.execute("create database zhike owner zhike")

    def start_replica(self) -> None:
        """A streaming copy of the primary that can be read."""
        data = self.folder / "replica"
        if not data.exists():
            self._run(
                [
                    str(PG / "pg_basebackup"),
                    "-d",
                    self.url("primary", "postgres"),
                    "-D",
                    str(data),
                    "-R",
                    "-X",
                    "stream",
                    "--checkpoint=fast",
                ]
            )
            with (data / "postgresql.conf").open("a") as file:
                file.write("log_statement = 'all'\n")
        self._start_postgres("replica", data)

    def _start_postgres(self, name: str, data: Path) -> None:
        argv = [str(PG / "postgres"), "-D", str(data), "-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.ports[name])]
        self.start(name, argv, user=self.user)

        def answers() -> bool:
            try:
                psycopg.connect(host=str(self.folder), port=self.ports[name], user="postgres", dbname="postgres").close()
            except psycopg.OperationalError:
                return False
            return True

        wait_for(answers, self.log(name))

    def start_pooler(self) -> None:
        """PgBouncer in transaction mode."""
        text = (DEPLOY / "pgbouncer.ini").read_text()
        users = self.folder / "userlist.txt"
        users.write_text(f'"zhike" "{PASSWORD}"\n')
        text = text.replace("port=5432", f"port={self.ports['primary']}").replace(
            "listen_port = 6432", f"listen_port = {self.ports['pooler']}"
        )
        text = text.replace("/etc/pgbouncer/userlist.txt", str(users))
        (self.folder / "pgbouncer.ini").write_text(text)
        for path in (users, self.folder / "pgbouncer.ini"):
            self._give(path)
        self.start("pooler", [str(_program("pgbouncer")), str(self.folder / "pgbouncer.ini")], user=self.user)
        wait_for(lambda: _listens(self.ports["pooler"]), self.log("pooler"))

    def start_nginx(self) -> None:
        """nginx with a certificate of its own, by the site of `deploy/`."""
        key, cert = self.folder / "privkey.pem", self.folder / "fullchain.pem"
        names = f"subjectAltName=DNS:crm.example.com,DNS:{HOST},DNS:yi.crm.example.com"
        self._run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2",
             "-subj", "/CN=crm.example.com", "-addext", names], user=None,
        )  # fmt: skip
        site = (DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/zhike/", f"{self.folder}/")
        site = site.replace("127.0.0.1:8000", f"127.0.0.1:{self.ports['web']}")
        site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{self.ports['tls']} ssl").replace(
            "listen 80;", f"listen 127.0.0.1:{self.ports['plain']};"
        )
        temp = "".join(f"{kind}_temp_path {self.folder}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        root = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{root} daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx-error.log; events {{}}\n"
            f"http {{ access_log off; {temp}\n{site}\n}}\n"
        )
        self.start("nginx", [str(_program("nginx")), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "nginx-error.log")])
        wait_for(lambda: _listens(self.ports["tls"]), self.log("nginx"))

    def start_zhike(self, role: str) -> None:
        """`zhike up` as the units of `deploy/systemd` call it."""
        unit = (DEPLOY / "systemd" / f"zhike-{role}.service").read_text()
        found = re.search(r"ExecStart=\S*/zhike (.*)", unit)
        assert found is not None
        words = found.group(1).replace("--port 8000", f"--port {self.ports['web']}").replace("--workers 4", "--workers 2").split()
        self.start(role, [sys.executable, "-m", "zhike.server.cli", *words], env=self.env())

    def _run(self, argv: list[str], user: ServiceUser | str | None = "") -> None:
        account = self.user if user == "" else None
        done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False, preexec_fn=child_setup(signal.SIGTERM, account))
        assert done.returncode == 0, done.stderr

    def _give(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.uid, self.user.gid)


def _smaller(conf: str) -> str:
    """The same settings for a machine that tests share."""
    return re.sub(r"(shared_buffers|effective_cache_size|maintenance_work_mem) = \S+", r"\1 = 64MB", conf).replace("8GB", "1GB")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def ground() -> Iterator[Ground]:
    """An empty folder and free ports; whatever was started in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="zhike-srv-", dir="/tmp"))
    folder.chmod(0o755)
    user = service_user(create=True)
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    found = Ground(folder=folder, user=user)
    found.ports = {name: free_port() for name in ("primary", "replica", "pooler", "web", "tls", "plain")}
    try:
        yield found
    finally:
        for name in reversed(list(found.running)):
            found.stop(name, signal.SIGINT if name in ("primary", "replica") else signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)
