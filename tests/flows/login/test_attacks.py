"""What somebody without the password gets out of the way in: nothing, slowly, and no word about who is here."""

from __future__ import annotations

import re
import statistics
import time

import pytest
from django.test import Client

from tests.flows.login.phone import GOOD, is_in, later, log_in, person, with_phone


def test_five_wrong_passwords_close_the_account_for_a_while(db: None) -> None:
    user = person("林悦")
    for _ in range(5):
        Client().post("/login/", {"login": user.username, "password": "猜一猜猜一猜猜"})
    closed = Client().post("/login/", {"login": user.username, "password": GOOD})
    assert "错的次数太多" in closed.content.decode()
    for host in ("localhost", "127.0.0.1", "x.localhost"):  # another name of the same company is no new set of tries
        assert (
            "错的次数太多"
            in Client().post("/login/", {"login": user.username.upper(), "password": GOOD}, headers={"host": host}).content.decode()
        )
    later()
    assert is_in(log_in(user))


def test_codes_of_phones_cannot_be_guessed_either(db: None) -> None:
    user = person("林悦")
    with_phone(log_in(user))
    browser = log_in(user)
    answers = [browser.post("/login/factor/", {"code": f"{number:06d}"}).content.decode() for number in range(7)]
    assert ["错的次数太多" in answer for answer in answers] == [False] * 5 + [True] * 2


def test_one_address_cannot_try_many_names(db: None) -> None:
    tried = [Client().post("/login/", {"login": f"nobody{number}", "password": "随便试一个密码"}) for number in range(11)]
    assert "错的次数太多" in tried[-1].content.decode()
    many = [Client().post("/login/", {}).status_code for _ in range(25)]
    assert many[-1] == 429
    assert "试得太快了" in Client().post("/login/", {}).content.decode()


def test_nobody_learns_who_is_here(db: None) -> None:
    user = person("林悦", mail="linyue@hengli.example")

    def told(path: str, **form: str) -> str:
        page = Client().post(path, form, follow=True).content.decode()
        assert page.count("<main") == 1
        page = page.partition("<main")[2].replace(form.get("login", form.get("email", "")), "X")
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)

    assert told("/login/", login=user.username, password="不是这个密码") == told("/login/", login="nobodyhere", password="不是这个密码")
    assert told("/login/forgot/", email=user.email) == told("/login/forgot/", email="nobody@hengli.example")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(db: None) -> None:
    person("林悦")

    def seconds(login: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            Client().post("/login/", {"login": login, "password": "不是这个密码"})
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    seconds("warm")
    later()
    known, unknown = seconds("linyue"), seconds("nobodyhere")
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example"]
)
def test_the_way_in_leads_nowhere_else(target: str, db: None) -> None:
    user = person("林悦")
    answer = Client().post("/login/", {"login": user.username, "password": GOOD, "next": target})
    assert answer.headers["location"] == "/"
    assert "evil" not in Client().get("/login/", {"next": target}).content.decode().split("zk-langs")[0]


def test_a_session_made_by_somebody_else_is_not_taken_over(db: None) -> None:
    user = person("林悦")
    attacker = Client()
    attacker.get("/login/join/abc")  # gives a session before log-in
    planted = attacker.cookies["zhike_session"].value
    victim = Client()
    victim.cookies["zhike_session"] = planted
    log_in(user, browser=victim)
    assert is_in(victim)
    assert victim.cookies["zhike_session"].value != planted
    assert not is_in(attacker)


@pytest.mark.parametrize(
    "path",
    ["/login/", "/logout/", "/login/forgot/", "/login/strength", "/account/password/", "/account/sessions/others/end", "/login/factor/"],
)
def test_forms_from_elsewhere_are_refused(path: str, db: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person("林悦"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(path, {"login": "linyue", "password": GOOD}).status_code == 403
    if path == "/logout/":
        assert is_in(browser)
