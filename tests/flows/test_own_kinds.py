"""Each kind of own field: through form, inline editor, list, filter, order, file, import, search and undo."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cast import actor, user_of
from tests.flows.bringing_in import bring_in, written
from tests.flows.test_own_fields import LABEL, LEVELS, own
from tests.made import customer, findable
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record, create_record
from zhike.kernel.actor import Actor
from zhike.kernel.history import last_change_of
from zhike.kernel.search.finding import find
from zhike.kernel.testing.web import Answer, Web
from zhike.kernel.undo import undo_change
from zhike.org.models import FieldRule, Role

LogIn = Callable[[str], Web]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One kind: what is typed, how it is kept and shown, which filters keep it and drop it, what a file says."""

    facts: dict[str, Any]
    typed: Any
    kept: Any
    shown: str
    other: Any  # another value, as kept, that sorts below
    keeps: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    cell: str = ""  # in a file, out and in
    said: tuple[str, ...] = field(default=())  # other ways to say the same in a file
    is_sorted: bool = True


KINDS: dict[str, Story] = {
    "text": Story(facts={}, typed="B-77", kept="B-77", shown="B-77", other="A-1", cell="B-77",
                  keeps=("is=B-77", "in=B-77,C", "starts=B-", "not=A-1", "any=1"), drops=("is=A-1", "starts=A", "none=1", "not=B-77")),
    "long": Story(facts={}, typed="两行\n说明", kept="两行\n说明", shown="两行\n说明", other="短", cell="两行\n说明", keeps=("any=1",), drops=("none=1",),
                  is_sorted=False),
    "number": Story(facts={"decimals": 2}, typed="1,200.50", kept="1200.5", shown="1,200.5", other="-3", cell="1200.5", said=("1200.50", "1,200.5"),
                    keeps=("ge=1200.5", "le=1200.5", "is=1200.50", "any=1"), drops=("ge=1200.51", "le=1200", "none=1")),
    "money": Story(facts={}, typed="99.9", kept="99.9", shown="99.90", other="5", cell="99.9", keeps=("ge=99.9", "any=1"), drops=("ge=100", "none=1")),
    "date": Story(facts={}, typed="2026-03-05", kept="2026-03-05", shown="3月5日", other="2025-12-31", cell="2026-03-05", said=("2026/3/5", "2026年3月5日"),
                  keeps=("is=2026-03-05", "ge=2026-03-05", "le=2026-03-05", "any=1"), drops=("is=2026-03-06", "le=2026-03-04", "none=1", "within=1")),
    "moment": Story(facts={}, typed="2026-03-05T10:30", kept="2026-03-05T02:30:00Z", shown="2026-03-05 10:30", other="2025-12-31T23:00:00Z",
                    cell="2026-03-05 10:30:00", keeps=("is=2026-03-05", "ge=2026-03-05", "le=2026-03-05"), drops=("le=2026-03-04", "ge=2026-03-06", "none=1")),
    "choice": Story(facts={"choices": LEVELS}, typed="silver", kept="silver", shown="银牌", other="gold", cell="银牌", said=("Silver", "silver"),
                    keeps=("in=silver", "in=gold,silver", "not=gold", "any=1"), drops=("in=gold", "not=silver", "none=1")),
    "choices": Story(facts={"choices": LEVELS}, typed=["silver", "gold"], kept=["gold", "silver"], shown="金牌", other=["gold"], cell="金牌、银牌",
                     said=("银牌,金牌", "Gold；silver"), keeps=("in=silver", "any=1"), drops=("not=silver", "none=1"), is_sorted=False),
    "yes_no": Story(facts={}, typed="true", kept=True, shown="是", other=False, cell="是", said=("yes", "1"), keeps=("in=true", "not=false", "any=1"),
                    drops=("in=false", "none=1")),
    "person": Story(facts={}, typed="周航", kept="周航", shown="周航", other="林悦", cell="周航", said=("zhouhang",), keeps=("in={id}", "not=0", "any=1"),
                    drops=("in=me", "none=1"), is_sorted=False),
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", KINDS)


def _story(kind: str) -> Story:
    """The story with people by their ids."""
    story = KINDS[kind]
    if kind != "person":
        return story
    zhou, lin = user_of("周航").pk, user_of("林悦").pk
    return Story(**{name: getattr(story, name) for name in Story.__slots__} | {"typed": str(zhou), "kept": zhou, "other": lin})


def _made(kind: str, story: Story) -> str:
    own("某项", kind, is_filterable=True, is_sortable=story.is_sorted, **story.facts)
    return "cf_mou_xiang"


def _pair(by: Actor, story: Story) -> tuple[Customer, Customer]:
    """One record with the value, one with another, both of the reader."""
    first = customer("常州精工", by.user_id, by.home_team, custom={"mou_xiang": story.kept})
    return first, customer("苏州恒远", by.user_id, by.home_team, custom={"mou_xiang": story.other})


@each_kind
def test_made_by_the_form_and_changed_in_place_and_taken_back(kind: str, web: LogIn, guan_li: Actor) -> None:
    story, name = _story(kind), ""
    name = _made(kind, story)
    browser = web("林悦")
    assert f'name="{name}"' in browser.part("/customers/new").text
    answer = browser.post("/customers/new", {"name": "常州精工", "kind": "company", name: story.typed})
    assert (answer.status, answer.text) == (204, "")
    made = Customer.objects.get(name="常州精工")
    assert made.custom == {"mou_xiang": story.kept}
    assert story.shown in browser.get(f"/customers/{made.pk}/").text
    emptied = browser.post(
        f"/customers/{made.pk}/edit/{name}", {name: [] if kind == "choices" else "", "version": str(made.version), "was": ""}
    )
    assert emptied.status == 200, emptied.text
    assert Customer.objects.get(pk=made.pk).custom == {}
    browser.post(emptied.undo_url)
    assert Customer.objects.get(pk=made.pk).custom == {"mou_xiang": story.kept}
    again = browser.part(f"/customers/{made.pk}/edit/{name}")
    assert again.status == 200
    same = browser.post(f"/customers/{made.pk}/edit/{name}", {name: story.typed, "version": str(made.version + 2), "was": ""})
    assert (same.status, same.toast) == (200, "")  # what already holds is not written again


@each_kind
def test_filtered_ordered_and_counted(kind: str, web: LogIn, lin_yue: Actor) -> None:
    story = _story(kind)
    name = _made(kind, story)
    _pair(lin_yue, story)
    browser = web("林悦")
    if kind != "long":
        for keeps, asked in ((True, story.keeps), (False, story.drops)):
            for part in asked:
                page = browser.get(f"/customers/?{name}.{part.format(id=story.kept)}")
                assert page.status == 200, part
                assert ("常州精工" in page.text) is keeps, part
    if story.is_sorted:
        down, up = browser.get(f"/customers/?sort=-{name}").text, browser.get(f"/customers/?sort={name}").text
        assert down.index("常州精工") < down.index("苏州恒远")
        assert up.index("苏州恒远") < up.index("常州精工")
    else:
        assert browser.get(f"/customers/?sort=-{name}").refused == "unknown_sort"


def _rows(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))


