"""Figures that must come out, and who may see which part of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D
from pathlib import Path

import ibis
import polars as pl
import pytest

from zhike.analytics import metrics as declared
from zhike.analytics.compute import MetricQuery, Where, behind, compute
from zhike.analytics.facts import Facts
from zhike.kernel.errors import Refused
from zhike.kernel.metrics import Metric, metrics
from zhike.kernel.policy import Reach

from .lakes import facts_of, online_retail, superstore

KNOWN = Where(dimension="known", op="equals", values=(True,))
NO_DAYS = Where(dimension="day", op="range", values=())
NO_CITY = Where(dimension="city", op="equals", values=())
LIN_YUE, ZHOU_HANG = 1, 2


def line(order: str, customer: str | None, day: str, amount: str, **more: object) -> dict[str, object]:
    """One order line; the amount in yuan."""
    base = {"category": "空压机", "region": "华东", "status": "done", "owner_id": LIN_YUE, "team_id": 10}
    return base | {
        "order_id": order, "line_id": f"{order}-{amount}-{more.get('category', '')}", "customer_id": customer,
        "day": dt.date.fromisoformat(day), "amount": int(D(amount) * 10000), "quantity": 10000, "profit": None, **more,
    }  # fmt: skip


LINES = [
    line("A1", "c1", "2024-01-05", "100.5"),
    line("A1", "c1", "2024-01-05", "20", category="滤芯"),
    line("A2", "c1", "2024-02-05", "30", category="滤芯"),
    line("A3", "c2", "2024-02-06", "200", region="华南", owner_id=ZHOU_HANG, team_id=20),
    line("TH1", "c1", "2024-02-07", "-30", quantity=-10000),
    line("A4", "c2", "2024-07-01", "70", status="returned", region="华南", owner_id=ZHOU_HANG, team_id=10),
    line("A5", None, "2024-07-02", "9.9999", profit=12345, region=None, owner_id=None, team_id=None),
    line("A6", "c3", "2024-07-03", "0"),
]
PEOPLE = [
    {"customer_id": "c1", "code": "K001", "category": "公司", "grade": "key", "segment": 1},
    {"customer_id": "c2", "code": "K002", "category": "消费者", "grade": "", "segment": 8},
    {"customer_id": "c3", "code": "K003", "category": "消费者", "grade": "", "segment": 0},
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    lines = pl.DataFrame(LINES, infer_schema_length=None)
    return facts_of(tmp_path_factory.mktemp("small"), lines, pl.DataFrame(PEOPLE))


def figures(facts: Facts, *names: str, **more: object) -> dict[tuple[object, ...], tuple[D | None, ...]]:
    """Values by keys."""
    return {row.keys: row.values for row in compute(facts, MetricQuery(metrics=names, **more)).rows}  # type: ignore[arg-type]


def test_superstore_totals_come_out_to_the_last_decimal(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, *superstore())
    names = ("orders.sales", "orders.profit", "orders.quantity", "orders.count", "customers.buyers")
    assert figures(facts, *names) == {(): (D("16068954.125"), D("2147538.925"), D(37534), D(2770), D(790))}
    assert {key[0]: value[0] for key, value in figures(facts, "orders.sales", by=("region",)).items()} == {
        "华东": D("4684506.442"), "中南": D("4137415.093"), "东北": D("2681567.469"),
        "华北": D("2447301.017"), "西南": D("1303124.508"), "西北": D("815039.596"),
    }  # fmt: skip


def test_online_retail_totals_with_and_without_unknown_customers(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, online_retail())
    assert figures(facts, "orders.sales") == {(): (D("9747747.934"),)}
    known = figures(facts, "customers.buyers", "orders.count", "orders.gross", where=(KNOWN,))
    assert known == {(): (D(4338), D(18532), D("8911407.904"))}
    halves = figures(facts, "customers.new_buyers", by=("half_year",))
    assert sum(value[0] or 0 for value in halves.values()) == 4338


def test_returns_subtract_and_a_returned_order_counts_gross_only(small: Facts) -> None:
    names = ("orders.gross", "orders.returns", "orders.sales", "orders.count", "orders.quantity")
    assert figures(small, *names) == {(): (D("430.4999"), D(100), D("330.4999"), D(5), D(5))}


def test_profit_of_lines_without_cost_is_unknown_not_zero(small: Facts) -> None:
    assert figures(small, "orders.profit", by=("known",)) == {(False,): (D("1.2345"),), (True,): (None,)}


def test_new_and_returning_buyers_by_half_year(small: Facts) -> None:
    names = ("customers.buyers", "customers.new_buyers", "customers.returning_buyers", "customers.repeat_rate")
    assert figures(small, *names, by=("half_year",)) == {
        (dt.date(2024, 1, 1),): (D(2), D(2), D(0), D("0.5")),
        (dt.date(2024, 7, 1),): (D(1), D(0), D(1), D(0)),
    }


def test_a_ratio_over_nothing_has_no_value_and_a_sum_over_nothing_is_zero(small: Facts) -> None:
    names = ("orders.sales", "orders.count", "orders.average", "customers.repeat_rate")
    assert figures(small, *names, start=dt.date(2030, 1, 1)) == {(): (D(0), D(0), None, None)}


def test_days_include_both_ends(small: Facts) -> None:
    inside = {"start": dt.date(2024, 2, 5), "end": dt.date(2024, 2, 6)}
    assert figures(small, "orders.sales", **inside) == {(): (D(230),)}


def test_orders_that_share_a_number_count_once_and_are_bought_twice(tmp_path: Path) -> None:
    shared = {"split_number": "CN-1"}
    rows = [
        line("a", "c1", "2024-01-05", "10", **shared),
        line("b", "c1", "2024-01-09", "5", **shared),
        line("c", "c2", "2024-01-09", "1", split_number=None),
    ]
    facts = facts_of(tmp_path, pl.DataFrame(rows, infer_schema_length=None))
    assert figures(facts, "orders.count", "customers.repeat_buyers") == {(): (D(2), D(1))}
    assert figures(facts, "orders.count", by=("category",)) == {("空压机",): (D(2),)}


def test_an_order_in_two_categories_counts_once_in_each_and_once_in_all(small: Facts) -> None:
    table = compute(small, MetricQuery(metrics=("orders.count",), by=("category",), total=True))
    assert {row.keys[0]: row.values[0] for row in table.rows} == {"滤芯": D(2), "空压机": D(4)}
    assert table.total is not None
    assert table.total.values == (D(5),)


@pytest.mark.parametrize("name", [m.name for m in metrics if m.quick or m.quick_each])
def test_the_quick_form_gives_the_same_figure(small: Facts, name: str) -> None:
    quick = figures(small, name, by=("region", "month"))
    slow = [d.name for d in metrics.dimensions() if d.fine][:1]
    everything = Where(dimension=slow[0], op="in", values=("空压机", "滤芯"))
    assert figures(small, name, by=("region", "month"), where=(everything,)) == quick


def test_own_team_all_and_none_see_their_part(small: Facts) -> None:
    def seen(scope: Reach) -> D | None:
        return figures(small, "orders.gross", scope=scope)[()][0]

    assert seen(Reach(kind="all")) == D("430.4999")
    assert seen(Reach(kind="own", user_id=ZHOU_HANG)) == D(270)
    assert seen(Reach(kind="teams", user_id=ZHOU_HANG, team_ids=(10,))) == D("420.5")
    assert seen(Reach(kind="teams", user_id=99, team_ids=())) == D(0)
    assert seen(Reach(kind="none")) == D(0)
    assert seen(Reach(kind="own")) == D(0)


def test_groups_of_others_do_not_even_appear(small: Facts) -> None:
    mine = Reach(kind="own", user_id=LIN_YUE)
    table = compute(small, MetricQuery(metrics=("orders.gross",), by=("owner",), scope=mine))
    assert [row.keys for row in table.rows] == [(LIN_YUE,)]


def test_filters_equals_in_and_range(small: Facts) -> None:
    def sales(*where: Where) -> D | None:
        return figures(small, "orders.sales", where=where)[()][0]

    assert sales(Where(dimension="region", op="equals", values=("华南",))) == D(200)
    assert sales(Where(dimension="region", op="in", values=("华南", None))) == D("209.9999")
    assert sales(Where(dimension="segment", op="range", values=(1, 7))) == D("120.5")
    assert sales(Where(dimension="month", op="range", values=(dt.date(2024, 2, 1), None))) == D("209.9999")
    assert sales(Where(dimension="region", op="in", values=())) == D(0)


def test_rows_follow_their_keys_with_the_empty_one_last_or_a_metric(small: Facts) -> None:
    assert list(figures(small, "orders.sales", by=("region",))) == [("华东",), ("华南",), (None,)]
    table = compute(small, MetricQuery(metrics=("orders.sales",), by=("region",), sort="orders.sales", limit=1))
    assert ([row.keys for row in table.rows], table.found) == ([("华南",)], 3)


def test_customer_columns_divide_order_figures(small: Facts) -> None:
    sales = figures(small, "orders.sales", "customers.buyers", by=("customer_category",))
    assert sales == {("公司",): (D("120.5"), D(1)), ("消费者",): (D(200), D(1)), (None,): (D("9.9999"), D(0))}


def test_a_figure_opens_to_its_records(small: Facts) -> None:
    def opened(name: str, column: str) -> tuple[str, ...]:
        return behind(small, MetricQuery(metrics=(name,)), column=column, limit=10)  # type: ignore[arg-type]

    assert opened("orders.count", "order_id") == ("A1", "A2", "A3", "A4", "A5")
    assert opened("orders.returns", "order_id") == ("A4", "TH1")
    assert opened("customers.buyers", "customer_id") == ("c1", "c2")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (MetricQuery(metrics=("orders.beauty",)), "metric_unknown"),
        (MetricQuery(metrics=("orders.sales",), by=("moon",)), "dimension_unknown"),
        (MetricQuery(metrics=("orders.sales",), sort="orders.count"), "metric_unknown"),
        (MetricQuery(metrics=("orders.sales",), where=(NO_DAYS,)), "filter_invalid"),
        (MetricQuery(metrics=("orders.sales",), where=(NO_CITY,)), "filter_invalid"),
    ],
)
def test_what_is_not_declared_is_refused_by_name(small: Facts, query: MetricQuery, code: str) -> None:
    with pytest.raises(Refused) as refused:
        compute(small, query)
    assert refused.value.code == code


def test_every_metric_says_what_it_is() -> None:
    assert declared.ALL
    for metric in metrics:
        assert str(metric.title)
        assert str(metric.formula_text)


def test_a_metric_needs_exactly_one_form() -> None:
    with pytest.raises(ValueError, match=r"orders\.nothing"):
        Metric(name="orders.nothing", title="x", unit="count", grain="x", fact="x", formula_text="x", dimensions=())


def test_every_formula_can_be_said_to_spark(small: Facts) -> None:
    sales = ibis.table(small.sales.schema(), name="sales")
    customers = ibis.table(small.customers.schema(), name="customers")
    beside = customers.select(known_key=customers.customer_key, first_day=customers.first_day)
    rows = sales.left_join(beside, sales.customer_key == beside.known_key)
    for metric in metrics:
        frame = rows.group_by(metric.per).aggregate(each=metric.each(rows)) if metric.each else rows
        if metric.formula:
            assert "SELECT" in ibis.to_sql(frame.aggregate(figure=metric.formula(frame)), dialect="pyspark")
