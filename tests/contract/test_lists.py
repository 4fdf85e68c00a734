"""The list engine against the obvious SQL: the same ids, in the same order, over all pages, whichever shape answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from tests.cast import CAST, actor
from zhike.customers.models import NEVER, Customer
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.fieldwork.actions import add_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.fieldwork.jobs import bring_up_to_date
from zhike.kernel.history import kind_of
from zhike.kernel.lists import engine
from zhike.kernel.lists.pages import Listing, listing, rows, size_at_once, size_counted
from zhike.kernel.models import Share
from zhike.kernel.registry import objects
from zhike.kernel.seen import seen
from zhike.kernel.spec import ObjectSpec

COUNT = 3_000
CITIES = ("苏州", "无锡", "常州", "南京", "广州")
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
LEVELS = ("a", "b", "c")
SHAPES = ("walk", "scope", "collect", "probe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Three thousand customers and the people who list them."""

    actors: dict[str, Actor]


@pytest.fixture(scope="module")
def field(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Field]:
    """Customers of all owners and teams, with many equal sort keys, kept for this file and rolled back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        _own_fields()
        actors = {member.name: actor(member.name) for member in CAST}
        Customer.objects.bulk_create(_customers([actors[name] for name in ("林悦", "周航", "组员", "主管", "陈默")]))
        Share.objects.bulk_create(_shares(actors["林悦"], actors["陈默"]))
        actors |= {name: actor(name) for name in ("林悦", "陈默")}
        with connection.cursor() as cursor:
            cursor.execute("analyze customers_customer")
        yield Field(actors=actors)
        transaction.set_rollback(True)


def _own_fields() -> None:
    """A number and a choice of the company's own, both filtered and sorted by."""
    levels = tuple(("", name, name, "", False) for name in LEVELS)
    add_field("customers.customer", Wish(name="面积", kind="number", is_filterable=True, is_sortable=True), by=actor("管理员"))
    add_field(
        "customers.customer", Wish(name="级别", kind="choice", choices=levels, is_filterable=True, is_sortable=True), by=actor("管理员")
    )
    bring_up_to_date()


def spec_for(by: Actor) -> ObjectSpec:
    """Customers as somebody sees them."""
    return seen(objects.of(Customer), by)


def _shares(person: Actor, team_of: Actor) -> Iterator[Share]:
    """Every thirtieth customer is shared with a person, every fortieth with a team."""
    kind = kind_of(Customer)
    for number, pk in enumerate(Customer.objects.order_by("name").values_list("pk", flat=True)):
        if number % 30 == 0:
            yield Share(kind=kind, object_id=pk, user_id=person.user_id)
        if number % 40 == 0:
            yield Share(kind=kind, object_id=pk, team_id=team_of.home_team)


def _customers(owners: list[Actor]) -> Iterator[Customer]:
    chance = np.random.default_rng(7)
    for number in range(COUNT):
        owner = owners[int(chance.integers(len(owners)))] if chance.random() < 0.95 else None
        bought = chance.random() < 0.7
        yield Customer(
            name=f"客户{number}", owner_id=owner.user_id if owner else None, team_id=owner.home_team if owner else None,
            city=CITIES[int(chance.integers(5))], grade=("key", "potential", "normal", "low", "")[int(chance.integers(5))],
            sales=Decimal(int(chance.integers(50)) * 100) if bought else Decimal(0), orders_count=int(chance.integers(6)) if bought else 0,
            last_order_at=START + dt.timedelta(days=int(chance.integers(300))) if bought else NEVER,
            updated_at=START + dt.timedelta(minutes=int(chance.integers(400))), segment=int(chance.integers(9)),
            custom=_own_values(chance),
        )  # fmt: skip


def _own_values(chance: np.random.Generator) -> dict[str, str]:
    found = {"mian_ji": str(Decimal(int(chance.integers(-20, 200))) / 2)} if chance.random() < 0.8 else {}
    return found | ({"ji_bie": LEVELS[int(chance.integers(3))]} if chance.random() < 0.6 else {})


