"""`zhike up`: everything by one command."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import click

from zhike.server.bootstrap import demo_logins, is_ready, name_settings
from zhike.server.connection import is_embedded
from zhike.server.console import is_chinese, say, show, words
from zhike.server.control import Company, address_of, list_companies, make_control
from zhike.server.embedded import Embedded
from zhike.server.home import Home, current_home
from zhike.server.processes import ServerError, child_setup
from zhike.server.supervisor import Supervisor, Web, is_port_free, signals_of

_DEMO_PASSWORD = "zhike-demo"
_DEMO_COMMAND = "zhike.server.cli.demo"
_PEOPLE = "zhike.org"


@click.command(
    help=words(
        zh="启动数据库、网页和后台任务；Ctrl-C 全部停下。首次启动会生成演示公司。",
        en="Start database, web and worker; Ctrl-C stops all. The first start makes a demo company.",
    )
)
@click.option("--host", default="127.0.0.1", show_default=True, help=words(zh="监听地址", en="Address to listen on"))
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help=words(zh="端口", en="Port"))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help=words(zh="网页进程数", en="Web processes"),
)
@click.option(
    "--job-workers", default=1, show_default=True, type=click.IntRange(1, 64), help=words(zh="后台任务进程数", en="Worker processes")
)
@click.option(
    "--role",
    default="all",
    show_default=True,
    type=click.Choice(["all", "web", "worker"]),
    help=words(zh="只启动网页，或只启动后台任务", en="Only the web processes, or only the workers"),
)
@click.option("--demo/--no-demo", default=True, help=words(zh="首次启动时生成演示公司", en="Make a demo company on first start"))
def up(host: str, port: int, workers: int, job_workers: int, role: str, demo: bool) -> None:
    """Start everything, or one role of it, and stay until Ctrl-C."""
    home = current_home().make()
    os.environ["ZHIKE_HOME"] = str(home.root)
    name_settings()
    web = Web(host=host, port=port, workers=workers)
    with _only_one(home, role):
        if role != "worker" and not is_port_free(web):
            raise ServerError("port_taken", port=str(port))
        supervisor = Supervisor(home=home, web=web, database=Embedded(home=home) if is_embedded() else None)
        with signals_of(supervisor) as wake:
            try:
                _start(supervisor, Parts(role=role, job_workers=job_workers, demo=demo))
                supervisor.watch(wake)
            finally:
                say(zh="正在停止……", en="Stopping …")
                supervisor.stop()
                say(zh="已停止。", en="Stopped.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is to be started."""

    role: str
    job_workers: int
    demo: bool


def _start(supervisor: Supervisor, parts: Parts) -> None:
    """Bring up one part after the other, saying which."""
    say(zh=f"数据目录：{supervisor.home.root}", en=f"Data folder: {supervisor.home.root}")
    if supervisor.database is not None:
        say(zh="启动数据库……", en="Starting the database …")
        supervisor.database.start()
    make_control()
    if not is_ready():
        _run(supervisor, ["-m", "zhike.server.bootstrap"])
        if parts.role == "all" and not supervisor.is_stopping and not list_companies():
            _first_company(supervisor, demo=parts.demo and find_spec(_DEMO_COMMAND) is not None)
    if supervisor.is_stopping:
        return
    companies = list_companies()  # before anything is served: from then on the database may go and come back
    if parts.role != "worker":
        say(zh="启动网页……", en="Starting the web server …")
        supervisor.start_web()
    if parts.role != "web":
        supervisor.start_workers(parts.job_workers)
    if not supervisor.is_stopping:
        _welcome(supervisor.web, companies, parts.role)


def _first_company(supervisor: Supervisor, *, demo: bool) -> None:
    """An empty home gets the demo, or an empty company whose administrator chooses a password by a link."""
    if demo:
        say(zh="首次启动：生成演示公司……", en="First start: making a demo company …")
        _run(supervisor, ["-m", "zhike.server.cli", "demo"])
    elif find_spec(_PEOPLE) is not None:
        name = words(zh="我的公司", en="My company")
        _run(supervisor, ["-m", "zhike.server.cli", "company", "create", name, "--slug", "main", "--port", str(supervisor.web.port)])


def _run(supervisor: Supervisor, arguments: list[str]) -> None:
    """Run one step in a process of its own; raises `prepare_failed` unless it was told to stop."""
    argv = [sys.executable, *arguments]
    done = subprocess.Popen(argv, preexec_fn=child_setup(signal.SIGTERM), start_new_session=True)
    while done.poll() is None:
        try:
            done.wait(0.2)
        except subprocess.TimeoutExpired:
            if supervisor.is_stopping:
                done.terminate()
    if done.returncode != 0 and not supervisor.is_stopping:
        raise ServerError("prepare_failed")


def _welcome(web: Web, companies: list[Company], role: str) -> None:
    if role == "worker":
        show(zh="\n后台任务在运行。按 Ctrl-C 停止。", en="\nThe workers run. Press Ctrl-C to stop.")
        return
    show(zh=f"\n知客已就绪：{web.url}", en=f"\nZhike is ready: {web.url}")
    if not companies:
        show(zh="还没有公司：zhike company create 名称", en="There is no company yet: zhike company create NAME")
    for item in companies if len(companies) > 1 else []:
        url = address_of(item, web.port)
        show(zh=f"  {item.name}：{url}", en=f"  {item.name}: {url}")
    logins = demo_logins() if any(item.is_demo for item in companies) else ()
    if logins:
        show(zh=f"演示公司的登录名（密码都是 {_DEMO_PASSWORD}）：", en=f"Demo log-ins (password {_DEMO_PASSWORD}):")
        for username, name, role in logins:
            print(f"  {username:<12} {name}{'，' if is_chinese() else ', '}{role}", flush=True)
    show(zh="按 Ctrl-C 停止。", en="Press Ctrl-C to stop.")


@contextmanager
def _only_one(home: Home, role: str) -> Iterator[None]:
    """Hold the home for a role; raises `already_running` when another `zhike up` does."""
    with (home.run / ("up.lock" if role == "all" else f"up-{role}.lock")).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError("already_running", home=str(home.root)) from None
        yield
