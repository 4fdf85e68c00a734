"""What a person has in the hand: a password that is good enough, a phone with an authenticator, a browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

from django.core.cache import cache
from django.test import Client

from tests.cast import user_of
from zhike.org.models import User

GOOD = "下雨天正好去喝杯咖啡3"
BETTER = "correct horse battery staple"
SECRET = re.compile(r'<code class="zk-break">([A-Z2-7]+)</code>')


def code_of(secret: str, *, steps: int = 0) -> str:
    """The six figures that a phone shows now, or `steps` half minutes from now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"


def person(name: str, *, password: str = GOOD, mail: str = "") -> User:
    """Somebody of the cast who can log in by a password."""
    user = user_of(name)
    user.set_password(password)
    user.email = mail
    user.save()
    return user


def log_in(
    user: User, *, password: str = GOOD, browser: Client | None = None, agent: str = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0"
) -> Client:
    """A browser in which the person typed name and password."""
    browser = browser or Client(headers={"user-agent": agent})
    browser.post("/login/", {"login": user.username, "password": password})
    return browser


def is_in(browser: Client) -> bool:
    """Whether the browser is logged in: the settings open for everybody."""
    return browser.get("/settings/").status_code == 200


def confirm(browser: Client, password: str = GOOD) -> None:
    """Type the password again before something delicate."""
    assert browser.post("/account/again/", {"password": password, "next": "/account/security/"}).status_code == 302


def with_phone(browser: Client) -> str:
    """Turn the second factor on; the secret that the phone keeps."""
    confirm(browser)
    found = SECRET.search(browser.get("/account/totp/on/").content.decode())
    assert found
    done = browser.post("/account/totp/on/", {"code": code_of(found[1])})
    assert (done.status_code, done.headers["location"]) == (302, "/account/codes/")
    return found[1]


def codes_in(browser: Client) -> list[str]:
    """The recovery codes that the page shows."""
    return re.findall(r"<li><code>(\d{8})</code></li>", browser.get("/account/codes/").content.decode())


def later() -> None:
    """Let the limits on tries pass, as five minutes would."""
    cache.clear()
