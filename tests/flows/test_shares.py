"""A record is shared by who may, seen by whom it is shared with, and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone

from tests.cast import actor, user_of
from tests.made import customer, findable
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.history import last_change_of
from zhike.kernel.models import OutboxEvent, Share
from zhike.kernel.sharing import KEEP_DAYS, Terms, end_share, forget_ended, share_record
from zhike.kernel.testing.proofs import refused, written
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change

LogIn = Callable[[str], Web]


@pytest.fixture
def hers(lin_yue: Actor) -> Customer:
    """A customer of 林悦."""
    made = customer("松江甲", lin_yue.user_id, lin_yue.home_team, city="松江区")
    findable([made])
    return made


def test_the_owner_shares_and_takes_back(hers: Customer, lin_yue: Actor, web: LogIn) -> None:
    chen = user_of("陈默")
    client = web("林悦")
    assert "还没有共享" not in client.get(f"/customers/{hers.pk}/").text
    shared = client.post(f"/customers/{hers.pk}/share", {"whom": f"u{chen.pk}", "note": "一起跟"})
    assert (shared.status, shared.toast) == (204, "已共享")
    assert "陈默" in client.get(f"/customers/{hers.pk}/").text
    told = OutboxEvent.objects.get(name="kernel.record_shared").payload
    assert (told["object_id"], told["user_id"], told["given_by"]) == (str(hers.pk), chen.pk, lin_yue.user_id)
    theirs = web("陈默").get("/customers/?shared.is=me")
    assert "松江甲" in theirs.text
    assert "共享给我的" in theirs.text
    assert "松江甲" not in web("周航").get("/customers/?shared.is=me").text
    share = Share.objects.get()
    ended = client.post(f"/customers/{hers.pk}/share/{share.pk}/end")
    assert ended.toast == "已收回共享"
    assert web("陈默").get(f"/customers/{hers.pk}/").status == 403
    assert client.post(ended.undo_url).status == 204
    assert web("陈默").get(f"/customers/{hers.pk}/").status == 200
    assert client.post(shared.undo_url).status == 204
    assert not Share.objects.exists()


def test_new_terms_replace_the_old_ones(hers: Customer, lin_yue: Actor) -> None:
    chen = actor("陈默")
    share_record(hers, Terms(), by=lin_yue, user_id=chen.user_id)
    share_record(hers, Terms(can_change=True), by=lin_yue, user_id=chen.user_id)
    assert Share.objects.get().can_change
    change = last_change_of(hers.pk)
    assert change is not None
    undo_change(change, by=lin_yue)
    assert not Share.objects.get().can_change


def test_a_share_lasts_to_the_end_of_its_day(hers: Customer, web: LogIn) -> None:
    today = timezone.localdate()
    assert (
        web("林悦").post(f"/customers/{hers.pk}/share", {"whom": f"t{actor('陈默').home_team}", "until": today.isoformat()}).status == 204
    )
    until = Share.objects.get().until
    assert until is not None
    assert timezone.localtime(until).date() == today + dt.timedelta(days=1)
    assert web("陈默").get(f"/customers/{hers.pk}/").status == 200
    late = web("林悦").post(f"/customers/{hers.pk}/share", {"whom": f"u{user_of('周航').pk}", "until": "2020-01-01"})
    assert late.status == 422


def test_who_may_not_share_shares_nothing(hers: Customer, lin_yue: Actor, web: LogIn) -> None:
    share_record(hers, Terms(), by=lin_yue, user_id=user_of("陈默").pk)
    with refused("not_permitted"):
        share_record(hers, Terms(), by=actor("陈默"), user_id=user_of("周航").pk)
    with refused("not_permitted"):
        end_share(hers, Share.objects.get().pk, by=actor("陈默"))
    with refused("not_permitted"):
        share_record(hers, Terms(), by=actor("周航"), user_id=user_of("周航").pk)
    before = written()
    assert web("陈默").post(f"/customers/{hers.pk}/share", {"whom": f"u{user_of('周航').pk}"}).refused == "not_permitted"
    assert web("陈默").get(f"/customers/{hers.pk}/share/whom?q=周").status == 403
    assert written() == before


def test_nonsense_is_refused(hers: Customer, lin_yue: Actor, web: LogIn) -> None:
    with refused("gone"):
        share_record(hers, Terms(), by=lin_yue, user_id=999_999)
    with refused("gone"):
        share_record(hers, Terms(), by=lin_yue)
    with refused("invalid_value", field="until"):
        share_record(hers, Terms(until=timezone.now() - dt.timedelta(days=1)), by=lin_yue, user_id=user_of("陈默").pk)
    for whom in ("", "x1", "u", "u-1", "t999999"):
        assert web("林悦").post(f"/customers/{hers.pk}/share", {"whom": whom}).status == 422
    assert web("林悦").get("/customers/?shared.is=3").refused == "filter_value"
    assert not Share.objects.exists()


def test_people_and_teams_are_found_by_name(hers: Customer, web: LogIn) -> None:
    found = web("林悦").part(f"/customers/{hers.pk}/share/whom?q=华").text
    assert "华东区" in found
    assert "陈默" not in found
    assert "林悦" not in web("林悦").part(f"/customers/{hers.pk}/share/whom?q=林").text


def test_shares_that_ended_long_ago_are_forgotten(hers: Customer, lin_yue: Actor) -> None:
    now = timezone.now()
    share_record(hers, Terms(), by=lin_yue, user_id=user_of("陈默").pk)
    old = share_record(hers, Terms(), by=lin_yue, user_id=user_of("周航").pk)
    fresh = share_record(hers, Terms(), by=lin_yue, user_id=user_of("主管").pk)
    Share.objects.filter(pk=old.pk).update(until=now - dt.timedelta(days=KEEP_DAYS + 1))
    Share.objects.filter(pk=fresh.pk).update(until=now - dt.timedelta(days=KEEP_DAYS - 1))
    assert forget_ended(now) == 1
    assert Share.objects.count() == 2
