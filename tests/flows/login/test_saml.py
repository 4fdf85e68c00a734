"""Another system vouches for people by SAML: whom it brings, and whom and what is turned away."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from tests.cast import actor
from tests.flows.login.asserting import ISSUER, SSO_URL, Asserting, Keys, Told, assertion, new_keys, packed, response
from tests.flows.login.phone import is_in, log_in, person
from zhike.kernel.models import Change, HistoryEntry
from zhike.org.entry.providers import ProviderWish, add_provider, change_provider
from zhike.org.entry.tables import SingleSignOn
from zhike.org.models import Role, Team, User
from zhike.org.people.editing import deactivate

MAIL = "linyue@hengli.example"
FAILED = "单点登录没有完成"


@pytest.fixture(scope="module")
def keys() -> Keys:
    return new_keys()


@pytest.fixture
def other(keys: Keys) -> Asserting:
    return Asserting(keys=keys, attributes={"email": MAIL, "displayName": "林悦"})


def chromium() -> Client:
    """A browser: it always says which host it wants."""
    return Client(HTTP_HOST="testserver")


def kept(other: Asserting, **values: Any) -> SingleSignOn:
    """The system as an administrator set it up."""
    given = {
        "name": "恒砺域", "entity_id": ISSUER, "sso_url": SSO_URL, "certificate": other.keys.certificate, "trusts_mail": True, "domains": [],
    } | values  # fmt: skip
    return add_provider("saml", ProviderWish(values=given), by=actor("管理员"))


def sent_off(one: SingleSignOn, browser: Client, **form: str) -> str:
    """Where the browser is sent when the button on the log-in page is pressed."""
    answer = browser.post(f"/login/saml/{one.slug}/login/", form)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{SSO_URL}?")
    return answer.headers["location"]


def carried(one: SingleSignOn, browser: Client, xml: str) -> Any:
    """The page that a browser comes to with a response."""
    return browser.post(f"/login/saml/{one.slug}/acs/", {"SAMLResponse": packed(xml)}, follow=True)


def come(one: SingleSignOn, other: Asserting, browser: Client | None = None) -> tuple[Client, Any]:
    """Go to the system, log in there, and come back."""
    browser = browser or chromium()
    return browser, carried(one, browser, other.respond(other.log_in(sent_off(one, browser))))


def is_refused(page: Any) -> bool:
    """Whether the log-in page says that it came to nothing."""
    return page.status_code == 401 and FAILED in page.content.decode()


def written() -> tuple[int, ...]:
    """How much there is that a log-in could have written."""
    return tuple(model._default_manager.count() for model in (User, SocialAccount, Change, HistoryEntry))


def test_a_known_person_comes_in_by_mail(db: None, other: Asserting) -> None:
    user, one = person("林悦", mail=MAIL.upper()), kept(other)
    browser = chromium()
    assert "用恒砺域登录" in browser.get("/login/").content.decode()
    told = other.log_in(sent_off(one, browser, next="/account/sessions/"))
    page = carried(one, browser, other.respond(told))
    assert (page.redirect_chain[-1][0], is_in(browser)) == ("/account/sessions/", True)
    assert [(a.user_id, a.provider, a.uid) for a in SocialAccount.objects.all()] == [(user.pk, one.slug, "u-1")]
    assert is_in(log_in(user)), "the password stays as it is"


def test_one_who_came_once_is_known_whatever_his_mail_is_now(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one = kept(other)
    come(one, other)
    assert is_in(come(one, Asserting(keys=other.keys, attributes={"email": "other@hengli.example"}))[0])


def test_a_stranger_is_refused_in_words(db: None, other: Asserting) -> None:
    one, before = kept(other), written()
    browser, page = come(one, other)
    assert "这个账号还不是公司里的人" in page.content.decode()
    assert (is_in(browser), written()) == (False, before)


def test_who_was_let_go_stays_out_before_and_after_he_came(db: None, other: Asserting) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    come(one, other)
    deactivate(user, by=actor("管理员"))
    before = written()
    for _ in range(2):
        browser, page = come(one, other)
        assert "这个账号停用了" in page.content.decode()
        assert not is_in(browser)
    assert written() == before


def test_a_new_one_from_the_companys_domain_gets_the_role(db: None, other: Asserting) -> None:
    role, team = Role.objects.get(code="sales"), Team.objects.get(name="上海组")
    one = kept(other, domains=["hengli.example"], role_id=role.pk, team_id=team.pk)
    new = Asserting(keys=other.keys, name_id="u-9", attributes={"email": "zhaomin@hengli.example", "displayName": "赵敏"})
    assert is_in(come(one, new)[0])
    made = User.objects.get(email="zhaomin@hengli.example")
    assert (made.name, made.invited_at, made.has_usable_password()) == ("赵敏", None, False)
    assert ([r.code for r in made.roles.all()], [t.name for t in made.teams.all()]) == (["sales"], ["上海组"])
    eve = Asserting(keys=other.keys, name_id="u-10", attributes={"email": "eve@nothengli.example"})
    browser, page = come(one, eve)
    assert "这个账号还不是公司里的人" in page.content.decode()
    assert not is_in(browser)


def test_a_mail_that_the_system_does_not_vouch_for_finds_nobody(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one = kept(other, trusts_mail=False)
    browser, page = come(one, other)
    assert "对方没有给出可信的邮箱" in page.content.decode()
    assert not is_in(browser)


Wrong = Callable[[Asserting, Told], str]
WRONG: dict[str, Wrong] = {
    "signed by another key": lambda other, told: other.respond(told, new_keys()),
    "not signed": lambda other, told: response(told, assertion(told)),
    "only the response signed": lambda other, told: other.sign(response(told, assertion(told))),
    "changed after it was signed": lambda other, told: other.respond(told.but(attributes={"email": "eve@evil.example"})).replace(
        "eve@evil.example", MAIL
    ),
    "over": lambda other, told: other.respond(told.but(until=dt.timedelta(minutes=-4))),
    "for another audience": lambda other, told: other.respond(told.but(audience="https://crm.other.example/")),
    "for another recipient": lambda other, told: other.respond(told.but(recipient="https://crm.other.example/acs/")),
    "by another issuer": lambda other, told: other.respond(told.but(issuer="https://idp.evil.example/")),
    "an answer to nothing": lambda other, told: other.respond(told.but(answers="_never-asked")),
    "without being asked": lambda other, told: re.sub(r' InResponseTo="[^"]*"', "", other.respond(told)),
    "wrapped: an own assertion before the signed one": lambda other, told: response(
        told, assertion(told), other.sign(assertion(told.but(attributes={"email": "eve@evil.example"})))
    ),
    "wrapped: the signed one inside an own one": lambda other, told: response(
        told, assertion(told).replace("</saml:Issuer>", f"</saml:Issuer>{other.sign(assertion(told))}", 1)
    ),
    "a file of this machine": lambda other, told: (
        '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + other.respond(told).replace("林悦", "&f;")
    ),
    "a bomb": lambda other, told: (
        f'<!DOCTYPE r [<!ENTITY a "{"x" * 1000}"><!ENTITY b "{"&a;" * 1000}">]>' + other.respond(told).replace("林悦", "&b;" * 100)
    ),
    "no XML": lambda other, told: "林悦",
    "empty": lambda other, told: "",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_for_us_now_is_refused(what: str, db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one, before, browser = kept(other), written(), chromium()
    told = other.log_in(sent_off(one, browser))
    assert is_refused(carried(one, browser, WRONG[what](other, told)))
    assert (is_in(browser), written()) == (False, before)


def test_what_is_not_base64_is_refused(db: None, other: Asserting) -> None:
    one = kept(other)
    for form in ({"SAMLResponse": "!!"}, {}):
        assert is_refused(chromium().post(f"/login/saml/{one.slug}/acs/", form, follow=True))


def test_a_response_counts_once_and_in_the_browser_that_asked(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one, mine, thief = kept(other), chromium(), chromium()
    xml = other.respond(other.log_in(sent_off(one, mine)))
    assert is_refused(carried(one, thief, xml))
    assert not is_in(thief)
    carried(one, mine, xml)
    assert is_in(mine)
    mine.post("/logout/")
    for browser in (mine, thief, chromium()):
        assert is_refused(carried(one, browser, xml))
        assert not is_in(browser)


def test_a_stolen_assertion_does_not_answer_what_somebody_else_asked(db: None, other: Asserting) -> None:
    """The frame around a signed assertion is not signed: a thief puts his own request on it."""
    person("林悦", mail=MAIL)
    one, victim, thief = kept(other), chromium(), chromium()
    theirs, his = (other.log_in(sent_off(one, browser)) for browser in (victim, thief))
    for stolen in (other.sign(assertion(theirs)), other.sign(re.sub(r' InResponseTo="[^"]*"', "", assertion(theirs)))):
        before = written()
        assert is_refused(carried(one, thief, response(his, stolen)))
        assert (is_in(thief), written()) == (False, before)


def test_a_link_from_elsewhere_logs_nobody_out(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one = kept(other)
    browser, _page = come(one, other)
    for address in ("sls/?SAMLRequest=x", "sls/?SAMLResponse=x&RelayState=https://evil.example/"):
        answer = browser.get(f"/login/saml/{one.slug}/{address}")
        assert (answer.status_code, answer.headers["location"]) == (302, "/login/")
    assert is_in(browser)


def test_a_system_that_is_off_brings_nobody(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one, browser = kept(other), chromium()
    xml = other.respond(other.log_in(sent_off(one, browser)))
    change_provider(one, ProviderWish(values={"is_on": False}), by=actor("管理员"))
    assert carried(one, browser, xml).status_code == 404
    assert not is_in(browser)


def test_nobody_is_led_elsewhere_by_what_comes_along(db: None, other: Asserting) -> None:
    person("林悦", mail=MAIL)
    one, browser = kept(other), chromium()
    xml = other.respond(other.log_in(sent_off(one, browser, next="https://evil.example/")))
    page = browser.post(f"/login/saml/{one.slug}/acs/", {"SAMLResponse": packed(xml), "RelayState": "https://evil.example/"}, follow=True)
    assert is_in(browser)
    assert [address for address, _status in page.redirect_chain if "evil" in address] == []
