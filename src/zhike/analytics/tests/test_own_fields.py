"""A company's own fields in figures: what they divide, what is added up, who may see it, and when a field comes or goes."""

from __future__ import annotations

import re
from decimal import Decimal as D
from typing import Any

import pytest

from tests.cast import actor, user_of
from zhike.analytics.compute import MetricQuery, Where, behind, compute
from zhike.analytics.place import facts_here, lake_here
from zhike.analytics.queries import reach_of
from zhike.analytics.words import key_names, name_of
from zhike.catalog.models import Product
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record
from zhike.kernel.actor import Rule, Scope
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.errors import Refused
from zhike.kernel.fieldwork.actions import add_field, archive_field, arrange_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.fieldwork.jobs import bring_up_to_date
from zhike.kernel.lake.manifest import read_manifest
from zhike.kernel.metrics import Dimension, metrics
from zhike.kernel.testing.web import Answer, Web
from zhike.orders.models import Order, OrderLine
from zhike.org.models import FieldRule, Grant, Role

from .shop import buy, count_up, customer_of, day_ago, score_here

TRADES = (("making", "制造", "Making", "", False), ("trade", "商贸", "Trade", "", False))
CUSTOMER, ORDER, PRODUCT = "customers.customer", "orders.order", "catalog.product"
OVERVIEW = "analytics.overview"


def field(label: str, name: str, kind: str, **facts: Any) -> None:
    add_field(label, Wish(name=name, kind=kind, **facts), by=actor("管理员"))


@pytest.fixture
def shop(committed: object) -> None:
    """林悦 has a maker and a trader, 陈默 a trader; one order each but the maker, who has two."""
    field(CUSTOMER, "行业", "choice", key="trade", choices=TRADES)
    field(CUSTOMER, "保证金", "money", key="deposit")
    field(CUSTOMER, "签约日", "date", key="signed")
    field(CUSTOMER, "重点", "yes_no", key="focus")
    field(CUSTOMER, "顾问", "person", key="adviser")
    field(CUSTOMER, "加倍", "formula", key="twice", formula="保证金 * 2")
    field(ORDER, "运费", "number", key="freight", decimals=3)
    field(ORDER, "来路", "text", key="way")
    field(PRODUCT, "产线", "choice", key="line", choices=TRADES)
    maker, trader, other = customer_of("林悦", "L1"), customer_of("林悦", "L2"), customer_of("陈默", "C1")
    give(maker, trade="making", deposit="100.50", signed="2024-01-31", focus=True, adviser=user_of("周航").pk)
    give(trader, trade="trade", deposit="0.25", signed="2024-02-01", focus=False)
    give(other, trade="trade", deposit="7000")
    buy(maker, "A1", days_ago=3, amount="100")
    buy(maker, "A2", days_ago=4, amount="50")
    buy(trader, "A3", days_ago=5, amount="30")
    buy(other, "B1", days_ago=6, amount="9000")
    for number, freight, way in (("A1", "12.345", "官网"), ("A2", "1", "官网"), ("A3", None, None), ("B1", "0.005", "展会")):
        Order.objects.filter(number=number).update(custom={"freight": freight, "way": way} if freight else {})
    made = Product.objects.create(code="P1", name="螺杆机", custom={"line": "making"})
    OrderLine.objects.filter(order__number="A1").update(product=made)
    count_up()
    score_here("lake")


def give(customer: Customer, **values: Any) -> None:
    change_record(customer, {f"cf_{key}": value for key, value in values.items()}, by=actor("管理员"))


def figures(*names: str, **more: Any) -> dict[tuple[Any, ...], tuple[D | None, ...]]:
    table = compute(facts_here(), MetricQuery(metrics=names, **more))
    return {row.keys: row.values for row in table.rows}


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("customer.cf_trade", {"制造": D(150), "商贸": D(9030)}),
        ("customer.cf_focus", {"是": D(150), "否": D(30), "没填的": D(9000)}),
        ("customer.cf_signed", {"2024-01": D(150), "2024-02": D(30), "没填的": D(9000)}),
        ("customer.cf_adviser", {"周航": D(150), "没填的": D(9030)}),
        ("order.cf_way", {"官网": D(150), "展会": D(9000), "没填的": D(30)}),
        ("product.cf_line", {"制造": D(100), "没填的": D(9080)}),
    ],
)
def test_sales_are_divided_by_own_fields(by: str, told: dict[str, D], shop: None) -> None:
    table = compute(facts_here(), MetricQuery(metrics=("orders.sales",), by=(by,)))
    names = key_names(table, 0)
    assert {name_of(names, row.keys[0]): row.values[0] for row in table.rows} == told


