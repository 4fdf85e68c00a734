"""A second factor is a must for all, for a role or for one person: who has none sets it up before anything else."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import actor, user_of
from tests.flows.login.phone import code_of, confirm, is_in, log_in, person, with_phone
from zhike.kernel.links.tables import ApiToken
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.kernel.testing.api import Program
from zhike.kernel.testing.proofs import refused
from zhike.kernel.undo import undo_change
from zhike.org.entry.policy import Mfa, Rules, change_rules, forget_rules
from zhike.org.models import Role

SET_UP = "/account/security/"


def asked(browser: Client, path: str = "/customers/") -> str:
    """Where a page leads instead of opening; "" when it opens."""
    answer = browser.get(path)
    return answer.headers["location"] if answer.status_code == 302 else ""


def for_role(code: str) -> Rules:
    return Rules(mfa=Mfa.ROLES, mfa_roles=frozenset({Role.objects.get(code=code).pk}))


def test_when_all_must_everybody_sets_it_up_first(db: None) -> None:
    browser = log_in(person("林悦"))
    assert asked(browser) == ""
    change_rules(Rules(mfa=Mfa.ALL), by=actor("管理员"))
    assert [asked(browser, path) for path in ("/", "/customers/", "/settings/", "/search/?q=a")] == [SET_UP] * 4
    assert browser.get("/customers/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == SET_UP
    assert browser.get(SET_UP).status_code == 200
    with_phone(browser)
    assert asked(browser) == ""


def test_no_token_and_nothing_else_is_made_before(db: None) -> None:
    browser = log_in(person("林悦"))
    change_rules(Rules(mfa=Mfa.ALL), by=actor("管理员"))
    for path in ("/account/tokens/", "/account/tokens/new", "/account/profile/"):
        assert asked(browser, path) == SET_UP
        assert browser.post(path, {"name": "手", "scope": "read"}).headers["location"] == SET_UP
    assert not ApiToken.objects.exists()
    browser.post("/logout/")
    assert asked(browser, "/customers/").startswith("/login/")


def test_a_rule_for_a_role_asks_only_who_has_it(db: None) -> None:
    seller, boss = log_in(person("林悦")), log_in(person("主管"))
    change = change_rules(for_role("manager"), by=actor("管理员"))
    assert (asked(seller), asked(boss)) == ("", SET_UP)
    user_of("林悦").roles.add(Role.objects.get(code="manager"))
    assert asked(seller) == SET_UP
    assert change is not None
    undo_change(change, by=actor("管理员"))
    forget_rules()
    assert (asked(seller), asked(boss)) == ("", "")


def test_one_person_can_be_asked_alone(db: None) -> None:
    user = person("林悦")
    browser, other = log_in(user), log_in(person("周航"))
    user.must_mfa = True
    user.save()
    assert (asked(browser), asked(other)) == (SET_UP, "")


def test_who_has_one_is_not_held_up_and_cannot_do_without(db: None) -> None:
    user = person("林悦")
    secret = with_phone(log_in(user))
    change_rules(Rules(mfa=Mfa.ALL), by=actor("管理员"))
    browser = log_in(user)
    assert not is_in(browser)
    browser.post("/login/factor/", {"code": code_of(secret, steps=1)})
    assert asked(browser) == ""
    confirm(browser)
    browser.post("/account/totp/off/")
    assert asked(browser) == SET_UP


def test_a_token_works_on_and_a_session_is_no_token(db: None) -> None:
    user = person("林悦")
    _token, text = make_token(NewToken(name="报表"), by=actor("林悦"))
    browser = log_in(user)
    change_rules(Rules(mfa=Mfa.ALL), by=actor("管理员"))
    assert Program(token=text).get("customers").status == 200
    assert browser.get("/api/v1/customers").status_code == 401


@pytest.mark.parametrize("name", ["林悦", "主管", "审计"])
def test_only_who_arranges_the_company_writes_the_rules(name: str, db: None) -> None:
    with refused("not_permitted"):
        change_rules(Rules(mfa=Mfa.ALL), by=actor(name))
