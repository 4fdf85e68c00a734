"""RFM: scores, ties, bands, segments, and the same sentence for Spark."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D
from pathlib import Path

import ibis
import polars as pl
import pyarrow as pa
import pytest

from zhike.analytics.facts import Facts
from zhike.analytics.rfm import SEGMENTS, Bands, Move, RfmRule, heat, movement, score, scored, summary
from zhike.kernel.errors import Refused

from .lakes import facts_of, online_retail

AS_OF = dt.date(2024, 12, 31)
BANDS = Bands(recency=(7, 30, 90, 180), frequency=(10, 5, 3, 2), monetary=(D(5000), D(1000), D("500.50"), D(100)))


def buyer(name: str, *, days_ago: int, orders: int, each: str) -> list[dict[str, object]]:
    """Equal orders of one customer, the last of them so many days ago, one a day."""
    return [
        {
            "order_id": f"{name}-{n}", "line_id": f"{name}-{n}", "customer_id": name,
            "day": AS_OF - dt.timedelta(days=days_ago + n), "amount": int(D(each) * 10000), "status": "done",
        }
        for n in range(orders)
    ]  # fmt: skip


def lake(folder: Path, *buyers: list[dict[str, object]], codes: dict[str, str] | None = None) -> Facts:
    rows = pl.DataFrame([row for one in buyers for row in one])
    known = pl.DataFrame({"customer_id": list(codes), "code": list(codes.values())}) if codes else None
    return facts_of(folder, rows, known)


def by_customer(scores: pa.Table, *columns: str) -> dict[str, tuple[object, ...]]:
    return {row["customer_id"]: tuple(row[c] for c in columns) for row in scores.to_pylist()}


def test_bands_give_scores_at_their_very_limits(tmp_path: Path) -> None:
    facts = lake(
        tmp_path,
        buyer("a", days_ago=7, orders=10, each="500"),
        buyer("b", days_ago=8, orders=9, each="111.1111"),
        buyer("c", days_ago=180, orders=1, each="100"),
        buyer("d", days_ago=181, orders=1, each="99.9999"),
    )
    scores = score(facts, RfmRule(as_of=AS_OF, bands=BANDS))
    found = by_customer(scores, "recency_days", "frequency", "monetary", "r", "f", "m")
    assert found == {
        "a": (7, 10, 50_000_000, 5, 5, 5),
        "b": (8, 9, 9_999_999, 4, 4, 3),
        "c": (180, 1, 1_000_000, 2, 1, 2),
        "d": (181, 1, 999_999, 1, 1, 1),
    }


def test_all_eight_segments_have_their_place(tmp_path: Path) -> None:
    buyers, expected = [], {}
    for segment, (recent, often, much) in SEGMENTS.items():
        name, orders = f"s{segment}", 5 if often else 1
        total = D(2000) if much else D(50)
        buyers.append(buyer(name, days_ago=10 if recent else 100, orders=orders, each=str(total / orders)))
        expected[name] = (segment,)
    scores = score(lake(tmp_path, *buyers), RfmRule(as_of=AS_OF, bands=BANDS))
    assert by_customer(scores, "segment") == expected
    lines = [(one.segment, one.customers, one.share) for one in summary(scores)]
    assert lines == [(n, 1, D("0.125")) for n in range(1, 9)]


def test_equal_customers_are_cut_by_code_then_id(tmp_path: Path) -> None:
    names = [f"u{n}" for n in range(10)]
    codes = {name: f"K{9 - n // 2}" for n, name in enumerate(names)}  # codes fall as ids rise, two ids a code
    facts = lake(tmp_path, *(buyer(name, days_ago=3, orders=1, each="10") for name in names), codes=codes)
    found = by_customer(score(facts, RfmRule(as_of=AS_OF)), "r", "f", "m")
    assert found == {f"u{n}": (5 - n // 2,) * 3 for n in range(10)}


def test_the_window_ends_on_the_day_and_leaves_out_older_orders(tmp_path: Path) -> None:
    facts = lake(
        tmp_path,
        buyer("inside", days_ago=29, orders=2, each="10"),
        buyer("outside", days_ago=30, orders=1, each="10"),
        buyer("tomorrow", days_ago=-1, orders=1, each="10"),
    )
    assert by_customer(score(facts, RfmRule(as_of=AS_OF, days=30)), "frequency") == {"inside": (1,)}
    assert by_customer(score(facts, RfmRule(as_of=AS_OF, days=None)), "frequency") == {"inside": (2,), "outside": (1,)}


def test_a_return_lowers_money_but_is_no_purchase(tmp_path: Path) -> None:
    rows = buyer("a", days_ago=50, orders=1, each="100")
    rows += [row | {"order_id": "TH", "line_id": "TH"} for row in buyer("a", days_ago=1, orders=1, each="-40")]
    rows += buyer("only-returns", days_ago=1, orders=1, each="-5")
    found = by_customer(score(lake(tmp_path, rows), RfmRule(as_of=AS_OF)), "recency_days", "frequency", "monetary")
    assert found == {"a": (50, 1, 600_000)}


def test_online_retail_adds_up_in_segments_and_heat(tmp_path: Path) -> None:
    raw = online_retail()
    buyers = raw.filter(pl.col("amount") > 0)["customer_id"].drop_nulls().unique()
    net = raw.filter(pl.col("customer_id").is_in(buyers.implode()))["amount"].sum()
    facts = facts_of(tmp_path, raw)
    scores = score(facts, RfmRule(as_of=dt.date(2011, 12, 9), days=None))
    lines, cells = summary(scores), heat(scores)
    assert (sum(x.customers for x in lines), sum(c.customers for c in cells), len(cells)) == (4338, 4338, 25)
    assert sum(x.sales for x in lines) == sum(c.sales for c in cells) == D(net).scaleb(-4)
    assert [sum(c.customers for c in cells if c.r == r) for r in range(5, 0, -1)] == [867, 867, 868, 868, 868]
    assert score(facts, RfmRule(as_of=dt.date(2011, 12, 9), days=None)).sort_by("code") == scores.sort_by("code")


def test_movement_counts_everyone_who_is_in_a_segment_before_or_after() -> None:
    before = pa.table({"customer_id": ["a", "b", "c", "z"], "segment": [1, 1, 8, 0]})
    after = pa.table({"customer_id": ["a", "b", "d", "z"], "segment": [1, 4, 2, 0]})
    assert movement(before, after) == (
        Move(before=0, after=2, customers=1),
        Move(before=1, after=1, customers=1),
        Move(before=1, after=4, customers=1),
        Move(before=8, after=0, customers=1),
    )


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(Refused, match="bands_not_in_order"):
        Bands(recency=(7, 7, 90, 180), frequency=(10, 5, 3, 2), monetary=(D(4), D(3), D(2), D(1)))
    with pytest.raises(Refused, match="rfm_rule_invalid"):
        RfmRule(as_of=AS_OF, high=1)


@pytest.mark.parametrize("bands", [None, BANDS])
def test_the_same_expression_can_be_said_to_spark(tmp_path: Path, bands: Bands | None) -> None:
    real = lake(tmp_path, buyer("a", days_ago=1, orders=1, each="1"))
    facts = Facts(
        sales=ibis.table(real.sales.schema(), name="sales"),
        customers=ibis.table(real.customers.schema(), name="customers"),
    )
    sql = ibis.to_sql(scored(facts, RfmRule(as_of=AS_OF, bands=bands)), dialect="pyspark")
    assert ("NTILE(5)" in sql) is (bands is None)