@each_kind
def test_out_to_a_file_and_in_again(kind: str, web: LogIn, lin_yue: Actor, tmp_path: Path) -> None:
    story = _story(kind)
    _made(kind, story)
    _pair(lin_yue, story)
    file = web("林悦").get("/customers/export?format=csv")
    assert {row["客户名称"]: row["某项"] for row in _rows(file)}["常州精工"] == story.cell
    for number, said in enumerate((story.cell, *story.said)):
        quoted = '"' + said.replace('"', '""') + '"'
        run = bring_in(
            written(tmp_path, f"客户编号,客户名称,某项\nK{number},第{number}家,{quoted}\nL{number},空的{number},\n"),
            "customers",
            by=actor("林悦"),
        )
        assert (run.mapping["某项"], run.counts.get("codes", {})) == ("customer.cf_mou_xiang", {}), said
        assert Customer.objects.get(code=f"K{number}").custom == {"mou_xiang": story.kept}, said
        assert Customer.objects.get(code=f"L{number}").custom == {}


BAD = {"number": "很大", "date": "某天", "moment": "某时", "choice": "铜牌", "choices": "金牌,铜牌", "yes_no": "也许", "person": "无此人"}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_with_a_wrong_value_has_its_row_refused(kind: str, guan_li: Actor, tmp_path: Path) -> None:
    story = _story(kind)
    _made(kind, story)
    run = bring_in(
        written(tmp_path, f'客户编号,客户名称,某项\nK1,甲,"{BAD[kind]}"\nK2,乙,"{story.cell}"\n'), "customers", by=actor("管理员")
    )
    assert run.counts["refused"] == 1
    assert list(Customer.objects.values_list("code", "custom")) == [("K2", {"mou_xiang": story.kept})]


