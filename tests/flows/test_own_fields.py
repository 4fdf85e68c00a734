"""A company's own fields, from the settings into list, page, form, file, history and back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.cast import actor
from tests.made import customer
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record, create_record, delete_record
from zhike.kernel.actor import Actor
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.fieldwork.actions import add_field, archive_field, arrange_field, restore_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.fieldwork.jobs import bring_up_to_date
from zhike.kernel.history import last_change_of
from zhike.kernel.models import HistoryEntry
from zhike.kernel.registry import objects
from zhike.kernel.seen import seen
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web
from zhike.kernel.undo import undo_change
from zhike.org.models import Role

LEVELS = (("", "金牌", "Gold", "key", False), ("", "银牌", "Silver", "", False))
LABEL = "customers.customer"


def own(name: str, kind: str, **facts: object) -> CustomField:
    """A field of customers, its indexes made."""
    field = add_field(LABEL, Wish(name=name, kind=kind, **facts), by=actor("管理员"))  # type: ignore[arg-type]
    bring_up_to_date()
    return field


def test_a_field_is_made_and_offered_everywhere(guan_li: Actor, web: Callable[[str], Web]) -> None:
    level = own("级别", "choice", choices=LEVELS, is_filterable=True, is_sortable=True)
    area = own("面积", "number", is_filterable=True, is_sortable=True)
    own("资产号", "text", is_filterable=True, is_sortable=True, is_searchable=True)
    assert (level.key, area.key) == ("ji_bie", "mian_ji")
    spec = seen(objects.get(LABEL), actor("林悦"))
    assert [field.name for field in spec.custom] == ["cf_ji_bie", "cf_mian_ji", "cf_zi_chan_hao"]
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_ji_bie": "gold", "cf_mian_ji": "1,200.50"}, by=actor("林悦"))
    assert Customer.objects.get(pk=made.pk).custom == {"ji_bie": "gold", "mian_ji": "1200.5"}
    page = web("林悦").get("/customers/")
    assert "金牌" in page.text
    assert "1,200.5" in page.text


@pytest.mark.parametrize(
    "filters",
    ["cf_mian_ji.ge=1000", "cf_mian_ji.is=1200.5", "cf_mian_ji.any=1&cf_ji_bie.is=gold", "cf_ji_bie.in=gold", "cf_ji_bie.not=silver"],
)
def test_a_list_is_filtered_and_sorted_by_own_fields(filters: str, web: Callable[[str], Web], lin_yue: Actor) -> None:
    own("级别", "choice", choices=LEVELS, is_filterable=True, is_sortable=True)
    own("面积", "number", is_filterable=True, is_sortable=True)
    for name, level, size in (("常州精工", "gold", "1200.5"), ("苏州恒远", "silver", "80")):
        customer(name, lin_yue.user_id, lin_yue.home_team, custom={"ji_bie": level, "mian_ji": size})
    for sort in ("cf_mian_ji", "-cf_mian_ji", "cf_ji_bie", "-cf_ji_bie"):
        page = web("林悦").get(f"/customers/?{filters}&sort={sort}")
        assert page.status == 200
        assert "常州精工" in page.text
        assert "苏州恒远" not in page.text
    both = web("林悦").get("/customers/?sort=-cf_mian_ji").text
    assert both.index("常州精工") < both.index("苏州恒远")
    both = web("林悦").get("/customers/?sort=cf_ji_bie").text
    assert both.index("常州精工") < both.index("苏州恒远")


def test_the_history_keeps_each_field_for_itself(guan_li: Actor, lin_yue: Actor) -> None:
    own("级别", "choice", choices=LEVELS)
    own("面积", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_mian_ji": "80"}, by=actor("林悦"))
    change_record(made, {"cf_ji_bie": "gold", "city": "常州"}, by=actor("林悦"))
    first = last_change_of(made.pk)
    change_record(made, {"cf_mian_ji": "90"}, by=actor("林悦"))
    kept = HistoryEntry.objects.filter(object_id=made.pk, op="U").order_by("hid").values_list("old", flat=True)
    bare = [{name: value for name, value in old.items() if name not in ("version", "updated_at")} for old in kept if old is not None]
    assert bare == [{"city": "", "cf_ji_bie": None}, {"cf_mian_ji": "80"}]
    assert first is not None
    report = undo_change(first, by=lin_yue)
    assert (report.restored, report.kept) == (1, [])
    fresh = Customer.objects.get(pk=made.pk)
    assert (fresh.custom, fresh.city) == ({"mian_ji": "90"}, "")


def test_an_undo_leaves_a_field_that_was_changed_later(guan_li: Actor, lin_yue: Actor) -> None:
    own("面积", "number")
    own("楼层", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_mian_ji": "80", "cf_lou_ceng": "1"}, by=actor("林悦"))
    change_record(made, {"cf_mian_ji": "90", "cf_lou_ceng": "2"}, by=actor("林悦"))
    first = last_change_of(made.pk)
    change_record(made, {"cf_mian_ji": "100"}, by=actor("林悦"))
    assert first is not None
    report = undo_change(first, by=lin_yue)
    assert [kept["why"] for kept in report.kept] == ["changed_later"]
    assert Customer.objects.get(pk=made.pk).custom == {"mian_ji": "100", "lou_ceng": "1"}


def test_a_deleted_record_comes_back_with_its_own_fields(guan_li: Actor, lin_yue: Actor) -> None:
    own("面积", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_mian_ji": "80"}, by=actor("林悦"))
    change = delete_record(made, by=lin_yue)
    undo_change(change, by=lin_yue)
    assert Customer.objects.get(pk=made.pk).custom == {"mian_ji": "80"}


def test_two_people_change_two_fields_and_none_is_lost(guan_li: Actor, lin_yue: Actor) -> None:
    own("面积", "number")
    own("楼层", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("林悦"))
    one, other = Customer.objects.get(pk=made.pk), Customer.objects.get(pk=made.pk)
    change_record(one, {"cf_mian_ji": "80"}, by=actor("林悦"))
    change_record(other, {"cf_lou_ceng": "3"}, by=actor("管理员"))
    assert Customer.objects.get(pk=made.pk).custom == {"mian_ji": "80", "lou_ceng": "3"}


@pytest.mark.parametrize(
    ("facts", "value", "code"),
    [
        ({"kind": "number"}, "abc", "invalid_value"),
        ({"kind": "number"}, "1e40", "invalid_value"),
        ({"kind": "number"}, "NaN", "invalid_value"),
        ({"kind": "number", "decimals": 1}, "1.25", "invalid_value"),
        ({"kind": "number", "low": Decimal(1), "high": Decimal(5)}, "6", "invalid_value"),
        ({"kind": "text"}, "长" * 201, "invalid_value"),
        ({"kind": "text"}, "a\x00b", "invalid_value"),
        ({"kind": "date"}, "2026-02-30", "invalid_value"),
        ({"kind": "moment"}, "gestern", "invalid_value"),
        ({"kind": "yes_no"}, "maybe", "invalid_value"),
        ({"kind": "person"}, "999999", "invalid_value"),
        ({"kind": "link", "target": "customers.customer"}, "0198a000-0000-7000-8000-000000000000", "invalid_value"),
        ({"kind": "choice", "choices": LEVELS}, "铜牌", "invalid_value"),
        ({"kind": "choices", "choices": LEVELS}, ["gold", "iron"], "invalid_value"),
        ({"kind": "formula", "formula": "{累计销售额} * 2"}, "5", "field_not_permitted"),
        ({"kind": "number", "is_read_only": True}, "5", "field_not_permitted"),
    ],
)
def test_a_value_that_is_not_of_its_kind_is_refused(
    facts: dict[str, object], value: object, code: str, guan_li: Actor, lin_yue: Actor
) -> None:
    made = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=lin_yue)
    field = own("某项", **facts)  # type: ignore[arg-type]
    with refused(code, field=f"cf_{field.key}"):
        change_record(made, {f"cf_{field.key}": value}, by=actor("林悦"))
    with refused(code, field=f"cf_{field.key}"):
        create_record(Customer, {"name": "苏州恒远", "kind": "company", f"cf_{field.key}": value}, by=actor("林悦"))
    assert Customer.objects.get(pk=made.pk).custom == {}


def test_a_name_that_no_field_has_is_refused(lin_yue: Actor) -> None:
    made = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=lin_yue)
    with refused("field_unknown", field="cf_level"):
        change_record(made, {"cf_level": "5"}, by=lin_yue)


def test_a_value_that_must_be_there_once_is_there_once(guan_li: Actor) -> None:
    own("资产号", "text", is_unique=True)
    create_record(Customer, {"name": "常州精工", "kind": "company", "cf_zi_chan_hao": "A-1"}, by=actor("林悦"))
    other = create_record(Customer, {"name": "苏州恒远", "kind": "company"}, by=actor("林悦"))
    with refused("taken", field="cf_zi_chan_hao"):
        change_record(other, {"cf_zi_chan_hao": "A-1"}, by=actor("林悦"))
    with refused("taken", field="cf_zi_chan_hao"):
        create_record(Customer, {"name": "无锡", "kind": "company", "cf_zi_chan_hao": "A-1"}, by=actor("林悦"))


def test_what_is_required_is_asked_of_those_it_is_required_of(guan_li: Actor) -> None:
    sales = Role.objects.get(code="sales").pk
    own("来历", "text", is_required=True, required_roles=(sales,))
    with refused("required", field="cf_lai_li"):
        create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("林悦"))
    free = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("管理员"))
    assert free.custom == {}
    made = create_record(Customer, {"name": "苏州恒远", "kind": "company", "cf_lai_li": "展会"}, by=actor("林悦"))
    with refused("required", field="cf_lai_li"):
        change_record(made, {"cf_lai_li": ""}, by=actor("林悦"))
    assert Customer.objects.get(pk=made.pk).custom == {"lai_li": "展会"}


def test_a_default_fills_what_was_not_given(guan_li: Actor) -> None:
    own("级别", "choice", choices=LEVELS)
    field = CustomField.objects.get(key="ji_bie")
    arrange_field(
        field,
        Wish(
            name="级别",
            kind="choice",
            choices=tuple((c["code"], c["name"], c["name_en"], c["tone"], False) for c in field.choices),
            default="silver",
        ),
        by=guan_li,
    )
    assert create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("林悦")).custom == {"ji_bie": "silver"}


def test_an_archived_field_is_gone_and_its_values_wait(guan_li: Actor) -> None:
    field = own("面积", "number")
    made = create_record(Customer, {"name": "常州精工", "kind": "company", "cf_mian_ji": "80"}, by=actor("林悦"))
    archive_field(field, by=guan_li)
    assert seen(objects.get(LABEL), actor("林悦")).custom == ()
    with refused("field_unknown"):
        change_record(made, {"cf_mian_ji": "5"}, by=actor("林悦"))
    restore_field(field, by=guan_li)
    assert [one.name for one in seen(objects.get(LABEL), actor("林悦")).custom] == ["cf_mian_ji"]
    assert Customer.objects.get(pk=made.pk).custom == {"mian_ji": "80"}


def test_nobody_without_the_right_arranges_fields(lin_yue: Actor) -> None:
    with refused("not_permitted"):
        add_field(LABEL, Wish(name="面积", kind="number"), by=lin_yue)
    assert CustomField.objects.count() == 0
