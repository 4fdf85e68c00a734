"""Logging in by password and by phone, changing both, and where one is logged in."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from tests.cast import actor
from tests.flows.login.phone import BETTER, GOOD, code_of, codes_in, confirm, is_in, later, log_in, person, with_phone
from zhike.kernel.models import Change
from zhike.kernel.secrets import unseal
from zhike.org.people.editing import deactivate


def test_a_person_logs_in_and_out(db: None) -> None:
    browser = log_in(person("林悦"))
    assert is_in(browser)
    cookie = browser.cookies["zhike_session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert browser.get("/logout/").status_code == 200, "leaving asks first: a picture in a mail must not log anybody out"
    assert is_in(browser)
    browser.post("/logout/")
    assert not is_in(browser)


def test_the_mail_is_as_good_as_the_user_name(db: None) -> None:
    person("林悦", mail="linyue@hengli.example")
    browser = Client()
    browser.post("/login/", {"login": "LinYue@Hengli.example", "password": GOOD})
    assert is_in(browser)


def test_a_wrong_password_is_told_in_words(db: None) -> None:
    user = person("林悦")
    page = Client().post("/login/", {"login": user.username, "password": "不是这个"})
    assert "用户名或密码不对" in page.content.decode()


def test_the_phone_is_asked_for_once_it_is_known(db: None) -> None:
    user = person("林悦")
    secret = with_phone(log_in(user))
    browser = Client()
    answer = browser.post("/login/", {"login": user.username, "password": GOOD, "next": "/account/sessions/"})
    assert (answer.headers["location"], is_in(browser)) == ("/login/factor/", False)
    assert "验证码不对" in browser.post("/login/factor/", {"code": "000000"}).content.decode()
    assert not is_in(browser)
    done = browser.post("/login/factor/", {"code": code_of(secret, steps=1)})
    assert (done.headers["location"], is_in(browser)) == ("/account/sessions/", True)


def test_a_code_counts_once(db: None) -> None:
    user = person("林悦")
    secret = with_phone(log_in(user))
    code = code_of(secret, steps=1)
    first, second = log_in(user), log_in(user)
    first.post("/login/factor/", {"code": code})
    answer = second.post("/login/factor/", {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)
    assert "已经用过" in answer.content.decode()


def test_a_recovery_code_stands_in_for_the_phone_once(db: None) -> None:
    user = person("林悦")
    browser = log_in(user)
    with_phone(browser)
    codes = codes_in(browser)
    assert len(set(codes)) == 10
    other = log_in(user)
    other.post("/login/factor/", {"code": codes[0]})
    assert is_in(other)
    again = log_in(user)
    again.post("/login/factor/", {"code": codes[0]})
    assert not is_in(again)
    assert len(codes_in(browser)) == 9
    confirm(browser)
    browser.post("/account/codes/new/")
    assert not set(codes_in(browser)) & set(codes)


def test_secrets_of_phones_are_sealed_for_their_person(db: None) -> None:
    user = person("林悦")
    secret = with_phone(log_in(user))
    with connection.cursor() as cursor:
        cursor.execute("select data->>'secret' from mfa_authenticator where type = 'totp'")
        kept = cursor.fetchone()[0]
    assert secret not in kept
    assert unseal(kept, bound_to=f"mfa:{user.pk}") == secret


def test_the_phone_goes_only_after_the_password_was_typed_again(db: None) -> None:
    user = person("林悦")
    browser = log_in(user)
    with_phone(browser)
    fresh = log_in(user)
    fresh.post("/login/factor/", {"code": codes_in(browser)[0]})
    assert fresh.get("/account/totp/off/").headers["location"].startswith("/account/again/")
    assert fresh.post("/account/totp/off/").status_code == 302
    assert Client().post("/login/", {"login": user.username, "password": GOOD}).headers["location"] == "/login/factor/"
    later()
    confirm(fresh)
    fresh.post("/account/totp/off/")
    assert is_in(log_in(user))


def test_a_new_password_ends_every_other_session(db: None) -> None:
    user = person("林悦")
    here, elsewhere = log_in(user), log_in(user)
    wrong = here.post("/account/password/", {"old": "不是这个", "password": BETTER})
    assert (wrong.status_code, "现在的密码不对" in wrong.content.decode()) == (422, True)
    done = here.post("/account/password/", {"old": GOOD, "password": BETTER})
    assert done.headers["location"] == "/account/security/?password=changed"
    assert (is_in(here), is_in(elsewhere), is_in(log_in(user)), is_in(log_in(user, password=BETTER))) == (True, False, False, True)
    assert Change.objects.filter(verb="change_password", actor_id=user.pk).count() == 1


def test_sessions_are_listed_and_ended(db: None) -> None:
    user = person("林悦")
    here = log_in(user)
    phone = log_in(user, agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile MicroMessenger/8.0")
    tablet = log_in(user, agent="Mozilla/5.0 (Linux; Android 14) Firefox/130.0")
    page = here.get("/account/sessions/").content.decode()
    assert [page.count(word) for word in ("Chrome，Windows", "微信，iOS", "Firefox，Android", "这里")] == [1, 1, 1, 1]
    pk = UserSession.objects.get(user=user, user_agent__contains="iPhone").pk
    here.post(f"/account/sessions/{pk}/end")
    assert (is_in(here), is_in(phone), is_in(tablet)) == (True, False, True)
    here.post("/account/sessions/others/end")
    assert (is_in(here), is_in(tablet)) == (True, False)


def test_nobody_ends_the_session_of_another(db: None) -> None:
    other = person("周航")
    theirs = log_in(other)
    mine = log_in(person("林悦"))
    assert mine.post(f"/account/sessions/{UserSession.objects.get(user=other).pk}/end").status_code == 404
    assert is_in(theirs)


def test_who_was_let_go_is_out_at_once(db: None) -> None:
    user = person("林悦")
    browser = log_in(user)
    deactivate(user, by=actor("管理员"))
    assert not is_in(browser)
    answer = Client().post("/login/", {"login": user.username, "password": GOOD}, follow=True)
    assert "这个账号停用了" in answer.content.decode()
    assert not Session.objects.filter(session_key=browser.cookies["zhike_session"].value).exists()


def test_one_arranges_name_and_language(db: None) -> None:
    user = person("林悦")
    browser = log_in(user)
    answer = browser.post("/account/profile/", {"name": "林月", "language": "en"})
    assert (answer.status_code, browser.cookies["django_language"].value) == (204, "en")
    user.refresh_from_db()
    assert (user.name, user.language, "linyue" in user.finding) == ("林月", "en", True)
    undo = Change.objects.get(verb="change_own")
    browser.post(f"/changes/{undo.pk}/undo")
    user.refresh_from_db()
    assert (user.name, user.language) == ("林悦", "zh-hans")