def test_an_import_leaves_other_fields_alone_and_is_taken_back(guan_li: Actor, tmp_path: Path) -> None:
    own("面积", "number")
    own("楼层", "number")
    bring_in(written(tmp_path, "客户编号,客户名称,面积,楼层\nK1,甲,80,3\n"), "customers", by=actor("管理员"))
    run = bring_in(written(tmp_path, "客户编号,面积\nK1,90\nK1,\n"), "customers", by=actor("管理员"))
    stored = Customer.objects.get(code="K1")
    assert (stored.custom, stored.version, run.counts["customer"]["updated"]) == ({"mian_ji": "90", "lou_ceng": "3"}, 2, 1)
    again = bring_in(written(tmp_path, "客户编号,面积\nK1,90\n"), "customers", by=actor("管理员"))
    assert again.counts["customer"].get("updated", 0) == 0
    bring_in(written(tmp_path, "客户编号,面积,楼层\nK1,,4\n"), "customers", by=actor("管理员"), clear_empty=True)
    assert Customer.objects.get(code="K1").custom == {"lou_ceng": "4"}
    assert run.change_id is not None
    report = undo_change(run.change_id, by=guan_li)
    assert report.kept_count == 1  # the area was changed again since


@pytest.mark.parametrize(("cell", "code"), [("1.234", "number_too_fine"), ("11", "number_out_of_range"), ("0", "number_out_of_range")])
def test_limits_hold_in_files_too(cell: str, code: str, guan_li: Actor, tmp_path: Path) -> None:
    own("面积", "number", low=Decimal(1), high=Decimal(10))
    run = bring_in(written(tmp_path, f"客户编号,客户名称,面积\nK1,甲,{cell}\nK2,乙,9.50\n"), "customers", by=actor("管理员"))
    assert run.counts["codes"] == {code: 1}
    assert list(Customer.objects.values_list("custom", flat=True)) == [{"mian_ji": "9.5"}]


def test_what_is_required_must_be_in_the_file_and_a_default_fills_it(guan_li: Actor, tmp_path: Path) -> None:
    own("来历", "text", is_required=True)
    own("级别", "choice", choices=(("", "金牌", "Gold", "", False),), default=None)
    run = bring_in(written(tmp_path, "客户编号,客户名称,来历\nK1,甲,\nK2,乙,展会\n"), "customers", by=actor("管理员"))
    assert run.counts["codes"] == {"required_missing": 1}
    assert Customer.objects.get().custom == {"lai_li": "展会"}
    without = bring_in(written(tmp_path, "客户编号,客户名称\nK3,丙\n"), "customers", by=actor("管理员"))
    assert without.counts["codes"] == {"required_missing": 1}


def test_a_link_is_found_by_name_and_only_among_what_one_sees(guan_li: Actor, lin_yue: Actor, chen_mo: Actor, tmp_path: Path) -> None:
    own("上级", "link", target=LABEL)
    mine = customer("集团总部", lin_yue.user_id, lin_yue.home_team)
    customer("别家总部", chen_mo.user_id, chen_mo.home_team)
    path = written(tmp_path, "客户编号,客户名称,上级\nK1,甲,集团总部\nK2,乙,别家总部\n")
    run = bring_in(path, "customers", by=actor("林悦"))
    assert run.counts["codes"] == {"link_unknown": 1}
    assert Customer.objects.get(code="K1").custom == {"shang_ji": str(mine.pk)}


