"""The PostgreSQL of the tests: a temporary server, started before Django asks where the database is.

`DATABASE_URL` names a server to use instead; `ZHIKE_TEST_PG=15` takes the programs of that version from the system
(/usr/lib/postgresql/15), otherwise the embedded ones of the product run. Nothing is synced to disk.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from zhike.server.cluster import programs
from zhike.server.processes import ServiceUser, child_setup, service_user

SYSTEM_PROGRAMS = "/usr/lib/postgresql/{version}/bin"
SUPERUSER = "zhike"
OPTIONS = (
    "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60",
    "jit=off", "autovacuum=off", "max_wal_size=4GB", "timezone=UTC",
)  # fmt: skip
URL = "ZHIKE_TEST_URL"
RUN = "ZHIKE_TEST_RUN"


@dataclass(slots=True)
class TestServer:
    """A server in a folder of its own that goes when the tests end, or when they are killed."""

    __test__ = False

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Address of the server, as DATABASE_URL without the name of a database."""
        return f"postgresql://{SUPERUSER}@/{{name}}?host={quote(str(self.folder), safe='')}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_server() -> TestServer:
    """Make a cluster in a temporary folder and start it; RuntimeError with its log when it does not come up."""
    version = os.environ.get("ZHIKE_TEST_PG")
    user = service_user(create=True)
    binaries = Path(SYSTEM_PROGRAMS.format(version=version)) if version else programs(user)
    if not (binaries / "postgres").exists():
        raise RuntimeError(f"No PostgreSQL programs in {binaries}: install the package postgresql-{version}")
    folder = Path(tempfile.mkdtemp(prefix="zhike-test-", dir="/tmp"))
    if user:
        os.chown(folder, user.uid, user.gid)
    account = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    argv = [str(binaries / "initdb"), "-D", f"{folder}/data", "-U", SUPERUSER, "--auth=trust", "--no-sync", "-E", "UTF8"]
    argv += ["--locale=C"] if version else ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    subprocess.run(argv, cwd="/", check=True, stdout=subprocess.DEVNULL, **account)  # type: ignore[call-overload]
    return _started(folder, binaries, user)


def _started(folder: Path, binaries: Path, user: ServiceUser | None) -> TestServer:
    settings = [word for option in OPTIONS for word in ("-c", option)]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [str(binaries / "postgres"), "-D", f"{folder}/data", "-k", str(folder), *settings],
        cwd="/",
        stdout=log,
        stderr=log,
        start_new_session=True,
        # Killed tests leave no server behind: the database goes with the process that started it.
        preexec_fn=child_setup(signal.SIGINT, user),
    )
    server = TestServer(folder=folder, process=process)
    for _ in range(300):
        try:
            psycopg.connect(server.url.format(name="postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return server
    raise RuntimeError((folder / "log").read_text()[-2000:])


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Set DATABASE_URL and a home for this process: each worker has databases and folders of its own."""
    if URL not in os.environ:
        server = None if os.environ.get("DATABASE_URL") else start_server()
        os.environ[URL] = server.url if server else _given_url(os.environ["DATABASE_URL"])
        os.environ[RUN] = secrets.token_hex(4)
        early_config.add_cleanup(lambda: _end(server))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    home = Path(tempfile.mkdtemp(prefix=f"zhike-home-{worker}-", dir="/tmp"))
    early_config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    home.chmod(0o711)
    os.environ["ZHIKE_HOME"] = str(home)
    os.environ["DATABASE_URL"] = os.environ[URL].format(name=f"zt_{os.environ[RUN]}_control_{worker}")
    os.environ.setdefault("USER", pwd.getpwuid(os.geteuid()).pw_name)
    return (yield)


def _given_url(url: str) -> str:
    head, _, options = url.partition("?")
    return f"{head.rpartition('/')[0]}/{{name}}" + (f"?{options}" if options else "")


def _end(server: TestServer | None) -> None:
    os.environ.pop(URL, None)
    if server:
        server.stop()
