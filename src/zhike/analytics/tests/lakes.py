"""Small lakes for tests, written by the same code that writes those of companies."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from zhike.analytics.facts import Facts, Kinds, lake_tables, open_facts
from zhike.kernel.lake.export import LakeTable
from zhike.kernel.lake.manifest import Manifest, Part, write_manifest
from zhike.kernel.lake.spool import Spool, finish

SALES, CUSTOMERS = lake_tables(Kinds(order=1, line=2, product=3))
MADE = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def facts_of(folder: Path, sales: pl.DataFrame, customers: pl.DataFrame | None = None) -> Facts:
    """A lake of these rows; columns that are not given are empty, an order's status is "done" and its number its own."""
    parts = {"sales": _parts(folder, SALES, sales), "customers": _parts(folder, CUSTOMERS, _people(sales, customers))}
    write_manifest(folder, Manifest(watermark=MADE, made_at=MADE, tables=parts))
    return open_facts(folder)


def shared(name: str) -> Path:
    """A file of the sample data; the test is skipped where it is not at hand."""
    near = Path(__file__).resolve().parents[4].parent / "shared" / "data"
    path = Path(os.environ.get("ZHIKE_SHARED_DATA", near)) / name
    if not path.exists():
        pytest.skip(f"sample data {name} is not here; set ZHIKE_SHARED_DATA to its folder")
    return path


def superstore() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Order lines and customers of the Chinese superstore, amounts with four decimals."""
    raw = pl.read_csv(shared("zh_superstore/0_订单.csv.gz"))
    sales = raw.select(
        # half of the numbers stand for several customers and days, so these make one order together
        order_id=pl.concat_str("订单 ID", "客户 ID", "订单日期", separator="|"),
        number=pl.col("订单 ID"),
        split_number=pl.when(pl.struct("客户 ID", "订单日期").n_unique().over("订单 ID") > 1).then("订单 ID"),
        line_id=pl.col("行 ID").cast(pl.String).str.zfill(8),
        customer_id=pl.col("客户 ID"),
        product_id=pl.col("产品 ID"),
        product_name=pl.col("产品名称"),
        category=pl.col("类别"),
        sub_category=pl.col("子类别"),
        region=pl.col("地区"),
        day=pl.col("订单日期").str.slice(0, 10).str.to_date(),
        amount=(pl.col("销售额") * 10000).round().cast(pl.Int64),
        profit=(pl.col("利润") * 10000).round().cast(pl.Int64),
        quantity=pl.col("数量").cast(pl.Int64) * 10000,
    )
    people = raw.unique("客户 ID").select(customer_id="客户 ID", code="客户 ID", category="细分")
    return sales, people


def online_retail() -> pl.DataFrame:
    """Invoice lines of the British wholesaler as they are."""
    raw = pl.read_parquet(shared("online_retail/online_retail.parquet")).with_row_index("line")
    return raw.select(
        order_id=pl.col("InvoiceNo"),
        line_id=pl.col("line").cast(pl.String).str.zfill(8),
        customer_id=pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        product_id=pl.col("StockCode"),
        product_name=pl.col("Description"),
        country=pl.col("Country"),
        ordered_at=pl.col("InvoiceDate"),
        day=pl.col("InvoiceDate").dt.date(),
        amount=(pl.col("Quantity") * (pl.col("UnitPrice") * 10000).round().cast(pl.Int64)),
        quantity=pl.col("Quantity").cast(pl.Int64) * 10000,
    )


def _people(sales: pl.DataFrame, customers: pl.DataFrame | None) -> pl.DataFrame:
    """The customers given, or those of the sales; with the day of their first purchase."""
    people = customers if customers is not None else sales.select("customer_id", code="customer_id").unique("customer_id")
    first = sales.filter(pl.col("amount") > 0).group_by("customer_id").agg(first_day=pl.col("day").min())
    return people.drop_nulls("customer_id").join(first, on="customer_id", how="left")


def _parts(folder: Path, table: LakeTable, rows: pl.DataFrame) -> dict[str, Part]:
    spool = folder / f"spool-{table.name}"
    spool.mkdir(parents=True)
    batches = _filled(table, rows).to_batches()
    spooled = Spool(spool, columns=table.columns, month_of=table.month_of).fill(batches)
    return {one.month: finish(one, lake=folder, table=table.name, sql=table.finish_sql) for one in spooled}


def _filled(table: LakeTable, rows: pl.DataFrame) -> pa.Table:
    given = rows.to_arrow()
    empty = {name: pa.nulls(rows.height, pa.type_for_alias(alias)) for name, alias in table.columns}
    if "status" in empty:
        empty["status"] = pa.array(["done"] * rows.height)
    columns = {name: given[name] if name in given.column_names else empty[name] for name, _ in table.columns}
    schema = pa.schema([(name, pa.type_for_alias(alias)) for name, alias in table.columns])
    return pa.table(columns).cast(schema)
