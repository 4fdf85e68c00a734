"""What stands apart from the customer is seen by its own owner, keeps him on a transfer, and follows again when it shall."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cast import actor, user_of
from tests.made import customer, findable, order
from zhike.customers.actions import add_contact, write_activity
from zhike.customers.models import Activity, Contact, Customer
from zhike.kernel.actions import change_record
from zhike.kernel.actor import Actor
from zhike.kernel.models import Change, OutboxEvent
from zhike.kernel.rights import Follower, follower_of
from zhike.kernel.search.finding import find
from zhike.kernel.sharing import Terms, share_record
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.orders.jobs import align_some
from zhike.orders.models import Order
from zhike.org.roles.following import difference, let_stand_apart

LogIn = Callable[[str], Web]
CONTACTS, ORDERS, ACTIVITIES = "customers.contact", "orders.order", "customers.activity"


def follower(label: str) -> Follower:
    found = follower_of(label)
    assert found is not None
    return found


@pytest.fixture
def hers(lin_yue: Actor) -> Customer:
    """A customer of 林悦 with a contact of 陈默 and an order of 陈默."""
    made = customer("松江甲", lin_yue.user_id, lin_yue.home_team)
    chen = actor("陈默")
    Contact.objects.create(customer=made, name="黄工", owner_id=chen.user_id, team_id=chen.home_team, phone="+8613812340099")
    sold = order("SO-77", chen.user_id, chen.home_team)
    Order.objects.filter(pk=sold.pk).update(customer=made)
    findable([made])
    return made


def names(who: str) -> list[str]:
    return [contact.name for contact in Contact.objects.visible_to(actor(who))]


def test_contacts_that_stand_apart_are_seen_by_their_own_owner(hers: Customer, guan_li: Actor, web: LogIn) -> None:
    assert (names("林悦"), names("陈默")) == (["黄工"], [])
    told = difference(follower(CONTACTS))
    assert (told.records, told.own_keepers, told.keepers_above) == (1, 1, 1)
    let_stand_apart(CONTACTS, True, by=guan_li)
    assert (names("林悦"), names("陈默"), names("管理员")) == ([], ["黄工"], ["黄工"])
    assert "黄工" not in web("林悦").get(f"/customers/{hers.pk}/").text
    assert not find(actor("林悦"), "黄工")
    assert not find(actor("林悦"), "13812340099")
    assert find(actor("林悦"), "松江甲")
    let_stand_apart(CONTACTS, False, by=guan_li)
    assert (names("林悦"), names("陈默")) == (["黄工"], [])
    assert find(actor("林悦"), "黄工")


def test_new_records_belong_to_who_makes_them(hers: Customer, lin_yue: Actor, guan_li: Actor) -> None:
    share_record(hers, Terms(can_change=True), by=lin_yue, user_id=user_of("陈默").pk)
    chen = actor("陈默")
    assert add_contact(hers, by=chen, name="一号").owner_id == lin_yue.user_id
    assert write_activity(hers, by=chen, kind="note", body="随客户").owner_id == lin_yue.user_id
    let_stand_apart(CONTACTS, True, by=guan_li)
    let_stand_apart(ACTIVITIES, True, by=guan_li)
    chen = actor("陈默")
    assert add_contact(hers, by=chen, name="二号").owner_id == chen.user_id
    assert write_activity(hers, by=chen, kind="note", body="各看各的").owner_id == chen.user_id
    assert [a.body for a in Activity.objects.visible_to(actor("林悦"))] == ["随客户"]
    assert [a.body for a in Activity.objects.visible_to(chen)] == ["各看各的"]


def test_a_share_of_the_customer_does_not_open_what_stands_apart(hers: Customer, lin_yue: Actor, guan_li: Actor) -> None:
    share_record(hers, Terms(), by=lin_yue, user_id=user_of("周航").pk)
    assert (names("周航"), Order.objects.visible_to(actor("周航")).count()) == (["黄工"], 1)
    let_stand_apart(CONTACTS, True, by=guan_li)
    let_stand_apart(ORDERS, True, by=guan_li)
    assert (names("周航"), Order.objects.visible_to(actor("周航")).count()) == ([], 0)


def test_orders_that_stand_apart_keep_their_owner_on_a_transfer(hers: Customer, guan_li: Actor) -> None:
    zhou = user_of("周航").pk
    let_stand_apart(ORDERS, True, by=guan_li)
    change_record(hers, {"owner_id": zhou}, by=guan_li)
    assert Order.objects.get().owner_id == user_of("陈默").pk
    let_stand_apart(ORDERS, False, by=guan_li)
    assert OutboxEvent.objects.filter(name="org.following_changed", payload__is_apart=False).count() == 1
    assert (align_some(), align_some()) == (1, 0)
    assert Order.objects.get().owner_id == zhou
    assert Change.objects.filter(verb="align_owners").count() == 1
    change_record(hers, {"owner_id": user_of("林悦").pk}, by=guan_li)
    assert Order.objects.get().owner_id == user_of("林悦").pk


def test_the_decision_is_undone_and_told(hers: Customer, guan_li: Actor, web: LogIn) -> None:
    asked = web("管理员").part(f"/settings/following/{CONTACTS}").text
    assert "1 条的负责人或团队和客户的不一样" in asked
    done = web("管理员").post(f"/settings/following/{CONTACTS}")
    assert done.toast == "联系人以后各看各的"
    assert "各看各的" in web("管理员").get("/settings/following/").text
    assert names("林悦") == []
    assert web("管理员").post(done.undo_url).status == 204
    assert names("林悦") == ["黄工"]
    assert OutboxEvent.objects.filter(name="org.following_changed").count() == 2


def test_who_may_not_decide_decides_nothing(hers: Customer, lin_yue: Actor, guan_li: Actor, web: LogIn) -> None:
    with refused("not_permitted"):
        let_stand_apart(CONTACTS, True, by=lin_yue)
    with refused("gone"):
        let_stand_apart("catalog.product", True, by=guan_li)
    before = written()
    assert web("林悦").post(f"/settings/following/{CONTACTS}").refused == "not_permitted"
    assert written() == before
    let_stand_apart(CONTACTS, True, by=guan_li)
    change = Change.objects.get(verb="let_stand_apart").pk
    with refused("not_permitted"):
        undo_change(change, by=lin_yue)
    before = written()
    let_stand_apart(CONTACTS, True, by=guan_li)
    assert written() == before