def test_own_fields_are_conditions_beside_each_other(shop: None) -> None:
    trade = Where(dimension="customer.cf_trade", op="in", values=("making",))
    way = Where(dimension="order.cf_way", op="in", values=("官网", None))
    assert figures("orders.count", by=("order.cf_way",), where=(trade, way)) == {("官网",): (D(2),)}
    assert figures("orders.count", by=("customer.cf_trade",), where=(way,)) == {("making",): (D(2),), ("trade",): (D(1),)}


def test_own_numbers_of_customers_are_added_up(shop: None) -> None:
    names = ("customers.cf_deposit.sum", "customers.cf_deposit.filled", "customers.cf_deposit.average")
    assert figures(*names) == {(): (D("7100.75"), D(3), D("2366.9167"))}
    assert figures(*names[:2], by=("customer.cf_trade",)) == {("making",): (D("100.5"), D(1)), ("trade",): (D("7000.25"), D(2))}
    assert figures("customers.cf_twice.sum", by=("customer.cf_focus",)) == {
        (False,): (D("0.5"),), (True,): (D(201),), (None,): (D(14000),),
    }  # fmt: skip


def test_own_numbers_of_orders_are_counted_once_an_order(shop: None) -> None:
    first = Order.objects.get(number="A1")
    OrderLine.objects.create(order=first, line_key="2", quantity=1, amount=D(1))  # a second line adds no freight
    score_here("lake")
    assert figures("orders.cf_freight.sum", "orders.sales", by=("customer.cf_trade",)) == {
        ("making",): (D("13.345"), D(151)), ("trade",): (D("0.005"), D(9030)),
    }  # fmt: skip
    behind_it = behind(facts_here(), MetricQuery(metrics=("orders.cf_freight.sum",)), column="customer_id", limit=9)
    assert len(behind_it) == 2


def test_customers_and_orders_are_not_mixed_in_one_answer(shop: None) -> None:
    with pytest.raises(Refused, match="metrics_apart"):
        figures("customers.cf_deposit.sum", "orders.sales")
    with pytest.raises(Refused, match="dimension_not_of_metric"):
        figures("customers.cf_deposit.sum", by=("order.cf_way",))
    with pytest.raises(Refused, match="dimension_not_of_metric"):
        figures("orders.cf_freight.sum", by=("product.cf_line",))
    with pytest.raises(Refused, match="dimension_unknown"):
        figures("orders.sales", by=("customer.cf_deposit",))


def test_a_reader_adds_up_his_own_customers(shop: None) -> None:
    mine = reach_of(actor("林悦"), Customer, OVERVIEW)
    assert figures("customers.cf_deposit.sum", scope=mine) == {(): (D("100.75"),)}
    orders = reach_of(actor("林悦"), Order, OVERVIEW)
    assert figures("orders.cf_freight.sum", by=("customer.cf_trade",), scope=orders) == {("making",): (D("13.345"),), ("trade",): (D(0),)}


@pytest.mark.parametrize("rule", [Rule.HIDDEN, Rule.MASKED])
def test_a_closed_field_is_neither_divided_by_nor_added_up_nor_told_by_a_formula(rule: Rule, shop: None) -> None:
    for role in user_of("林悦").roles.all():
        FieldRule.objects.create(role=role, label=CUSTOMER, field="cf_deposit", rule=rule)
        FieldRule.objects.create(role=role, label=CUSTOMER, field="cf_trade", rule=rule)
    mine = reach_of(actor("林悦"), Customer, OVERVIEW)
    for name in ("customers.cf_deposit.sum", "customers.cf_deposit.average", "customers.cf_twice.sum"):
        with pytest.raises(Refused, match="field_not_permitted"):
            figures(name, scope=mine)
    orders = reach_of(actor("林悦"), Order, OVERVIEW)
    for more in ({"by": ("customer.cf_trade",)}, {"where": (Where(dimension="customer.cf_trade", op="in", values=("making",)),)}):
        with pytest.raises(Refused, match="field_not_permitted"):
            figures("orders.sales", scope=orders, **more)
    assert figures("orders.sales", scope=orders) == {(): (D(180),)}


def test_who_sees_no_customers_divides_by_nothing_of_theirs(shop: None) -> None:
    role = Role.objects.create(code="books", name="账房")
    given = ((OVERVIEW, "view"), (ORDER, "view"))
    Grant.objects.bulk_create(Grant(role=role, label=label, verb=verb, scope=Scope.ALL) for label, verb in given)
    user_of("林悦").roles.set([role])
    reach = reach_of(actor("林悦"), Order, OVERVIEW)
    assert figures("orders.sales", scope=reach) == {(): (D(9180),)}
    for by in ("customer.cf_trade", "grade", "segment"):
        with pytest.raises(Refused, match="field_not_permitted"):
            figures("orders.sales", by=(by,), scope=reach)


