"""A company with some customers, the web server over it, and Chromium pages logged in to it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.browser.company import fill
from tests.serving import free_port, web_server
from zhike.server.control import control, make_control

# Playwright runs an event loop in this thread; the database is used before it starts and by fixtures between.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LogIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


class Letters:
    """The mails that came: to whom, and their text."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.came: list[tuple[str, str]] = []

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        """Take one."""
        del server, session
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        body = letter.get_body()
        self.came += [(to, body.get_content() if body else "") for to in envelope.rcpt_tos]
        return "250 OK"


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def letters() -> Iterator[Letters]:
    """A mail server that takes everything."""
    taken = Letters(free_port())
    post = Controller(taken, hostname="127.0.0.1", port=taken.port)
    post.start()
    yield taken
    post.stop()


@pytest.fixture(scope="session")
def site(django_db_setup: None, django_db_blocker: DjangoDbBlocker, letters: Letters) -> Iterator[str]:
    """The address of a running web server over a filled demo company."""
    del django_db_setup
    home = Path(tempfile.mkdtemp(prefix="zhike-browser-", dir="/tmp"))
    with django_db_blocker.unblock(), databases.fresh_copy() as company:
        fill()
        name = databases.run_name(f"site_{databases.worker()}")
        with databases.server() as session:
            session.execute(f'create database "{name}"')
        own = {"DATABASE_URL": os.environ[databases.URL].format(name=name), "ZHIKE_HOME": str(home), "ZHIKE_LOG": "ERROR"}
        own |= {"ZHIKE_SMTP_URL": f"smtp://127.0.0.1:{letters.port}", "ZHIKE_MAIL_FROM": "crm@hengli.example"}
        with _environment(own):
            make_control()
            with control() as session:
                session.execute(
                    "insert into company (slug, name, database, is_demo) values ('hengli', '恒砺机电', %s, true)", [company.database]
                )
            with web_server(home) as address:
                yield address
        databases.drop(name)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def browser(site: str) -> Iterator[Browser]:
    """Chromium of the system, without a window; skipped where there is none."""
    del site
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sessions() -> dict[str, StorageState]:
    """Cookies of those who logged in before, so that each logs in once."""
    return {}


@pytest.fixture
def open_as(browser: Browser, site: str, sessions: dict[str, StorageState]) -> Iterator[LogIn]:
    """A page logged in as somebody: `open_as("linyue", "/customers/", phone=True, dark=True)`. Errors of scripts fail the test."""
    errors: list[str] = []
    contexts = []

    def opened(username: str, path: str = "/", *, phone: bool = False, dark: bool = False, language: str = "zh-CN") -> Page:
        context = browser.new_context(reduced_motion="reduce",
            base_url=site, viewport=PHONE if phone else WIDE, color_scheme="dark" if dark else "light", locale=language,
            has_touch=phone, storage_state=sessions.get(username),
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if _is_error(message.text, message.type) else None)
        if username not in sessions:
            _log_in(page, username)
            sessions[username] = context.storage_state()
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def _is_error(text: str, kind: str) -> bool:
    # A refusal is told by its status, which Chromium logs as a failed resource: that is meant. So is a figure for a tab
    # that was taken away while the figures came.
    return kind == "error" and "Failed to load resource" not in text and not text.startswith("htmx:oobErrorNoTarget, #n-")


def _log_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.locator(f'[data-do="fill:{username}"]').click()
    page.locator("form[data-login] button[type=submit]").click()
    page.wait_for_url(lambda url: "/login/" not in url)