FILTERS: dict[str, st.SearchStrategy[str]] = {
    "city.in": st.lists(st.sampled_from(CITIES), min_size=1, max_size=3, unique=True).map(",".join),
    "city.not": st.sampled_from(CITIES),
    "grade.in": st.sampled_from(["key", "key,low", "normal"]),
    "grade.none": st.just("1"),
    "segment.in": st.sampled_from(["1", "1,2", "3,4,5", "8"]),
    "owner.is": st.just("me"),
    "owner.none": st.just("1"),
    "sales.ge": st.sampled_from(["0", "1000", "4800", "99999"]),
    "sales.le": st.sampled_from(["0", "300"]),
    "orders_count.ge": st.sampled_from(["1", "5"]),
    "last_order_at.ge": st.sampled_from(["2025-02-01", "2025-10-20"]),
    "last_order_at.none": st.just("1"),
    "cf_mian_ji.ge": st.sampled_from(["0", "50.5", "99.5", "1000"]),
    "cf_mian_ji.le": st.sampled_from(["-9", "3.5"]),
    "cf_mian_ji.none": st.just("1"),
    "cf_ji_bie.in": st.sampled_from(["a", "a,c", "b,c"]),
    "cf_ji_bie.not": st.sampled_from(["a", "b,c"]),
    "cf_ji_bie.any": st.just("1"),
}
SORTS = [
    "-updated_at",
    "updated_at",
    "-sales",
    "sales",
    "-last_order_at",
    "last_order_at",
    "-cf_mian_ji",
    "cf_mian_ji",
    "-cf_ji_bie",
    "cf_ji_bie",
]
ASKED = st.builds(
    lambda sort, chosen: {"sort": sort, **chosen},
    st.sampled_from(SORTS),
    st.dictionaries(st.sampled_from(sorted(FILTERS)), st.none(), max_size=3).flatmap(
        lambda names: st.fixed_dictionaries({name: FILTERS[name] for name in names})
    ),
)


def naive(wanted: Listing) -> list[object]:
    """The order as plain SQL has it: all matching rows, sorted; by an own field in Python, from what the rows hold."""
    down = wanted.sort.startswith("-")
    found = Customer.objects.filter(wanted.matching())
    if wanted.key.startswith("cf_"):
        rows = sorted(found.values_list("custom", "pk"), key=lambda row: (OWN_KEYS[wanted.key](row[0]), row[1]), reverse=down)
        return [pk for _custom, pk in rows]
    way = "-" if down else ""
    return list(found.order_by(f"{way}{wanted.key}", f"{way}id").values_list("pk", flat=True))


OWN_KEYS: dict[str, Callable[[dict[str, str]], Any]] = {
    "cf_mian_ji": lambda custom: Decimal(custom.get("mian_ji", "-Infinity")),
    "cf_ji_bie": lambda custom: ["", *LEVELS].index(custom.get("ji_bie", "")),
}
OWN_FILTERS: dict[str, Callable[[dict[str, str]], bool]] = {
    "cf_mian_ji.ge=50.5": lambda custom: Decimal(custom.get("mian_ji", "-99")) >= Decimal("50.5"),
    "cf_mian_ji.le=3.5": lambda custom: Decimal(custom.get("mian_ji", "99")) <= Decimal("3.5"),
    "cf_mian_ji.is=7.50": lambda custom: custom.get("mian_ji") == "7.5",
    "cf_mian_ji.none=1": lambda custom: "mian_ji" not in custom,
    "cf_mian_ji.any=1": lambda custom: "mian_ji" in custom,
    "cf_ji_bie.in=a,c": lambda custom: custom.get("ji_bie") in ("a", "c"),
    "cf_ji_bie.not=a": lambda custom: custom.get("ji_bie") != "a",
    "cf_ji_bie.none=1": lambda custom: "ji_bie" not in custom,
}


@pytest.mark.parametrize("asked", OWN_FILTERS)
def test_a_filter_on_an_own_field_keeps_the_rows_that_hold_it(field: Field, asked: str) -> None:
    name, _sign, value = asked.partition("=")
    wanted = listing(spec_for(field.actors["管理员"]), field.actors["管理员"], {name: value})
    expected = {pk for pk, custom in Customer.objects.values_list("pk", "custom") if OWN_FILTERS[asked](custom)}
    found = walked(wanted, 500)[0]
    assert set(found) == expected
    assert 0 < len(found) < COUNT


def walked(wanted: Listing, size: int) -> tuple[list[object], set[str]]:
    """All pages one after the other, and the shapes that answered."""
    ids: list[object] = []
    shapes, place = set(), ""
    while True:
        page = rows(wanted, after=place, size=size)
        ids += [record.pk for record in page.records]
        shapes.add(page.shape)
        place = page.next
        if not place:
            return ids, shapes
        assert len(page.records) == size


