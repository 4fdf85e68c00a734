"""Colleagues are chosen by typing: also in a company of very many no page carries them all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from tests.cast import actor, user_of
from tests.made import customer
from zhike.kernel import directory
from zhike.kernel.screens.filters import FEW
from zhike.kernel.screens.pick_person import CHOICES, NOBODY, PersonField, number_of
from zhike.kernel.testing.web import Web
from zhike.org.models import User

LogIn = Callable[[str], Web]
MANY = 300


@pytest.fixture
def crowd(db: None) -> list[User]:
    """Very many colleagues."""
    return User.objects.bulk_create(
        User(username=f"crowd{n}", name=f"同事{n:03}", finding=f"同事{n:03} tongshi{n:03} ts{n:03}") for n in range(MANY)
    )


def offered(text: str) -> list[str]:
    return re.findall(r'data-label="([^"]*)"', text)


@pytest.mark.parametrize("typed", ["林悦", "linyue", "ly", "LINYUE"])
def test_one_is_found_by_name_pinyin_and_user_name(web: LogIn, db: None, typed: str) -> None:
    User.objects.filter(name="林悦").update(finding="林悦 linyue ly")
    assert offered(web("陈默").part(f"/people/pick?q={typed}").text) == ["林悦"]


def test_nothing_typed_offers_oneself_first(web: LogIn, crowd: list[User]) -> None:
    found = offered(web("林悦").part("/people/pick").text)
    assert found[0] == "林悦"
    assert len(found) == len(set(found)) == CHOICES + 1


def test_nobody_is_offered_where_that_is_an_answer(web: LogIn, db: None) -> None:
    assert offered(web("林悦").part("/people/pick?nobody=").text)[-1] == "没有负责人"
    assert 'data-id="none"' in web("林悦").part("/people/pick?nobody=none").text
    for address in ("/people/pick", "/people/pick?nobody=1", "/people/pick?nobody=&q=lin"):
        assert "没有负责人" not in offered(web("林悦").part(address).text)


def test_who_left_is_not_offered_and_not_taken(web: LogIn, db: None) -> None:
    gone = user_of("周航")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert offered(web("林悦").part("/people/pick?q=周航").text) == []
    with pytest.raises(ValidationError, match="从列表里选一个"):
        PersonField().clean(str(gone.pk))
    assert directory.people([gone.pk]) == {gone.pk: "周航"}  # what he did still has a name


def test_a_field_takes_ids_of_people_alone(db: None) -> None:
    her = user_of("林悦").pk
    assert PersonField().clean(str(her)) == her
    assert PersonField(required=False).clean("") is None
    assert PersonField(nobody=NOBODY).clean(NOBODY) is None
    for wrong in ("", NOBODY, "林悦", "-1", "²", "9" * 30):
        with pytest.raises(ValidationError):
            PersonField().clean(wrong)
    assert number_of("²") is None


def test_no_page_carries_everybody(web: LogIn, crowd: list[User]) -> None:
    made, last = customer("甲公司", user_of("林悦").pk, actor("林悦").home_team), crowd[-1]
    boss = web("管理员")
    for address in (
        "/customers/filter/owner", f"/customers/bulk/transfer?ids={made.pk}", f"/customers/bulk/set/owner?ids={made.pk}",
        f"/customers/{made.pk}/edit/owner", "/customers/new",
    ):  # fmt: skip
        answer = boss.part(address)
        assert answer.status == 200, address
        assert answer.text.count("同事") == 0, address
    asked = boss.part(f"/customers/filter/owner?owner.in={last.pk}").text
    assert (asked.count("同事"), "data-adds" in asked) == (1, True)


def test_a_small_company_ticks_its_people_at_once(web: LogIn, db: None) -> None:
    assert User.objects.filter(is_active=True).count() <= FEW
    page = web("管理员").part("/customers/filter/owner").text
    assert "林悦" in page
    assert "data-adds" not in page


def test_a_file_names_each_owner(crowd: list[User], web: LogIn) -> None:
    made = [customer(f"乙{n}", crowd[n].pk, None) for n in range(5)]
    text = web("管理员").get("/customers/export?format=csv").text
    assert [one.name for one, owner in zip(made, crowd, strict=False) if not re.search(f"{one.name},.*{owner.name}", text)] == []
