"""A share opens one record, a field rule closes one field: everywhere at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone

from tests.cast import actor, user_of
from tests.made import customer, findable, order
from zhike.customers.models import Contact, Customer
from zhike.kernel.actions import change_record, create_record
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.errors import Refused
from zhike.kernel.history import kind_of
from zhike.kernel.models import Share
from zhike.kernel.registry import objects
from zhike.kernel.seen import seen
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.orders.models import Order
from zhike.org.models import FieldRule, Role

LogIn = Callable[[str], Web]


def share(record: Customer, *, user: Actor | None = None, team: int | None = None, **facts: object) -> Share:
    return Share.objects.create(kind=kind_of(Customer), object_id=record.pk, user_id=user.user_id if user else None, team_id=team, **facts)


def rule(role: str, label: str, field: str, rule: Rule) -> None:
    FieldRule.objects.create(role=Role.objects.get(code=role), label=label, field=field, rule=rule)


@pytest.fixture
def foreign(chen_mo: Actor) -> Customer:
    """A customer of 陈默 with a contact and an order."""
    made = customer("番禺丙", chen_mo.user_id, chen_mo.home_team, phone="+8613812346021", city="广州")
    Contact.objects.create(customer=made, name="黄工", owner_id=chen_mo.user_id, team_id=chen_mo.home_team)
    sold = order("SO-77", chen_mo.user_id, chen_mo.home_team)
    Order.objects.filter(pk=sold.pk).update(customer=made)
    findable([made])
    return made


def test_a_share_opens_the_record_and_what_belongs_to_it(foreign: Customer, lin_yue: Actor, web: LogIn) -> None:
    client = web("林悦")
    assert client.get(f"/customers/{foreign.pk}/").status == 403
    share(foreign, user=lin_yue)
    assert "番禺丙" in client.get("/customers/").text
    assert "番禺丙" in client.part("/search/suggest?q=番禺").text
    assert client.get(f"/customers/{foreign.pk}/").status == 200
    now = actor("林悦")
    assert [c.name for c in Contact.objects.visible_to(now)] == ["黄工"]
    assert [o.number for o in Order.objects.visible_to(now)] == ["SO-77"]
    with refused("not_permitted"):
        change_record(foreign, {"city": "深圳"}, by=now)


def test_a_share_to_change_lets_change_but_not_delete(foreign: Customer, lin_yue: Actor, web: LogIn) -> None:
    share(foreign, user=lin_yue, can_change=True)
    now = actor("林悦")
    assert change_record(foreign, {"city": "深圳"}, by=now).city == "深圳"
    assert web("林悦").post(f"/customers/{foreign.pk}/delete").refused == "not_permitted"


def test_a_share_to_a_team_ends_with_its_day(foreign: Customer, lin_yue: Actor) -> None:
    given = share(foreign, team=lin_yue.home_team, until=timezone.now() + dt.timedelta(days=1))
    assert Customer.objects.visible_to(actor("周航")).filter(pk=foreign.pk).exists()
    Share.objects.filter(pk=given.pk).update(until=timezone.now() - dt.timedelta(seconds=1))
    assert not Customer.objects.visible_to(actor("周航")).filter(pk=foreign.pk).exists()


def test_without_any_grant_a_share_opens_nothing(foreign: Customer, fang_ke: Actor) -> None:
    share(foreign, user=fang_ke)
    assert not Customer.objects.visible_to(actor("访客")).exists()


@pytest.fixture
def own(lin_yue: Actor) -> Customer:
    made = customer("松江甲", lin_yue.user_id, lin_yue.home_team, phone="+8613812346021", city="松江区", remark="压价狠")
    findable([made])
    return made


def test_a_hidden_field_is_nowhere(own: Customer, web: LogIn) -> None:
    rule("sales", "customers.customer", "city", Rule.HIDDEN)
    client = web("林悦")
    for path in ("/customers/", f"/customers/{own.pk}/", f"/customers/{own.pk}/peek", "/customers/export?format=csv", "/customers/pick"):
        answer = client.get(path)
        assert answer.status == 200, path
        assert "松江区" not in answer.text, path
    assert client.get("/customers/?city.in=松江区").refused == "unknown_filter"
    assert client.post(f"/customers/{own.pk}/edit/city", {"city": "x"}).refused == "not_permitted"
    assert client.post("/customers/new", {"name": "新的", "kind": "company", "city": "青浦"}).status == 204
    assert Customer.objects.get(name="新的").city == ""
    with refused("field_not_permitted", field="city"):
        create_record(Customer, {"name": "又一", "kind": "company", "city": "青浦"}, by=actor("林悦"))
    assert "松江区" in web("管理员").get(f"/customers/{own.pk}/").text


def test_a_masked_field_shows_its_ends_and_is_not_written(own: Customer, web: LogIn) -> None:
    rule("sales", "customers.customer", "remark", Rule.MASKED)
    page = web("林悦").get(f"/customers/{own.pk}/")
    assert "压价狠" not in page.text
    assert "压***" in page.text
    with refused("field_not_permitted", field="remark"):
        change_record(own, {"remark": "x"}, by=actor("林悦"))
    assert Customer.objects.get(pk=own.pk).remark == "压价狠"


def test_a_read_only_field_is_shown_and_not_changed(own: Customer, web: LogIn) -> None:
    rule("sales", "customers.customer", "city", Rule.READ_ONLY)
    assert "松江区" in web("林悦").get(f"/customers/{own.pk}/").text
    assert web("林悦").post(f"/customers/{own.pk}/edit/city", {"city": "x"}).refused == "not_permitted"
    with refused("field_not_permitted", field="city"):
        change_record(own, {"city": "x"}, by=actor("林悦"))


def test_the_mildest_of_several_roles_counts(own: Customer) -> None:
    rule("sales", "customers.customer", "city", Rule.HIDDEN)
    user_of("林悦").roles.add(Role.objects.get(code="service"))
    assert actor("林悦").rule("customers.customer", "city") is None
    rule("service", "customers.customer", "city", Rule.READ_ONLY)
    assert actor("林悦").rule("customers.customer", "city") is Rule.READ_ONLY


def test_plain_values_of_a_closed_field_cannot_be_asked_for(own: Customer) -> None:
    rule("sales", "customers.customer", "phone", Rule.MASKED)
    reader = actor("林悦")
    with pytest.raises(Refused):
        list(Customer.objects.visible_to(reader).values_list("name", "phone"))
    assert Customer.objects.visible_to(reader).get().phone == "+86138****6021"
    assert not seen(objects.of(Customer), reader).filter("phone")


def test_a_row_read_for_showing_cannot_be_stored(own: Customer) -> None:
    rule("sales", "customers.customer", "phone", Rule.HIDDEN)
    shown = Customer.objects.visible_to(actor("林悦")).get()
    assert shown.phone == ""
    change_record(shown, {"city": "无锡"}, by=actor("林悦"))
    assert Customer.objects.get(pk=own.pk).phone == "+8613812346021"
