"""A phone is shown in full to who may, each look is written down, and there are only so many a day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cast import actor, user_of
from tests.made import customer
from zhike.customers.models import Contact, Customer
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.models import Change, Share
from zhike.kernel.revealing import reveal
from zhike.kernel.sharing import Terms, share_record
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.org.models import FieldRule, Role

LogIn = Callable[[str], Web]
PHONE = "+8613812346021"


@pytest.fixture
def hers(lin_yue: Actor) -> Customer:
    return customer("松江甲", lin_yue.user_id, lin_yue.home_team, phone=PHONE, remark="压价狠")


def test_the_whole_number_comes_by_a_button_and_is_noted(hers: Customer, web: LogIn) -> None:
    client = web("林悦")
    for path in ("", "peek", "activity/call"):
        page = client.get(f"/customers/{hers.pk}/{path}").text
        assert PHONE not in page, path
        assert f"/customers/{hers.pk}/reveal/phone" in page, path
    shown = client.post(f"/customers/{hers.pk}/reveal/phone")
    assert f'href="tel:{PHONE}"' in shown.text
    look = Change.objects.get(verb="reveal")
    assert (look.actor_name, look.reason, look.object_id) == ("林悦", "phone", hers.pk)
    assert "看过全号的人" in web("管理员").get(f"/customers/{hers.pk}/who").text


def test_who_has_no_right_to_it_sees_no_button_and_gets_nothing(hers: Customer, web: LogIn) -> None:
    for name in ("审计", "组员"):
        page = web(name).get(f"/customers/{hers.pk}/")
        assert (page.status, "/reveal/" in page.text, PHONE in page.text) == (200, False, False)
        before = written()
        assert web(name).post(f"/customers/{hers.pk}/reveal/phone").refused == "not_permitted"
        assert web(name).get(f"/customers/{hers.pk}/edit/phone").refused == "not_permitted"
        assert written() == before
    with refused("not_permitted"):
        reveal(hers, "phone", by=actor("陈默"))


def test_the_editor_of_a_number_counts_as_a_look(hers: Customer, web: LogIn) -> None:
    assert PHONE in web("林悦").part(f"/customers/{hers.pk}/edit/phone").text
    assert Change.objects.filter(verb="reveal").count() == 1


def test_only_what_is_covered_can_be_asked_for(hers: Customer, web: LogIn) -> None:
    assert web("林悦").post(f"/customers/{hers.pk}/reveal/remark").refused == "not_permitted"
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label="customers.customer", field="remark", rule=Rule.MASKED)
    assert "压价狠" in web("林悦").post(f"/customers/{hers.pk}/reveal/remark").text
    FieldRule.objects.update(rule=Rule.HIDDEN)
    assert web("林悦").post(f"/customers/{hers.pk}/reveal/remark").refused == "not_permitted"
    assert web("林悦").post(f"/customers/{hers.pk}/reveal/nonsense").refused == "not_permitted"


def test_there_are_only_so_many_a_day(hers: Customer, lin_yue: Actor, settings: pytest.FixtureRequest) -> None:
    settings.ZHIKE_REVEALS_A_DAY = 2  # type: ignore[attr-defined]
    assert [reveal(hers, "phone", by=lin_yue) for _ in range(2)] == [PHONE, PHONE]
    with refused("too_many_reveals", limit=2):
        reveal(hers, "phone", by=lin_yue)
    assert reveal(hers, "phone", by=actor("主管")) == PHONE


def test_a_share_lets_call_too(hers: Customer, lin_yue: Actor) -> None:
    share_record(hers, Terms(), by=lin_yue, user_id=user_of("陈默").pk)
    assert reveal(hers, "phone", by=actor("陈默")) == PHONE
    Share.objects.all().delete()
    with refused("not_permitted"):
        reveal(hers, "phone", by=actor("陈默"))


def test_a_contacts_number_too(hers: Customer, web: LogIn, lin_yue: Actor) -> None:
    made = Contact.objects.create(customer=hers, name="黄工", phone=PHONE)
    assert PHONE in web("林悦").post(f"/contacts/{made.pk}/reveal/phone").text
    assert web("陈默").post(f"/contacts/{made.pk}/reveal/phone").refused == "not_permitted"
