"""A list in groups shows what the plain list holds: every row in one group, counts and sums exact, within the reader's rights."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from tests.cast import CAST, actor
from zhike.customers.models import NEVER, Customer
from zhike.kernel.actor import Actor
from zhike.kernel.lists import engine
from zhike.kernel.lists.grouped import GROUPS, ROWS, groups, total
from zhike.kernel.lists.groups import Grouped, group_of, groupings
from zhike.kernel.lists.pages import listing, rows, size_counted
from zhike.kernel.registry import objects
from zhike.kernel.testing.proofs import queries
from zhike.kernel.testing.web import Web

COUNT = 1_500
CITIES = ("苏州", "无锡", "常州", "南京", "广州")
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
BY = ["owner", "team", "grade", "segment", "kind", "city", "last_order_at:month", "last_order_at:quarter", "last_order_at:year"]
LogIn = Callable[[str], Web]


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Actor]]:
    """Customers of all owners and teams, kept for this file and rolled back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        actors = {member.name: actor(member.name) for member in CAST}
        Customer.objects.bulk_create(_customers([actors[name] for name in ("林悦", "周航", "组员", "主管", "陈默")]))
        with connection.cursor() as cursor:
            cursor.execute("analyze customers_customer")
        yield actors
        transaction.set_rollback(True)


def _customers(owners: list[Actor]) -> Iterator[Customer]:
    chance = np.random.default_rng(5)
    for number in range(COUNT):
        owner = owners[int(chance.integers(len(owners)))] if chance.random() < 0.9 else None
        bought = chance.random() < 0.8
        yield Customer(
            name=f"客户{number}", owner_id=owner.user_id if owner else None, team_id=owner.home_team if owner else None,
            city=CITIES[int(chance.integers(5))] if chance.random() < 0.9 else "", grade=("key", "potential", "normal", "")[int(chance.integers(4))],
            sales=Decimal(int(chance.integers(50)) * 100) if bought else Decimal(0), segment=int(chance.integers(9)),
            last_order_at=START + dt.timedelta(hours=int(chance.integers(300 * 24))) if bought else NEVER,
            updated_at=START + dt.timedelta(minutes=int(chance.integers(400))),
        )  # fmt: skip


def grouped(who: Actor, by: str, params: dict[str, str]) -> Grouped:
    spec = objects.of(Customer)
    grouping = group_of(spec, by)
    assert grouping is not None
    return Grouped(wanted=listing(spec, who, params), grouping=grouping, sums=("sales",))


def test_facets_and_dates_are_offered() -> None:
    assert [one.key for one in groupings(objects.of(Customer))] == BY


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("params", [{}, {"city.in": "苏州,无锡", "sales.ge": "1000"}], ids=["all", "filtered"])
@pytest.mark.parametrize("who", ["林悦", "主管", "管理员"])
@pytest.mark.parametrize("by", BY)
def test_groups_hold_every_row_once_and_count_right(
    people: dict[str, Actor], by: str, who: str, params: dict[str, str], is_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = grouped(people[who], by, params)
    if is_long:  # as if the list were far too long to be read at once
        monkeypatch.setattr(engine, "SMALL_SCOPE", 1)
    found, at = [], 0
    while True:
        page = groups(asked, at)
        found += page.groups
        at = page.next
        if not at:
            break
        assert len(page.groups) <= GROUPS
    values = [group.value for group in found]
    assert len(set(values)) == len(values)
    counted = 0
    for group in found:
        own = rows(asked.of(group.value), size=ROWS).records
        told = total(asked, group.value, 2_000)
        assert told is not None
        counted += told.count
        if not group.is_pending:
            assert list(group.ids) == [record.pk for record in own], group.value
        if group.count is not None:
            assert (group.count, group.sums) == (told.count, told.sums)
    assert counted == size_counted(asked.wanted).count


def test_months_are_those_of_the_company_and_go_backwards(people: dict[str, Actor]) -> None:
    found = groups(grouped(people["管理员"], "last_order_at:month", {})).groups
    months = [group.value for group in found if isinstance(group.value, dt.date)]
    assert months == sorted(months, reverse=True)
    assert months[-1] == dt.date(2025, 1, 1)
    assert found[-1].value is None
    january = next(group for group in found if group.value == dt.date(2025, 1, 1))
    zone = dt.timezone(dt.timedelta(hours=8))
    until = dt.datetime(2025, 2, 1, tzinfo=zone)
    assert (
        january.count == Customer.objects.filter(last_order_at__gte=dt.datetime(2025, 1, 1, tzinfo=zone), last_order_at__lt=until).count()
    )


def test_the_page_in_groups(people: dict[str, Actor], web: LogIn) -> None:
    page = web("管理员").get("/customers/?group=grade")
    heads = re.findall(r'<a href="[^"]+">([^<]+)</a><span class="n"', page.text)
    assert heads == ["重要", "潜力", "一般", "没有等级"]
    key = Customer.objects.filter(grade="key").count()
    assert f"{key:,} 家" in page.text
    opened = re.search(r'<a class="link s" href="([^"]+)">看全部重要', page.text)
    assert opened is not None
    count = web("管理员").part(opened[1].replace("&amp;", "&").replace("/customers/?", "/customers/count?"))
    assert int(re.sub(r"\D", "", count.text)) == key
    assert web("管理员").get("/customers/?group=phone").refused == "unknown_group"


def test_parts_of_a_long_list_in_groups_follow_by_themselves(people: dict[str, Actor], web: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SMALL_SCOPE", 1)
    client = web("管理员")
    page = client.get("/customers/?group=city&sort=-sales")
    assert 'hx-get="/customers/groups/totals?' in page.text
    sized = client.part("/customers/groups/totals?group=city&values=苏州,none")
    suzhou = Customer.objects.filter(city="苏州").count()
    assert f'id="g-苏州" hx-swap-oob="true">{suzhou} 家' in sized.text
    assert "累计销售额" in sized.text
    rare = client.part("/customers/groups/rows?group=city&values=苏州")
    assert rare.text.count("data-row ") == ROWS
    assert client.part("/customers/groups/rows?group=city&values=乌鲁木齐").text == ""
    assert client.part("/customers/groups/rows?group=owner&values=x").refused == "filter_value"


def test_as_many_queries_for_two_groups_as_for_many(people: dict[str, Actor], web: LogIn) -> None:
    client = web("管理员")
    client.get("/customers/?group=kind")
    with queries() as few:
        client.get("/customers/?group=kind")
    with queries() as many:
        client.get("/customers/?group=segment")
    assert many.count == few.count <= 9


def test_a_strangers_groups_are_not_told(people: dict[str, Actor], web: LogIn) -> None:
    names = re.findall(r'<a href="[^"]+">([^<]+)</a><span class="n"', web("林悦").get("/customers/?group=owner").text)
    assert names == ["林悦"]