@given(params=ASKED, who=st.sampled_from([member.name for member in CAST]), size=st.sampled_from([50, 170, 999]), small=st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_all_pages_together_are_the_whole_order(field: Field, params: dict[str, str], who: str, size: int, small: bool) -> None:
    wanted = listing(spec_for(field.actors[who]), field.actors[who], params)
    with pytest.MonkeyPatch.context() as patched:
        if small:  # thresholds as they would be for a list a hundred times as long
            patched.setattr(engine, "SMALL_SCOPE", 20)
            patched.setattr(engine, "RARE", 10)
            patched.setattr(engine, "RARE_INDEXED", 10)
            patched.setattr(engine, "WALK", 300)
            patched.setattr(engine, "WALK_COVERED", 400)
        ids, _shapes = walked(wanted, size)
    assert ids == naive(wanted)
    assert size_counted(wanted).count == len(ids)


LOWERED = {"SMALL_SCOPE": 20, "RARE": 10, "RARE_INDEXED": 10, "WALK": 2_000, "WALK_COVERED": 2_000}
EACH_SHAPE = {
    "walk": ({}, "主管", {}),
    "scope": ({}, "林悦", {"city.in": "苏州"}),
    "collect": ({"SMALL_SCOPE": 20, "RARE": 2_000}, "管理员", {"city.in": "苏州", "grade.in": "key"}),
    "probe": (LOWERED, "管理员", {"grade.in": "key,low", "orders_count.ge": "1"}),
}


@pytest.mark.parametrize("sort", SORTS)
def test_what_is_shared_stands_in_its_place(field: Field, sort: str) -> None:
    for who in ("林悦", "陈默"):
        for filters in ({}, {"city.in": "苏州"}, {"owner.not": "me"}):
            wanted = listing(spec_for(field.actors[who]), field.actors[who], {"sort": sort, **filters})
            ids, _shapes = walked(wanted, 50)
            assert ids == naive(wanted)
            assert size_counted(wanted).count == len(ids)
        foreign = listing(spec_for(field.actors[who]), field.actors[who], {"owner.not": "me"})
        assert len(walked(foreign, 50)[0]) > 40


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sort", SORTS)
def test_each_shape_gives_the_same_order(field: Field, shape: str, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    thresholds, who, filters = EACH_SHAPE[shape]
    for name, value in thresholds.items():
        monkeypatch.setattr(engine, name, value)
    wanted = listing(spec_for(field.actors[who]), field.actors[who], {"sort": sort, **filters})
    ids, shapes = walked(wanted, 50)
    assert shape in shapes
    assert ids == naive(wanted)


def test_a_walk_that_finds_too_little_is_collected(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LOWERED:
        monkeypatch.setattr(engine, name, 5)
    wanted = listing(spec_for(field.actors["管理员"]), field.actors["管理员"], {"city.in": "苏州", "sort": "-sales"})
    ids, shapes = walked(wanted, 50)
    assert shapes == {"collect"}
    assert ids == naive(wanted)


def test_a_page_stays_where_it_was_when_rows_are_added_before_it(field: Field) -> None:
    wanted = listing(spec_for(field.actors["管理员"]), field.actors["管理员"], {"sort": "-sales"})
    order, first = naive(wanted), rows(wanted, size=50)
    with transaction.atomic():
        Customer.objects.create(name="新来的大户", sales=Decimal("999999"))
        assert [record.pk for record in rows(wanted, after=first.next, size=50).records] == order[50:100]
        transaction.set_rollback(True)


def test_the_size_is_exact_up_to_the_cap_and_about_right_beyond(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = listing(spec_for(field.actors["管理员"]), field.actors["管理员"], {})
    counted = size_counted(wanted)
    assert (counted.count, counted.is_exact) == (COUNT, True)
    monkeypatch.setattr("zhike.kernel.lists.engine.count", lambda model, condition, cap=10, reach=None: cap + 1)
    monkeypatch.setattr(engine, "COUNT_CAP", 10)
    about = size_counted(wanted)
    assert not about.is_exact
    assert 0.9 * COUNT <= about.count <= 1.1 * COUNT
    assert size_at_once(wanted, 50, has_more=False) == type(about)(count=50, is_exact=True)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"nonsense.is": "1"}, "unknown_filter"),
        ({"city.like": "x"}, "unknown_filter"),
        ({"sort": "-remark"}, "unknown_sort"),
        ({"sales.ge": "1e400"}, "filter_value"),
        ({"sales.ge": "NaN"}, "filter_value"),
        ({"sales.ge": "abc"}, "filter_value"),
        ({"owner.is": "x; drop table"}, "filter_value"),
        ({"segment.in": "key"}, "filter_value"),
        ({"last_order_at.ge": "2026-02-31"}, "filter_value"),
        ({"last_order_at.within": "99999999999"}, "filter_value"),
    ],
)
def test_what_no_filter_means_is_refused(field: Field, params: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as caught:
        rows(listing(spec_for(field.actors["管理员"]), field.actors["管理员"], params))
    assert caught.value.code == code


@pytest.mark.parametrize("after", ["nonsense", "~", "2025-01-01~nonsense", "abc~00000000-0000-7000-8000-000000000000"])
def test_a_broken_place_is_refused_or_read_as_the_beginning(field: Field, after: str) -> None:
    wanted = listing(spec_for(field.actors["管理员"]), field.actors["管理员"], {})
    try:
        found = [record.pk for record in rows(wanted, after=after).records]
    except Refused:
        return
    assert found == naive(wanted)[:50]
