"""The superstore, imported as it is, then counted and scored."""

from __future__ import annotations

from decimal import Decimal as D

from zhike.analytics.compute import MetricQuery, compute
from zhike.analytics.place import facts_here
from zhike.analytics.queries import current_run, value_of
from zhike.customers.models import Customer
from zhike.kernel.actor import SYSTEM
from zhike.kernel.imports import running
from zhike.kernel.policy import Reach

from .lakes import shared
from .shop import score_here


def test_the_superstore_counts_as_its_numbers_say(committed: object) -> None:
    path = shared("zh_superstore/0_订单.csv.gz")
    mapping = running.propose(path, "orders").mapping
    run = running.new_run(path, target="orders", mapping={column: field for column, field in mapping.items() if field}, by=SYSTEM)
    assert running.work(run).state == "done"
    score_here()
    names = ("orders.sales", "orders.count", "customers.buyers")
    assert compute(facts_here(), MetricQuery(metrics=names)).rows[0].values == (D("16068954.125"), D(2770), D(790))
    by_region = compute(facts_here(), MetricQuery(metrics=("orders.sales",), by=("region",)))
    assert {row.keys[0]: row.values[0] for row in by_region.rows} == {
        "华东": D("4684506.442"), "中南": D("4137415.093"), "东北": D("2681567.469"),
        "华北": D("2447301.017"), "西南": D("1303124.508"), "西北": D("815039.596"),
    }  # fmt: skip
    scored = current_run()
    assert scored is not None
    value = value_of(Reach(kind="all"), scored)
    assert value.total.customers == Customer.objects.filter(rfm__gt=0).count() == scored.customers
    assert sum(line.sums.sales for line in value.segments) == value.total.sales