def test_a_link_shows_its_name_only_to_who_may_see_the_record(guan_li: Actor, lin_yue: Actor, chen_mo: Actor, web: LogIn) -> None:
    own("上级", "link", target=LABEL, is_filterable=True)
    hidden = customer("番禺集团", chen_mo.user_id, chen_mo.home_team)
    made = customer("常州精工", lin_yue.user_id, lin_yue.home_team, custom={"shang_ji": str(hidden.pk)})
    for path in ("/customers/", f"/customers/{made.pk}/", f"/customers/?cf_shang_ji.in={hidden.pk}", "/customers/export?format=csv"):
        assert "番禺集团" not in web("林悦").get(path).text, path
        assert "番禺集团" in web("管理员").get(path).text, path
    kept = change_record(made, {"cf_shang_ji": str(hidden.pk), "city": "常州"}, by=actor("林悦"))
    assert kept.city == "常州"  # what stands there may stay


def test_a_searchable_text_is_found_and_no_longer_when_it_is_hidden(guan_li: Actor) -> None:
    own("资产号", "text", is_searchable=True)
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_zi_chan_hao": "风机型号ZX-9981"}, by=actor("林悦"))
    findable([made])
    for text in ("风机型号", "zx", "9981", "fengji"):
        assert [str(one) for hits in find(actor("林悦"), text) for one in hits.records] == ["常州精工"], text
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label=LABEL, field="cf_zi_chan_hao", rule=3)
    assert find(actor("林悦"), "风机型号") == []
    assert [str(one) for hits in find(actor("林悦"), "常州") for one in hits.records] == ["常州精工"]
    assert [str(one) for hits in find(actor("管理员"), "风机型号") for one in hits.records] == ["常州精工"]


def test_an_import_makes_searchable_texts_found(guan_li: Actor, tmp_path: Path) -> None:
    own("资产号", "text", is_searchable=True)
    bring_in(written(tmp_path, "客户编号,客户名称,资产号\nK1,常州精工,风机型号ZX-9981\n"), "customers", by=actor("管理员"))
    assert [str(one) for hits in find(actor("管理员"), "风机型号") for one in hits.records] == ["常州精工"]


@pytest.mark.parametrize(("rule", "seen_as"), [(1, "B-77"), (2, "B***"), (3, "")])
def test_field_rules_hold_for_own_fields_on_every_screen(rule: int, seen_as: str, guan_li: Actor, lin_yue: Actor, web: LogIn) -> None:
    own("资产号", "text", is_filterable=True, is_sortable=True)
    made = customer("常州精工", lin_yue.user_id, lin_yue.home_team, custom={"zi_chan_hao": "B-77"})
    FieldRule.objects.create(role=Role.objects.get(code="sales"), label=LABEL, field="cf_zi_chan_hao", rule=rule)
    browser = web("林悦")
    for path in ("/customers/", f"/customers/{made.pk}/", f"/customers/{made.pk}/peek", "/customers/export?format=csv"):
        text = browser.get(path).text
        assert ("B-77" in text) is (rule == 1), path
        assert not seen_as or seen_as in text, path
    assert browser.get("/customers/?cf_zi_chan_hao.is=B-77").refused == ("" if rule == 1 else "unknown_filter")
    assert browser.get("/customers/?sort=cf_zi_chan_hao").refused == ("" if rule == 1 else "unknown_sort")
    assert browser.part(f"/customers/{made.pk}/edit/cf_zi_chan_hao").status == 403
    assert Customer.objects.get(pk=made.pk).custom == {"zi_chan_hao": "B-77"}


def test_changing_a_value_many_times_over_can_be_taken_back_step_by_step(guan_li: Actor) -> None:
    own("面积", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("林悦"))
    changes = []
    for size in ("1", "2", "3"):
        change_record(made, {"cf_mian_ji": size}, by=actor("林悦"))
        changes.append(last_change_of(made.pk))
    for change, left in zip(reversed(changes), ({"mian_ji": "2"}, {"mian_ji": "1"}, {}), strict=True):
        assert change is not None
        undo_change(change, by=actor("林悦"))
        assert Customer.objects.get(pk=made.pk).custom == left
    assert re.fullmatch("常州精工", made.name)
