"""Real files come in as they are, to the last digit; once more changes nothing; taken back leaves nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.flows.bringing_in import bring_in, history_count, one, picture, rows, shared_data
from zhike.kernel.actor import SYSTEM
from zhike.kernel.imports import running

DATA = shared_data() or Path("/nowhere")
pytestmark = pytest.mark.skipif(shared_data() is None, reason="The real data sets are not here: set ZHIKE_SHARED_DATA.")

SUPERSTORE = DATA / "zh_superstore" / "0_订单.csv.gz"
RETURNS = DATA / "zh_superstore" / "1_退货.csv.gz"
RETAIL = DATA / "online_retail" / "online_retail.parquet"
CDNOW = DATA / "cdnow" / "cdnow_sample_transactions.csv.gz"


def test_the_superstore_comes_in_exactly(db: None) -> None:
    run = bring_in(SUPERSTORE, "orders")
    assert (run.state, run.counts["read"], run.counts["refused"]) == ("done", 9959, 0)
    assert rows("select sum(amount), sum(profit), sum(quantity) from orders_orderline") == [
        (Decimal("16068954.1250"), Decimal("2147538.9250"), Decimal("37534.0000"))
    ]
    assert one("select count(distinct number) from orders_order") == 2770
    assert rows("select count(*), count(distinct name) from customers_customer") == [(790, 771)]
    assert one("select sum(amount) from orders_order") == Decimal("16068954.1250")
    assert one("select sum(sales) from customers_customer") == Decimal("16068954.1250")


def test_sales_by_region_are_those_of_the_rows(db: None) -> None:
    bring_in(SUPERSTORE, "orders")
    found = rows("select region, round(sum(amount), 2) from orders_order group by 1")
    assert dict(found) == {
        "华东": Decimal("4684506.44"), "中南": Decimal("4137415.09"), "东北": Decimal("2681567.47"),
        "华北": Decimal("2447301.02"), "西南": Decimal("1303124.51"), "西北": Decimal("815039.60"),
    }  # fmt: skip


def test_the_same_file_again_writes_nothing(db: None) -> None:
    bring_in(SUPERSTORE, "orders")
    before, entries = picture(), history_count()
    again = bring_in(SUPERSTORE, "orders")
    assert [again.counts[name]["unchanged"] for name in ("customer", "line")] == [790, 9959]
    assert {again.counts[name][verb] for name in ("customer", "product", "order", "line") for verb in ("inserted", "updated")} == {0}
    assert (picture(), history_count()) == (before, entries)


def test_returns_mark_their_orders_and_undo_puts_everything_back(db: None) -> None:
    empty = picture()
    first = bring_in(SUPERSTORE, "orders")
    full = picture()
    returns = bring_in(RETURNS, "orders", mode="update")
    assert one("select count(distinct number) from orders_order where status = 'returned'") == 296
    marked = one("select count(*) from orders_order where status = 'returned'")
    assert one("select count(*) from orders_order where number in (select number from orders_order where status = 'returned')") == marked
    assert (returns.counts["order"]["updated"], returns.counts["order"]["unchanged"]) == (marked, 0)
    assert running.undo(returns, SYSTEM).restored == marked
    assert picture() == full
    assert running.undo(first, SYSTEM).kept_count == 0
    assert picture() == empty


@pytest.mark.slow
def test_online_retail_comes_in_exactly(db: None) -> None:
    run = bring_in(RETAIL, "orders")
    assert (run.counts["read"], run.counts["refused"]) == (541909, 0)
    assert rows("select sum(amount), count(*) from orders_orderline") == [(Decimal("9747747.9340"), 541909)]
    assert one("select sum(lines_count) from orders_order where customer_id is null") == 135080
    assert one("select count(*) from orders_orderline l join orders_order o on o.id = l.order_id where o.number like 'C%'") == 9288
    known = (
        "select count(distinct o.customer_id), count(distinct o.id), round(sum(l.amount), 2) from orders_orderline l join orders_order o on o.id = l.order_id "
        "where o.customer_id is not null and l.quantity > 0 and l.unit_price > 0 and o.number not like 'C%'"
    )
    assert rows(known) == [(4338, 18532, Decimal("8911407.90"))]
    entries = history_count()
    again = bring_in(RETAIL, "orders")
    assert again.counts["line"]["unchanged"] == 541909
    assert history_count() == entries


def test_purchases_without_numbers_get_steady_ones(db: None) -> None:
    bring_in(CDNOW, "orders")
    assert rows("select count(*), sum(amount) from orders_order") == [(6919, Decimal("244091.9400"))]
    assert one("select count(*) from customers_customer") == 2357
    entries = history_count()
    bring_in(CDNOW, "orders")
    assert history_count() == entries
