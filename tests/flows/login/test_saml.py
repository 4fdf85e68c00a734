"""Another system vouches for people by SAML: whom it brings, and which answers are turned away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names

from tests.cast import actor
from tests.flows.login.phone import is_in, log_in, person
from tests.flows.login.vouching_saml import (
    ENTITY,
    SSO_URL,
    WRAPPINGS,
    Answer,
    Provider,
    Question,
    Wrapping,
    new_id,
    sent,
    sign,
    signer,
    when,
)  # fmt: skip
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.testing.proofs import refused
from zhike.org.entry.policy import Rules, change_rules
from zhike.org.entry.providers import ProviderWish, add_provider
from zhike.org.entry.tables import SingleSignOn
from zhike.org.models import Role, Team, User
from zhike.org.people.editing import deactivate

MAIL = "linyue@hengli.example"
FAILED = "单点登录没有完成"
STRANGER = "这个账号还不是公司里的人"


@pytest.fixture(scope="module")
def other() -> Provider:
    return Provider()


def kept(other: Provider, **values: Any) -> SingleSignOn:
    """The system as an administrator set it up."""
    given = {"name": "恒砺统一认证", "entity_id": ENTITY, "sso_url": SSO_URL, "certificate": other.own.certificate, "domains": []}
    return add_provider("saml", ProviderWish(values={**given, "trusts_mail": True, **values}), by=actor("管理员"))


def asked(one: SingleSignOn, other: Provider, browser: Client, **form: str) -> Question:
    """Press the button on the log-in page and go there."""
    answer = browser.post(f"/login/saml/{one.slug}/login/", form)
    assert answer.status_code == 302
    return other.read(answer.headers["location"])


def back(one: SingleSignOn, browser: Client, text: str) -> Any:
    """Come back with an answer; the page on which one ends."""
    return browser.post(f"/login/saml/{one.slug}/acs/", sent(text), follow=True)


def come(one: SingleSignOn, other: Provider, browser: Client | None = None, **said: Any) -> tuple[Client, Any]:
    """Go to the system, log in there, and come back; `said` is what the answer says otherwise."""
    browser = browser or Client()
    question = asked(one, other, browser)
    return browser, back(one, browser, other.signed(replace(other.answer(question), **said)))


def written() -> tuple[int, ...]:
    """How much there is that a log-in could have written."""
    return tuple(model._default_manager.count() for model in (User, SocialAccount, Change, HistoryEntry))


def turned_away(browser: Client, page: Any, before: tuple[int, ...], *, why: str = FAILED) -> None:
    """The page says why, nobody is logged in, nothing was written."""
    assert page.status_code == 200
    assert why in page.content.decode()
    assert (is_in(browser), written()) == (False, before)


def test_a_known_person_comes_in_by_mail(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL.upper()), kept(other)
    browser = Client()
    assert "用恒砺统一认证登录" in browser.get("/login/").content.decode()
    question = asked(one, other, browser, next="/account/sessions/")
    page = back(one, browser, other.signed(other.answer(question)))
    assert (page.redirect_chain[-1][0], is_in(browser)) == ("/account/sessions/", True)
    assert [(a.user_id, a.provider, a.uid) for a in SocialAccount.objects.all()] == [(user.pk, one.slug, "u-1")]
    assert is_in(log_in(user)), "the password stays as it is"


def test_the_mail_may_be_the_name_itself(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    assert is_in(come(kept(other), other, mail="", name="", name_id=MAIL)[0])


def test_one_who_came_once_is_known_whatever_his_mail_is_now(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    come(one, other)
    assert is_in(come(one, other, mail="other@hengli.example")[0])
    assert SocialAccount.objects.get().user_id == user.pk


def test_who_comes_by_another_system_has_no_password_when_the_company_says_so(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    come(one, other)
    change_rules(Rules(sso_only=True), by=actor("管理员"))
    assert not is_in(log_in(user))
    assert is_in(come(one, other)[0])


def test_a_name_for_one_visit_is_not_kept_for_the_next(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    for name in ("t-1", "t-2"):
        assert is_in(come(one, other, name_id=name, name_format=Names.NAMEID_TRANSIENT)[0])
    assert [(a.user_id, a.uid) for a in SocialAccount.objects.all()] == [(user.pk, "t-2")]


def test_a_stranger_is_refused_in_words(db: None, other: Provider) -> None:
    one, before = kept(other), written()
    turned_away(*come(one, other), before, why=STRANGER)


def test_a_mail_counts_only_when_the_company_trusts_it(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before = kept(other, trusts_mail=False), written()
    turned_away(*come(one, other), before, why="对方没有给出可信的邮箱")


def test_a_new_one_from_the_companys_domain_gets_role_team_and_name(db: None, other: Provider) -> None:
    role, team = Role.objects.get(code="sales"), Team.objects.get(name="上海组")
    one = kept(other, domains=["Hengli.example"], role_id=role.pk, team_id=team.pk)
    assert is_in(come(one, other, name_id="u-9", name="赵敏", mail="zhaomin@hengli.example")[0])
    made = User.objects.get(email="zhaomin@hengli.example")
    assert (made.name, made.username, made.invited_at, made.has_usable_password()) == ("赵敏", "zhaomin", None, False)
    assert ([r.code for r in made.roles.all()], [t.name for t in made.teams.all()]) == (["sales"], ["上海组"])
    assert Change.objects.get(verb="invite").actor_name == "恒砺统一认证"
    before = written()
    turned_away(*come(one, other, name_id="u-10", mail="eve@nothengli.example"), before, why=STRANGER)


def test_who_was_let_go_stays_out_before_and_after_he_came(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    deactivate(user, by=actor("管理员"))
    before = written()
    turned_away(*come(one, other), before, why="这个账号停用了")
    SocialAccount.objects.create(user=user, provider=one.slug, uid="u-1")
    before = written()
    turned_away(*come(one, other), before, why="这个账号停用了")


WRONG: dict[str, dict[str, Any]] = {
    "over": {"minutes": -10}, "brought too late": {"confirmed_for": -10}, "not yet": {"begins": 10}, "no end": {"confirmed_for": None},
    "audience": {"audiences": ("https://other.example/metadata",)}, "no audience": {"audiences": ()},
    "recipient": {"recipient": "https://other.example/acs/"}, "no recipient": {"recipient": None},
    "destination": {"destination": "https://other.example/acs/"}, "empty destination": {"destination": ""},
    "issuer": {"issuer": "https://evil.example/metadata"}, "issuer of nobody": {"issuer": ""},
    "another question": {"answers": "ONELOGIN_another", "confirms": "ONELOGIN_another"}, "no question": {"answers": None, "confirms": None},
    "envelope asked for, assertion not": {"confirms": None}, "assertion of another question": {"confirms": "ONELOGIN_another"},
    "assertion asked for, envelope not": {"answers": None}, "another method": {"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"},
    "not logged in there": {"status": "AuthnFailed"}, "no name": {"name_id": ""}, "endless name": {"name_id": "u" * 2_000},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_is_not_for_us_now_is_refused(what: str, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before = kept(other), written()
    turned_away(*come(one, other, **WRONG[what]), before)
    assert is_in(come(one, other)[0])


def test_an_address_that_only_begins_like_ours_is_another(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, before, browser = kept(other), written(), Client()
    question = asked(one, other, browser)
    right, longer = other.answer(question), f"{question.answer_to}.evil.example"
    around = f"https://evil.example/?{question.answer_to}"
    also = (question.issuer, "https://other.example/metadata")
    for wrong in (replace(right, destination=longer), replace(right, recipient=around), replace(right, audiences=also)):
        turned_away(browser, back(one, browser, other.signed(wrong)), before)
    back(one, browser, other.signed(right))
    assert is_in(browser)


def _by_another(answer: Answer, other: Provider) -> str:
    return answer.response(sign(answer.assertion(), signer()))


def _by_nobody(answer: Answer, other: Provider) -> str:
    return answer.response(answer.assertion())


def _envelope_only(answer: Answer, other: Provider) -> str:
    return sign(answer.response(answer.assertion()), other.own)


def _mail_changed(answer: Answer, other: Provider) -> str:
    return other.signed(answer).replace(MAIL, "guanli@hengli.example")


def _name_changed(answer: Answer, other: Provider) -> str:
    return other.signed(answer).replace(">u-1<", ">u-2<")


def _by_an_old_digest(answer: Answer, other: Provider) -> str:
    return other.signed(answer, algorithm=Names.RSA_SHA1, digest=Names.SHA1)


def _signature_of_another(answer: Answer, other: Provider) -> str:
    one, two = (etree.fromstring(other.signed(answer)) for _ in range(2))
    mine, theirs = (found.find(".//ds:Signature", Names.NSMAP) for found in (one, two))
    assert mine is not None
    assert theirs is not None
    mine.getparent().replace(mine, theirs)
    return str(etree.tostring(one, encoding="unicode"))


FORGERIES = (_by_another, _by_nobody, _envelope_only, _mail_changed, _name_changed, _by_an_old_digest, _signature_of_another)


@pytest.mark.parametrize("forged", FORGERIES)
def test_an_assertion_that_the_system_did_not_sign_so_is_refused(forged: Any, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    person("管理员", mail="guanli@hengli.example")
    one, before, browser = kept(other), written(), Client()
    turned_away(browser, back(one, browser, forged(other.answer(asked(one, other, browser)), other)), before)


@pytest.mark.parametrize("wrapped", WRAPPINGS)
def test_a_signed_assertion_carries_no_other_one(wrapped: Wrapping, db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    person("管理员", mail="guanli@hengli.example")
    one, before, browser = kept(other), written(), Client()
    right = other.answer(asked(one, other, browser))
    evil = replace(right, name_id="u-boss", mail="guanli@hengli.example").assertion()
    text = wrapped(other.signed(right), evil)
    assert "u-boss" in text
    assert ">u-1<" in text
    turned_away(browser, back(one, browser, text), before)


def test_a_comment_cuts_no_mail_short(db: None, other: Provider) -> None:
    person("管理员", mail="guanli@hengli.example")
    one, before = kept(other), written()
    cut = "guanli@hengli.example<!-- -->.evil.example"
    turned_away(*come(one, other, mail=cut, name_id=cut), before, why=STRANGER)


def test_a_document_that_grows_or_reads_files_is_refused(db: None, other: Provider, tmp_path: Path) -> None:
    person("林悦", mail=MAIL)
    secret = tmp_path / "secret"
    secret.write_text(MAIL)
    one, before, browser = kept(other), written(), Client()
    right = other.answer(asked(one, other, browser))
    layers = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "{"x" * 1000}">{layers}]>' + replace(right, mail="&l9;").response(right.assertion())
    file = f'<!DOCTYPE r [<!ENTITY f SYSTEM "{secret.as_uri()}">]>' + right.response(replace(right, mail="&f;").assertion())
    empty = "<!DOCTYPE r>" + other.signed(right)
    for text in (bomb, file, empty, "<samlp:Response", "", "<a/>", "知客", "x" * 3_000_000):
        turned_away(browser, back(one, browser, text), before)
    for form in ({}, {"SAMLResponse": "ä"}, {"SAMLResponse": "a"}, {"SAMLRequest": "a"}):
        turned_away(browser, browser.post(f"/login/saml/{one.slug}/acs/", form, follow=True), before)


def test_an_answer_counts_once_and_in_the_browser_that_asked(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, browser, thief = kept(other), Client(), Client()
    text = other.signed(other.answer(asked(one, other, browser)))
    before = written()
    turned_away(thief, back(one, thief, text), before)
    asked(one, other, thief)
    turned_away(thief, back(one, thief, text), before)
    back(one, browser, text)
    assert is_in(browser)
    browser.post("/logout/")
    before = written()
    for one_of in (browser, thief, Client()):
        turned_away(one_of, back(one, one_of, text), before)


def test_a_stolen_assertion_fits_into_no_other_envelope(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, victim, thief = kept(other), Client(), Client()
    theirs = other.answer(asked(one, other, victim))
    signed = sign(theirs.assertion(), other.own)
    mine = asked(one, other, thief)
    before = written()
    turned_away(thief, back(one, thief, replace(theirs, answers=mine.id).response(signed)), before)


def test_the_answer_of_one_system_is_none_of_another(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    one, second, browser = kept(other), kept(other, name="第二家"), Client()
    text = other.signed(other.answer(asked(one, other, browser)))
    before = written()
    turned_away(browser, back(second, browser, text), before)


def test_who_asks_to_be_logged_out_from_outside_is_not_heard(db: None, other: Provider) -> None:
    user, one = person("林悦", mail=MAIL), kept(other)
    browser = log_in(user)
    request = (
        f'<samlp:LogoutRequest xmlns:samlp="{Names.NS_SAMLP}" xmlns:saml="{Names.NS_SAML}" ID="{new_id()}" Version="2.0" '
        f'IssueInstant="{when(0)}"><saml:Issuer>{ENTITY}</saml:Issuer><saml:NameID>u-1</saml:NameID></samlp:LogoutRequest>'
    )
    browser.get(f"/login/saml/{one.slug}/sls/", {"SAMLRequest": sent(request)["SAMLResponse"]})
    assert is_in(browser), "a picture in a mail must not log anybody out"


def test_what_we_tell_the_other_system_of_us(db: None, other: Provider) -> None:
    one = kept(other)
    told = Client().get(f"/login/saml/{one.slug}/metadata/")
    root = etree.fromstring(told.content)
    ours = f"http://testserver/login/saml/{one.slug}"
    (part,) = root.findall("md:SPSSODescriptor", Names.NSMAP)
    (acs,) = part.findall("md:AssertionConsumerService", Names.NSMAP)
    assert (root.get("entityID"), acs.get("Location"), acs.get("Binding")) == (f"{ours}/metadata/", f"{ours}/acs/", Names.BINDING_HTTP_POST)
    assert (part.get("WantAssertionsSigned"), part.findall("md:SingleLogoutService", Names.NSMAP)) == ("true", [])


def test_a_system_set_up_wrongly_is_told_in_words(db: None, other: Provider) -> None:
    one, browser = kept(other), Client()
    text = other.signed(other.answer(asked(one, other, browser)))
    SingleSignOn.objects.filter(pk=one.pk).update(certificate="-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----")
    before = written()
    turned_away(browser, back(one, browser, text), before)
    SingleSignOn.objects.filter(pk=one.pk).update(sso_url="nowhere")
    assert FAILED in browser.post(f"/login/saml/{one.slug}/login/", follow=True).content.decode()
    SingleSignOn.objects.filter(pk=one.pk).update(is_on=False)
    for way in ("login", "acs", "metadata"):
        assert browser.post(f"/login/saml/{one.slug}/{way}/").status_code in (404, 405)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sso_url", "http://127.0.0.1.evil.example/"), ("sso_url", "http://localhost@evil.example/"), ("sso_url", "http://idp.example/"),
        ("sso_url", "https://"), ("sso_url", "http://[::1"), ("sso_url", "javascript:alert(1)"), ("certificate", "abc"), ("certificate", "知客"),
        ("certificate", "-----BEGIN CERTIFICATE-----\nabcd\n-----END CERTIFICATE-----"),
    ],
)  # fmt: skip
def test_what_cannot_vouch_safely_is_not_kept(field: str, value: str, db: None, other: Provider) -> None:
    before = SingleSignOn.objects.count()
    with refused("invalid_value", field=field):
        kept(other, **{field: value})
    assert SingleSignOn.objects.count() == before


def test_a_certificate_may_come_without_the_lines_around_it(db: None, other: Provider) -> None:
    person("林悦", mail=MAIL)
    bare = "".join(line for line in other.own.certificate.splitlines() if "-----" not in line)
    assert is_in(come(kept(other, certificate=bare), other)[0])
