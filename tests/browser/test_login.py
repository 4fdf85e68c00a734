"""The way in, in the browser: a code from a phone, a passkey, a link by mail, and sessions that are ended elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import PHONE, WIDE, Letters, LogIn
from tests.browser.test_looks import problems
from tests.flows.login.phone import GOOD, code_of
from zhike.org.models import Membership, Role, Team, User

Open = Callable[..., Page]


@pytest.fixture
def fresh(browser: Browser, site: str) -> Iterator[Open]:
    """A page of a browser in which nobody is logged in; by name, because passkeys belong to names."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def opened(path: str = "/login/", *, size: ViewportSize = WIDE, language: str = "zh-CN") -> Page:
        address = f"http://localhost:{urlsplit(site).port}"
        context = browser.new_context(base_url=address, viewport=size, locale=language, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def somebody(name: str) -> User:
    """A new colleague with a password."""
    user = User.objects.create(username=name, name=name)
    user.set_password(GOOD)
    user.save()
    Membership.objects.create(user=user, team=Team.objects.get(name="上海组"), is_home=True)
    user.roles.add(Role.objects.get(code="sales"))
    return user


def log_in(page: Page, name: str, *, password: str = GOOD) -> None:
    page.goto("/login/")
    page.locator('input[name="login"]').fill(name)
    page.locator('form[data-login] input[name="password"]').fill(password)
    page.locator("form[data-login] button[type=submit]").click()


def log_out(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/login/")


def confirm(page: Page) -> None:
    """Type the password again where the product asks who it is."""
    expect(page.get_by_role("heading", name="确认是你")).to_be_visible()
    page.locator("#again-password").fill(GOOD)
    page.get_by_role("button", name="继续").click()


def at(page: Page, path: str) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def test_a_code_from_a_phone_and_a_recovery_code(fresh: Open) -> None:
    somebody("tang")
    page = fresh()
    log_in(page, "tang")
    at(page, "/")
    page.goto("/account/totp/on/")
    if page.locator("#again-password").count():
        confirm(page)
    secret = page.locator("code.zk-break").inner_text()
    page.locator("#totp-code").fill("000000")
    page.get_by_role("button", name="开启").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("#totp-code").fill(code_of(secret))
    page.get_by_role("button", name="开启").click()
    at(page, "/account/codes/")
    codes = page.locator(".zk-codes code").all_inner_texts()
    assert len(set(codes)) == 10
    log_out(page)
    log_in(page, "tang")
    at(page, "/login/factor/")
    assert problems(page) == []
    page.locator("#factor-code").fill("123456")
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("#factor-code").fill(codes[0])
    page.get_by_role("button", name="继续").click()
    at(page, "/")
    log_out(page)
    log_in(page, "tang")
    at(page, "/login/factor/")
    page.locator("#factor-code").fill(codes[0])  # each counts once
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.locator("#factor-code").fill(code_of(secret, steps=1))
    page.get_by_role("button", name="继续").click()
    at(page, "/")


def with_authenticator(page: Page) -> None:
    """A fingerprint reader in the machine, which always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_alone_logs_in_and_confirms(fresh: Open) -> None:
    somebody("meng")
    page = fresh()
    with_authenticator(page)
    log_in(page, "meng")
    at(page, "/")
    page.goto("/account/passkeys/add/")
    if page.locator("#again-password").count():
        confirm(page)
    page.locator("#passkey-name").fill("办公室电脑")
    page.get_by_role("button", name="加上").click()
    page.wait_for_url(lambda url: "/passkeys/add" not in url)
    page.goto("/account/security/")
    expect(page.locator("main")).to_contain_text("办公室电脑")
    expect(page.locator("main")).to_contain_text("可以直接登录")
    log_out(page)
    page.get_by_role("button", name="用通行密钥登录").click()
    at(page, "/")
    page.goto("/account/security/")
    page.get_by_role("link", name="删掉").click()
    at(page, "/account/again/")
    page.get_by_role("link", name="用通行密钥").click()
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("main")).to_contain_text("办公室电脑")
    page.get_by_role("button", name="删掉").click()
    at(page, "/account/security/")
    expect(page.locator("main")).not_to_contain_text("办公室电脑")


def test_an_invitation_goes_by_mail_and_opens_once(open_as: LogIn, fresh: Open, letters: Letters) -> None:
    page = open_as("admin", "/settings/people/")
    page.get_by_role("button", name="邀请").first.click()
    dialog = page.locator("#dialog")
    dialog.locator('[name="name"]').fill("赵敏")
    dialog.locator('[name="email"]').fill("zhaomin@hengli.example")
    dialog.get_by_label("销售", exact=True).check()
    dialog.get_by_role("button", name="邀请").click()
    expect(dialog).to_contain_text("zhaomin@hengli.example")
    expect(dialog).to_contain_text("链接发过去了")
    link = _link_of(letters, "zhaomin@hengli.example")
    guest = fresh(urlsplit(link).path)
    at(guest, "/login/join/")
    assert problems(guest) == []
    for weak, why in (("1234567890", "密码不行"), ("password123", "密码不行")):
        guest.locator("#new-password").fill(weak)
        guest.get_by_role("button", name="设好，进去").click()
        expect(guest.get_by_role("alert").first).to_contain_text(why)
    guest.locator("#new-password").fill(GOOD)
    guest.get_by_role("button", name="设好，进去").click()
    at(guest, "/")
    late = fresh(urlsplit(link).path, size=PHONE)
    expect(late.locator("main")).to_contain_text("链接已经失效")


def _link_of(letters: Letters, mail: str) -> str:
    """The link in the mail that somebody got, once the worker has sent it."""
    worker = subprocess.Popen([sys.executable, "-m", "zhike.server.worker"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            found = [re.search(r"http\S+/login/join/\S+", text) for to, text in letters.came if to == mail]
            if found and found[-1]:
                return found[-1][0]
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait(20)
    raise AssertionError(letters.came)


def test_a_session_that_is_ended_elsewhere_is_over_at_its_next_step(fresh: Open) -> None:
    somebody("kong")
    here, there = fresh(), fresh(size=PHONE)
    for page in (here, there):
        log_in(page, "kong")
        at(page, "/")
    here.goto("/account/sessions/")
    here.get_by_role("button", name="让它退出").first.click()
    expect(here.get_by_role("button", name="让它退出")).to_have_count(0)
    there.goto("/customers/")
    at(there, "/login/")
    here.goto("/customers/")
    at(here, "/customers/")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize(
    "path", ["/login/", "/login/forgot/", "/login/forgot/sent/", "/login/join/", "/login/inactive/", "/login/?sso=failed"]
)
def test_pages_before_log_in_have_no_fault(path: str, size: ViewportSize, language: str, fresh: Open) -> None:
    page = fresh(path, size=size, language=language)
    expect(page.locator("h1")).to_be_visible()
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
