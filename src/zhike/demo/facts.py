"""What follows from a demo's orders for each customer, worked out before any row is written.

The same rules as `zhike.orders.totals` and `zhike.analytics.rfm`, so that working them out again changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import ibis
import numpy as np
import polars as pl

from zhike.analytics.facts import Facts
from zhike.analytics.rfm import RfmRule, score
from zhike.demo.arrays import decimals
from zhike.demo.orders import order_frames
from zhike.demo.size import Chunk, DemoSize
from zhike.demo.traits import traits

Told = Callable[[str, int], None]

NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SALES = ("customer_id", "day", "gross", "sales", "first_sale")


def known_facts(size: DemoSize, told: Told) -> pl.DataFrame:
    """One row a customer in order of number: orders, sales, first and last purchase, segment and scores.

    `told` hears "facts" and how many orders were counted.
    """
    sums, sales = [], []
    for chunk in size.chunks():
        orders = _counting(size, chunk)
        sums.append(_sums(orders, chunk))
        sales.append(orders.select(_SALES))
        told("facts", chunk.orders_stop)
    scores = _scores(size, pl.concat(sales))
    facts = pl.concat(sums).join(scores, on="customer_id", how="left", maintain_order="left")
    return facts.drop("customer_id").with_columns(pl.col("segment", "rfm").fill_null(0))


def _counting(size: DemoSize, chunk: Chunk) -> pl.DataFrame:
    """Orders that are not cancelled; a customer's number stands for its id, money is in ten-thousandths."""
    orders, _lines = order_frames(size, chunk)
    numbers = pl.DataFrame({"id": traits(size, chunk).ids, "place": np.arange(chunk.start, chunk.stop)})
    kept = orders.lazy().filter(pl.col("status") != "cancelled").join(numbers.lazy(), left_on="customer_id", right_on="id")
    return kept.select(
        "ordered_at",
        customer_id="place",
        day=pl.col("ordered_at").dt.convert_time_zone("Asia/Shanghai").dt.date(),
        gross=_whole("gross"),
        sales=pl.when(pl.col("status") == "returned").then(0).otherwise(_whole("amount")),
        first_sale=(pl.col("gross") > 0).cast(pl.Int8),
    ).collect()


def _whole(money: str) -> pl.Expr:
    return (pl.col(money) * 10_000).cast(pl.Int64)


def _sums(orders: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    bought = pl.col("ordered_at").filter(pl.col("first_sale") > 0)
    found = orders.group_by("customer_id").agg(
        orders_count=pl.col("first_sale").sum().cast(pl.Int32),
        sales=pl.col("sales").sum(),
        first_order_at=bought.min(),
        last_order_at=bought.max(),
    )
    everyone = pl.DataFrame({"customer_id": np.arange(chunk.start, chunk.stop)})
    known = everyone.join(found, on="customer_id", how="left", maintain_order="left")
    sales = decimals(known["sales"].fill_null(0).to_numpy())
    return known.with_columns(pl.col("orders_count").fill_null(0), pl.col("last_order_at").fill_null(NEVER), sales=sales)


def _scores(size: DemoSize, sales: pl.DataFrame) -> pl.DataFrame:
    """Segments and scores by the product's own rule as of the last day; codes rise with the customers' numbers."""
    engine = ibis.duckdb.connect(memory_limit="1GB", threads=2)
    engine.raw_sql("set enable_progress_bar = false")
    lines = engine.create_table("sales", sales.to_arrow())
    people = lines.distinct(on="customer_id").select("customer_id", code=lines.customer_id.cast("string").lpad(9, "0"))
    last_day = size.end - dt.timedelta(days=1)
    found = score(Facts(sales=lines, customers=people), RfmRule(as_of=last_day))
    engine.disconnect()
    frame = pl.DataFrame(found)
    return frame.select(
        "customer_id",
        segment=pl.col("segment").cast(pl.Int16),
        rfm=(pl.col("r") * 100 + pl.col("f") * 10 + pl.col("m")).cast(pl.Int16),
    )
