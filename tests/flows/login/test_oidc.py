"""Another system vouches for people by OpenID Connect: whom it brings, and whom and what is turned away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.test import Client

from tests.cast import actor, user_of
from tests.flows.login.phone import GOOD, is_in, log_in, person
from tests.flows.login.vouching import CLIENT, SECRET, Provider, address_with, provider
from zhike.kernel.history import last_change_of
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.testing.web import Web
from zhike.org.entry.policy import Rules, change_rules
from zhike.org.entry.providers import ProviderWish, add_provider, change_provider, secret_of
from zhike.org.entry.tables import SingleSignOn
from zhike.org.models import Role, Team, User
from zhike.org.people.editing import deactivate

MAIL = "linyue@hengli.example"


@pytest.fixture
def other() -> Iterator[Provider]:
    with provider(sub="u-1", name="林悦", email=MAIL, email_verified=True) as one:
        yield one


def kept(other: Provider, **values: Any) -> SingleSignOn:
    """The system as an administrator set it up."""
    given = {"name": "恒砺账号", "client_id": CLIENT, "server_url": other.url, "domains": []} | values
    return add_provider("openid_connect", ProviderWish(values=given, secret=SECRET), by=actor("管理员"))


def sent_off(one: SingleSignOn, browser: Client, **form: str) -> str:
    """Where the browser is sent when the button on the log-in page is pressed."""
    answer = browser.post(f"/login/oidc/{one.slug}/login/", form)
    assert answer.status_code == 302
    return answer.headers["location"]


def come(one: SingleSignOn, other: Provider, browser: Client | None = None, **changed: str) -> tuple[Client, Any]:
    """Go to the system, log in there, and come back."""
    browser = browser or Client()
    told = other.log_in(sent_off(one, browser)) | changed
    return browser, browser.get(f"/login/oidc/{one.slug}/login/callback/", told, follow=True)


def written() -> tuple[int, ...]:
    """How much there is that a log-in could have written."""
    return tuple(model._default_manager.count() for model in (User, SocialAccount, Change, HistoryEntry))


def test_a_known_person_comes_in_by_a_verified_mail(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL.upper()), kept(other)
    browser = Client()
    assert "用恒砺账号登录" in browser.get("/login/").content.decode()
    told = other.log_in(sent_off(one, browser, next="/account/sessions/"))
    assert {"nonce", "state", "code_challenge"} <= set(other.asked)
    answer = browser.get(f"/login/oidc/{one.slug}/login/callback/", told)
    assert (answer.headers["location"], is_in(browser)) == ("/account/sessions/", True)
    assert [(a.user_id, a.provider, a.uid) for a in SocialAccount.objects.all()] == [(user.pk, one.slug, "u-1")]
    assert is_in(log_in(user)), "the password stays as it is"


def test_one_who_came_once_is_known_whatever_his_mail_is_now(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one = kept(other)
    come(one, other)
    other.claims |= {"email": "other@hengli.example"}
    assert is_in(come(one, other)[0])


def test_a_stranger_is_refused_in_words(db: None, other: Provider) -> None:
    one, before = kept(other), written()
    browser, page = come(one, other)
    assert "这个账号还不是公司里的人" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)


@pytest.mark.parametrize("verified", [False, "false", None, ""])
def test_a_mail_that_is_not_verified_finds_nobody(verified: object, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before = kept(other), written()
    other.claims["email_verified"] = verified
    browser, page = come(one, other)
    assert "对方没有给出可信的邮箱" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)
    change_provider(one, ProviderWish(values={"trusts_mail": True}), by=actor("管理员"))
    assert is_in(come(one, other)[0])


def test_a_new_one_from_the_companys_domain_gets_the_role(db: None, other: Provider) -> None:
    role, team = Role.objects.get(code="sales"), Team.objects.get(name="上海组")
    one = kept(other, domains=["Hengli.example"], role_id=role.pk, team_id=team.pk)
    other.claims |= {"sub": "u-9", "name": "赵敏", "email": "zhaomin@hengli.example"}
    assert is_in(come(one, other)[0])
    made = User.objects.get(email="zhaomin@hengli.example")
    assert (made.name, made.username, made.invited_at, made.has_usable_password()) == ("赵敏", "zhaomin", None, False)
    assert ([r.code for r in made.roles.all()], [t.name for t in made.teams.all()]) == (["sales"], ["上海组"])
    assert Change.objects.get(verb="invite").actor_name == "恒砺账号"
    other.claims |= {"sub": "u-10", "email": "eve@nothengli.example"}
    browser, page = come(one, other)
    assert "这个账号还不是公司里的人" in page.content.decode()
    assert not is_in(browser)


def test_who_was_let_go_stays_out(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    deactivate(user, by=actor("管理员"))
    before = written()
    browser, page = come(one, other)
    assert "这个账号停用了" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)


def test_who_was_let_go_after_he_came_stays_out_too(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    come(one, other)
    deactivate(user, by=actor("管理员"))
    browser, page = come(one, other)
    assert "这个账号停用了" in page.content.decode()
    assert not is_in(browser)


WRONG: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"}, "no nonce": {"nonce": ""}, "audience": {"aud": "another"}, "issuer": {"iss": "https://evil.example"},
    "two audiences": {"aud": [CLIENT, "another"], "azp": "another"}, "over": {"exp": 1_000_000_000}, "somebody else": {"sub": "u-2"},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_not_for_us_now_is_refused(what: str, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before = kept(other), written()
    other.changed = WRONG[what]
    browser, page = come(one, other)
    assert "单点登录没有完成" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)
    other.changed = {}
    assert is_in(come(one, other)[0])


@pytest.mark.parametrize("how", ["another key", "client secret", "nobody"])
def test_a_token_that_another_signed_is_refused(how: str, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before = kept(other), written()
    with provider(sub="u-1") as stranger:
        signers: dict[str, rsa.RSAPrivateKey | str] = {"another key": stranger.key, "client secret": SECRET, "nobody": ""}
        other.signs_with = signers[how]
        browser, page = come(one, other)
    assert "单点登录没有完成" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)


def test_an_answer_counts_once_and_in_the_browser_that_asked(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one = kept(other)
    browser = Client()
    told = other.log_in(sent_off(one, browser))
    thief, callback = Client(), f"/login/oidc/{one.slug}/login/callback/"
    assert "单点登录没有完成" in thief.get(callback, told, follow=True).content.decode()
    assert not is_in(thief), "a planted answer logs nobody in as somebody else"
    assert not is_in(come(one, other, state="guessed")[0])
    browser.get(callback, told)
    assert is_in(browser)
    browser.post("/logout/")
    browser.get(callback, told)
    assert not is_in(browser)


def test_our_address_slips_nothing_into_what_is_asked(db: None, other: Provider) -> None:
    one = kept(other)
    query = "?auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26nonce%3Dx&scope=admin&next=//evil.example/"
    address = Client().post(f"/login/oidc/{one.slug}/login/{query}").headers["location"]
    other.log_in(address)
    assert other.asked["redirect_uri"] == f"http://testserver/login/oidc/{one.slug}/login/callback/"
    assert set(other.asked["scope"].split()) == {"openid", "profile", "email"}
    assert "evil" not in address
    assert address_with(address) == address.partition(other.url)[2]


def test_a_system_that_does_not_answer_is_told_in_words(db: None, other: Provider) -> None:
    one = kept(other)
    change_provider(one, ProviderWish(values={"server_url": "http://127.0.0.1:9"}), by=actor("管理员"))
    page = Client().post(f"/login/oidc/{one.slug}/login/", follow=True)
    assert "单点登录没有完成" in page.content.decode()
    change_provider(one, ProviderWish(values={"is_on": False}), by=actor("管理员"))
    assert Client().post(f"/login/oidc/{one.slug}/login/").status_code == 404


def test_the_secret_is_sealed_and_never_shown_again(db: None, other: Provider, web: Any) -> None:
    one = kept(other)
    with connection.cursor() as cursor:
        cursor.execute("select secret from org_singlesignon")
        assert SECRET not in cursor.fetchone()[0]
    assert not [entry for entry in HistoryEntry.objects.all() if SECRET in repr(entry.old)]
    admin: Web = web("管理员")
    assert SECRET not in admin.get(f"/settings/login/{one.pk}").text
    form = {"name": "恒砺统一账号", "client_id": CLIENT, "server_url": other.url, "is_on": "on", "secret": "", "domains": ""}
    assert admin.post(f"/settings/login/{one.pk}", form).status == 204
    one.refresh_from_db()
    assert (one.name, secret_of(one)) == ("恒砺统一账号", SECRET)
    assert last_change_of(one.pk)


def test_who_comes_by_another_system_has_no_password_when_the_company_says_so(db: None, other: Provider) -> None:
    user, boss = person("林悦", mail=MAIL), person("管理员", mail="guanli@hengli.example")
    one = kept(other)
    come(one, other)
    assert is_in(log_in(user))
    change_rules(Rules(sso_only=True), by=actor("管理员"))
    closed = Client().post("/login/", {"login": user.username, "password": GOOD})
    assert "你用单点登录进来，不用密码" in closed.content.decode()
    assert is_in(come(one, other)[0])
    assert is_in(log_in(boss))
    other.claims |= {"sub": "u-2", "email": "guanli@hengli.example"}
    come(one, other)
    assert is_in(log_in(user_of("管理员"))), "somebody gets in when the other system is down"