def test_a_new_field_comes_with_the_next_export_and_brings_only_its_table(shop: None) -> None:
    before = files()
    field(CUSTOMER, "星级", "choice", key="stars", choices=TRADES)
    give(Customer.objects.get(code="L1"), stars="making")
    with pytest.raises(Refused, match="field_not_in_lake"):
        figures("orders.sales", by=("customer.cf_stars",))
    score_here("lake")
    assert figures("orders.sales", by=("customer.cf_stars",)) == {("making",): (D(150),), (None,): (D(9030),)}
    assert {name for name in before if before[name] != files()[name]} == {"customers"}


def test_an_archived_field_goes_from_figures_at_once_and_from_the_lake_with_the_next_export(shop: None) -> None:
    archive(ORDER, "freight")
    archive(ORDER, "way")
    with pytest.raises(Refused, match="metric_unknown"):
        figures("orders.cf_freight.sum")
    score_here("lake")
    assert facts_here().orders is None
    assert figures("orders.count") == {(): (D(4),)}


def archive(label: str, key: str) -> None:
    archive_field(CustomField.objects.get(label=label, key=key), by=actor("管理员"))


def files() -> dict[str, tuple[str, ...]]:
    manifest = read_manifest(lake_here())
    assert manifest is not None
    return {name: manifest.files(name) for name in manifest.tables}


def test_a_changed_value_of_an_order_brings_its_month(shop: None) -> None:
    change_record(Order.objects.get(number="A3"), {"cf_freight": "5"}, by=actor("管理员"))
    score_here("lake")
    assert figures("orders.cf_freight.sum") == {(): (D("18.35"),)}


def test_every_own_figure_has_words_in_both_languages(shop: None) -> None:
    titles = {one.name: str(one.title) for one in metrics.own()}
    assert titles["customer.cf_trade"] == "客户的行业"
    assert titles["customers.cf_deposit.average"] == "客户的保证金平均"
    assert all(isinstance(one, Dimension) == (one.name.count(".") == 1) for one in metrics.own())


DAYS = f"kind=custom&start={day_ago(29)}&end={day_ago(0)}&vs=previous"


def card(name: str, **asked: str) -> Answer:
    params = "".join(f"&{key}={value}" for key, value in asked.items())
    return Web(user=user_of(name)).part(f"/analytics/overview/card/ask?{DAYS}{params}")


def test_the_card_divides_by_an_own_field_and_keeps_the_period(shop: None) -> None:
    assert 'hx-get="/analytics/overview/card/ask?' in Web(user=user_of("林悦")).get(f"/analytics/overview?{DAYS}").text
    page = card("林悦")
    assert values_of(page) == {"制造": "150.0000", "商贸": "30.0000"}
    assert f'<input type="hidden" name="start" value="{day_ago(29)}">' in page.text
    page = card("林悦", figure="customers.cf_deposit.sum", by="customer.cf_focus")
    assert values_of(page) == {"是": "100.5000", "否": "0.2500"}
    assert '<option value="customers.cf_deposit.sum" selected>客户的保证金合计</option>' in page.text


def test_the_card_answers_with_what_is_offered_whatever_is_asked(shop: None) -> None:
    page = card("林悦", figure="customers.cf_deposit.sum", by="product.cf_line")
    assert '<option value="customer.cf_trade" selected>' in page.text
    assert card("林悦", figure="no.such", by="month").status == 200


def test_a_value_opens_the_list_that_can_be_filtered_by_it(shop: None) -> None:
    assert "/customers/?cf_trade.in=making" not in card("林悦").text
    arrange_field(
        CustomField.objects.get(key="trade"), Wish(name="行业", kind="choice", choices=TRADES, is_filterable=True), by=actor("管理员")
    )
    bring_up_to_date()
    assert 'href="/customers/?cf_trade.in=making"' in card("林悦").text


def test_what_is_closed_is_not_offered(shop: None) -> None:
    for role in user_of("林悦").roles.all():
        FieldRule.objects.create(role=role, label=CUSTOMER, field="cf_deposit", rule=Rule.MASKED)
        FieldRule.objects.create(role=role, label=CUSTOMER, field="cf_trade", rule=Rule.HIDDEN)
    text = card("林悦", figure="customers.cf_deposit.sum", by="customer.cf_trade").text
    assert [word for word in ("保证金", "加倍", "行业", "制造", "100.5") if word in text] == []
    assert "签约日" in text


def values_of(page: Answer) -> dict[str, str]:
    return dict(re.findall(r'<td data-label="([^"]+)">.*?data-value="([^"]*)"', page.text))
