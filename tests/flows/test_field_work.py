"""Work over all records of a field: indexes beside running work, another kind, clearing, and what records say against a wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.cast import actor, user_of
from tests.flows.test_own_fields import LABEL, LEVELS, own
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record, create_record
from zhike.kernel.actor import Actor
from zhike.kernel.customfields import indexes
from zhike.kernel.customfields.catalogue import catalogue
from zhike.kernel.customfields.tables import CustomField, FieldWork
from zhike.kernel.fieldwork import checks, works
from zhike.kernel.fieldwork.actions import add_field, archive_field, arrange_field, convert_field, put_in_order, remove_field
from zhike.kernel.fieldwork.conversion import PAIRS, dry_run
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.fieldwork.jobs import bring_up_to_date, building
from zhike.kernel.registry import objects
from zhike.kernel.seen import seen
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.server.control import Company

ALL = {"is_filterable": True, "is_sortable": True}


def offered() -> tuple[list[str], list[str]]:
    """Own filters in the menu and own orders, as 林悦 sees them."""
    spec = seen(objects.get(LABEL), actor("林悦"))
    return [f.name for f in spec.filters if f.in_menu and f.name.startswith("cf_")], [s.key for s in spec.sorts if s.key.startswith("cf_")]


def run(work: FieldWork, chunk: int = 2) -> FieldWork:
    """Do the work in small parts, as the worker does."""
    works.run(work, CustomField.objects.get(pk=work.field_id), chunk=chunk)
    return FieldWork.objects.get(pk=work.pk)


def test_an_order_is_offered_once_its_indexes_are_there(committed: Company) -> None:
    field = add_field(LABEL, Wish(name="面积", kind="number", is_filterable=True, is_sortable=True), by=actor("管理员"))
    assert offered() == ([], [])
    left = building(field)
    assert left is not None
    assert (left.made, left.wanted) == (0, 3)
    made = bring_up_to_date()
    assert len(made) == 3  # the order's own index answers the filter too
    assert offered() == (["cf_mian_ji"], ["cf_mian_ji"])
    assert building(field) is None
    assert bring_up_to_date() == []
    archive_field(field, by=actor("管理员"))
    assert sorted(bring_up_to_date()) == sorted(made)
    assert indexes.present() == {}


def test_an_index_that_a_crash_left_half_made_is_made_again(committed: Company) -> None:
    own("面积", "number", **ALL)
    name = next(iter(indexes.present()))
    with connection.cursor() as cursor:
        cursor.execute("update pg_index set indisvalid = false where indexrelid = to_regclass(%s)", [name])
    assert name in bring_up_to_date()
    assert set(indexes.present().values()) == {True}


def test_the_order_of_choices_is_that_of_the_list(guan_li: Actor, web: Callable[[str], Web], lin_yue: Actor) -> None:
    field = own("级别", "choice", choices=LEVELS, **ALL)
    for name, level in (("常州精工", "gold"), ("苏州恒远", "silver")):
        customer(name, lin_yue.user_id, lin_yue.home_team, custom={"ji_bie": level})
    turned = tuple((one["code"], one["name"], one["name_en"], one["tone"], False) for one in reversed(field.choices))
    arrange_field(field, Wish(name="级别", kind="choice", choices=turned, is_filterable=True, is_sortable=True), by=guan_li)
    assert offered() == (["cf_ji_bie"], [])  # the old index knows the old order
    bring_up_to_date()
    page = web("林悦").get("/customers/?sort=cf_ji_bie").text
    assert page.index("苏州恒远") < page.index("常州精工")


def test_values_there_twice_keep_a_field_from_being_unique(guan_li: Actor, web: Callable[[str], Web]) -> None:
    field = own("资产号", "text")
    for name, code in (("甲", "A-1"), ("乙", "A-1"), ("丙", "A-2"), ("丁", None)):
        customer(name, custom={"zi_chan_hao": code} if code else {})
    with refused("values_twice", count=2, url="/customers/?cf_zi_chan_hao.twice=1"):
        arrange_field(field, Wish(name="资产号", kind="text", is_unique=True), by=guan_li)
    shown = web("管理员").get("/customers/?cf_zi_chan_hao.twice=1").text
    assert [name for name in "甲乙丙丁" if f'title="{name}"' in shown] == ["甲", "乙"]
    Customer.objects.filter(name="乙").update(custom={"zi_chan_hao": "A-3"})
    arrange_field(field, Wish(name="资产号", kind="text", is_unique=True), by=guan_li)
    bring_up_to_date()
    with refused("taken", field="cf_zi_chan_hao"):
        create_record(Customer, {"name": "戊", "kind": "company", "cf_zi_chan_hao": "A-3"}, by=actor("管理员"))


def test_a_unique_index_that_meets_twins_is_told_and_tried_again(committed: Company) -> None:
    field = own("资产号", "text")
    arrange_field(field, Wish(name="资产号", kind="text", is_unique=True), by=actor("管理员"))
    for name in "甲乙":  # written while the index was waited for
        customer(name, custom={"zi_chan_hao": "A-1"})
    assert bring_up_to_date() == []
    left = building(field)
    assert left is not None
    assert (left.error, indexes.present()) == ("values_twice", {})
    Customer.objects.filter(name="乙").delete()
    assert len(bring_up_to_date()) == 1
    assert building(field) is None


def test_records_without_a_value_are_shown_beside_the_switch(guan_li: Actor, web: Callable[[str], Web]) -> None:
    field = own("来历", "text")
    customer("甲", custom={"lai_li": "展会"})
    customer("乙")
    against = checks.missing(field)
    assert (against.count, against.url) == (1, "/customers/?cf_lai_li.none=1")
    shown = web("管理员").get(against.url).text
    assert 'title="乙"' in shown
    assert 'title="甲"' not in shown
    assert checks.filled(field) == 1


def test_a_removed_field_takes_its_values_along_and_brings_them_back(guan_li: Actor) -> None:
    field = own("面积", "number", **ALL)
    for number in range(5):
        customer(f"第{number}家", custom={"mian_ji": str(number)} if number else {"other": "x"})
    work = run(remove_field(field, by=guan_li))
    assert (work.state, work.done) == ("done", 5)
    assert not CustomField.objects.filter(pk=field.pk).exists()
    assert list(Customer.objects.order_by("name").values_list("custom", flat=True)) == [{"other": "x"}, {}, {}, {}, {}]
    assert work.change_id is not None
    report = undo_change(work.change_id, by=guan_li)
    assert (report.brought_back, report.restored, report.kept) == (1, 4, [])
    back = CustomField.objects.get(pk=field.pk)
    assert (back.is_archived, back.is_sortable) == (False, True)
    assert list(Customer.objects.order_by("name").values_list("custom", flat=True))[1:] == [{"mian_ji": str(n)} for n in range(1, 5)]


def test_work_that_was_killed_goes_on_where_it_was(guan_li: Actor) -> None:
    field = own("面积", "number")
    for number in range(6):
        customer(f"第{number}家", custom={"mian_ji": str(number)})
    work = remove_field(field, by=guan_li)
    assert works._chunk(work, field, None, 2)
    assert Customer.objects.filter(custom={}).count() == 2
    work = run(FieldWork.objects.get(pk=work.pk))
    assert (work.done, Customer.objects.filter(custom={}).count()) == (6, 6)
    assert set(Customer.objects.values_list("version", flat=True)) == {2}


CASES: tuple[tuple[str, str, dict[str, Any], dict[Any, Any], int], ...] = (
    ("text", "number", {}, {"12": "12", "1,200.5": "1200.5", "¥9元": "9", "很大": None}, 1),
    ("text", "date", {}, {"2026-03-05": "2026-03-05", "2026/03/05": "2026-03-05", "昨天": None}, 1),
    ("text", "yes_no", {}, {"是": True, "no": False, "也许": None}, 1),
    ("text", "choice", {}, {"甲": "jia", "乙": "yi"}, 0),
    ("text", "choices", {}, {"甲、乙": ["jia", "yi"], "乙": ["yi"]}, 0),
    ("text", "person", {}, {"周航": "周航", "无此人": None}, 1),
    ("text", "long", {}, {"甲": "甲"}, 0),
    ("long", "text", {}, {"短": "短", "长" * 300: None}, 1),
    ("number", "money", {}, {"12.5": "12.5"}, 0),
    ("number", "text", {}, {"12.5": "12.5"}, 0),
    ("date", "moment", {}, {"2026-03-05": "2026-03-04T16:00:00Z"}, 0),
    ("moment", "date", {}, {"2026-03-04T16:00:00Z": "2026-03-05"}, 0),
    ("choice", "text", {"choices": LEVELS}, {"gold": "金牌"}, 0),
    ("choice", "choices", {"choices": LEVELS}, {"gold": ["gold"]}, 0),
    ("choices", "choice", {"choices": LEVELS}, {("gold",): "gold", ("gold", "silver"): None}, 1),
    ("choices", "text", {"choices": LEVELS}, {("gold", "silver"): "金牌、银牌"}, 0),
    ("yes_no", "choice", {}, {True: "yes", False: "no"}, 0),
    ("yes_no", "text", {}, {True: "是"}, 0),
)


@pytest.mark.parametrize(("old", "new", "facts", "values", "lost"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_field_becomes_another_kind(old: str, new: str, facts: dict[str, Any], values: dict[Any, Any], lost: int, guan_li: Actor) -> None:
    field = own("某项", old, **facts)
    before = {f"第{n}家": list(value) if isinstance(value, tuple) else value for n, value in enumerate(values)}
    for name, value in before.items():
        customer(name, custom={"mou_xiang": value, "other": "x"})
    found = dry_run(field, new)
    assert (found.kept, found.lost) == (len(values) - lost, lost)
    if lost:
        with refused("values_lost", count=lost):
            convert_field(field, new, by=guan_li)
    work = convert_field(field, new, by=guan_li, accept_loss=True)
    assert seen(objects.get(LABEL), actor("管理员")).custom == ()  # out of use meanwhile
    work = run(work)
    assert CustomField.objects.get(pk=field.pk).kind == new
    expected = [user_of(value).pk if new == "person" and value else value for value in values.values()]
    kept = Customer.objects.order_by("name").values_list("custom", flat=True)
    assert [custom.get("mou_xiang") for custom in kept] == expected
    assert {custom["other"] for custom in kept} == {"x"}
    assert work.change_id is not None
    undo_change(work.change_id, by=guan_li)
    back = CustomField.objects.get(pk=field.pk)
    assert (back.kind, back.is_archived) == (old, False)
    assert {row.name: row.custom["mou_xiang"] for row in Customer.objects.all()} == before


@pytest.mark.parametrize("old", sorted(PAIRS))
def test_what_cannot_become_another_kind_is_refused(old: str, guan_li: Actor) -> None:
    facts: dict[str, Any] = {"link": {"target": LABEL}, "formula": {"formula": "{订单数} + 1"}}.get(old, {})
    field = own("某项", old, **(facts or ({"choices": LEVELS} if old in ("choice", "choices") else {})))
    for new in sorted(set(PAIRS) - set(PAIRS[old]) - {old}):
        with refused("conversion_refused"):
            convert_field(field, new, by=guan_li, accept_loss=True)
    assert CustomField.objects.get(pk=field.pk).kind == old


def test_a_field_that_a_formula_reads_stays(guan_li: Actor) -> None:
    field = own("面积", "number")
    own("租金", "formula", formula="{面积} * 30")
    own("年租金", "formula", formula="{租金} * 12")
    for deed in (archive_field, remove_field):
        with refused("still_read", names="租金、年租金"):
            deed(field, by=guan_li)
    with refused("still_read", names="租金、年租金"):
        convert_field(field, "text", by=guan_li)
    rent = CustomField.objects.get(name="租金")
    with refused("formula_cycle"):
        arrange_field(rent, Wish(name="租金", kind="formula", formula="{年租金} / 12"), by=guan_li)
    with refused("formula_cycle"):
        arrange_field(rent, Wish(name="租金", kind="formula", formula="{租金} + 1"), by=guan_li)
    with refused("formula_needs", name="年租金"):
        arrange_field(rent, Wish(name="租金", kind="formula", formula="join({面积}, '元')"), by=guan_li)


def test_a_formula_is_shown_filtered_ordered_and_exported(guan_li: Actor, lin_yue: Actor, web: Callable[[str], Web]) -> None:
    own("面积", "number")
    own("租金", "formula", formula="{面积} * 30 + {订单数}", **ALL)
    own("到期", "date")
    own("还剩", "formula", formula="相差天数(今天(), {到期})", **ALL)
    own("档", "formula", formula="如果({租金} > 3000, '大', '小')", **ALL)
    assert offered() == (["cf_zu_jin", "cf_dang"], ["cf_zu_jin", "cf_dang"])  # what changes with the day has no index
    for name, size in (("常州精工", "200"), ("苏州恒远", "80"), ("无锡", None)):
        customer(name, lin_yue.user_id, lin_yue.home_team, custom={"mian_ji": size} if size else {})
    browser = web("林悦")
    page = browser.get("/customers/?sort=-cf_zu_jin").text
    assert page.index("常州精工") < page.index("苏州恒远") < page.index("无锡")
    assert "6,000" in page
    kept = browser.get("/customers/?cf_zu_jin.ge=2400&cf_dang.is=小").text
    assert [name for name in ("常州精工", "苏州恒远", "无锡") if name in kept] == ["苏州恒远"]
    assert "无锡" in browser.get("/customers/?cf_zu_jin.none=1").text
    assert "2400,," in browser.get("/customers/export?format=csv&sort=-cf_zu_jin").text
    made = Customer.objects.get(name="无锡")
    change_record(made, {"cf_mian_ji": "1"}, by=actor("林悦"))
    assert "30" in browser.part(f"/customers/{made.pk}/row").text


def test_fields_are_put_in_order(guan_li: Actor) -> None:
    fields = [own(name, "text") for name in ("甲项", "乙项", "丙项")]
    put_in_order(LABEL, [fields[2].pk, fields[0].pk], by=guan_li)
    assert [field.label for field in catalogue().of(LABEL)] == ["丙项", "甲项", "乙项"]


WRONG: tuple[tuple[Wish, str], ...] = (
    (Wish(name="", kind="text"), "name_missing"),
    (Wish(name="a{b}", kind="text"), "name_missing"),
    (Wish(name="面积", kind="text"), "taken"),
    (Wish(name="新项", kind="colour"), "kind_unknown"),
    (Wish(name="新项", kind="text", key="Bad-Key!"), ""),
    (Wish(name="新项", kind="choice"), "choices_missing"),
    (Wish(name="新项", kind="choice", choices=(("", "甲", "", "", False), ("", "甲", "", "", False))), "choice_twice"),
    (Wish(name="新项", kind="link"), "target_missing"),
    (Wish(name="新项", kind="link", target="auth.user"), "target_missing"),
    (Wish(name="新项", kind="formula", formula="{没有}"), "formula_unknown"),
    (Wish(name="新项", kind="number", default="abc"), "invalid_value"),
)


@pytest.mark.parametrize(("wish", "code"), WRONG, ids=[f"{number}-{code}" for number, (_wish, code) in enumerate(WRONG)])
def test_a_definition_that_makes_no_sense_is_refused(wish: Wish, code: str, guan_li: Actor) -> None:
    own("面积", "number")
    if not code:
        assert add_field(LABEL, wish, by=guan_li).key == "bad_key"
        return
    with refused(code):
        add_field(LABEL, wish, by=guan_li)
    assert CustomField.objects.count() == 1


def test_only_so_many_fields_can_be_sorted_by(guan_li: Actor) -> None:
    for number in range(4):
        own(f"第{number}项", "number", is_sortable=True)
    with refused("too_many_sorted", limit=4):
        add_field(LABEL, Wish(name="再一项", kind="number", is_sortable=True), by=guan_li)
