"""Headings of real files and the fields they are taken for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from zhike.kernel.imports.guessing import Guessable, guess_mapping, header_key
from zhike.kernel.imports.reading import open_source
from zhike.kernel.imports.tests.vocabulary import guessables
from zhike.kernel.imports.values import FieldShape, Kind, column_evidence, parse_column

DATA = Path(os.environ.get("ZHIKE_SHARED_DATA", Path(__file__).resolve().parents[6] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared data sets are not here: set ZHIKE_SHARED_DATA")


def mapping(columns: Mapping[str, Sequence[str | None]], target: str) -> dict[str, str]:
    sample = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return {guess.column: guess.field for guess in guess_mapping(tuple(columns), sample, guessables(target))}


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("InvoiceNo", "invoiceno"),
        ("invoice_no.", "invoiceno"),
        ("金额（元）", "金额"),
        ("ＳＫＵ", "sku"),
        ("(备注)", "备注"),
    ],
)
def test_headings_are_reduced_to_their_letters(heading: str, key: str) -> None:
    assert header_key(heading) == key


def test_a_customer_column_of_numbers_is_the_code_when_there_is_a_name() -> None:
    both = {"客户": ["C-1", "C-2"], "客户名称": ["张广胜", "单雄信"]}
    assert mapping(both, "customers") == {"客户": "customer.code", "客户名称": "customer.name"}
    assert mapping({"客户": ["张广胜", "单雄信"]}, "customers") == {"客户": "customer.name"}


def test_cells_that_do_not_fit_refuse_a_heading_and_speak_for_a_nameless_one() -> None:
    assert mapping({"日期": ["苹果", "梨"], "数量": ["1", "2"]}, "orders") == {"数量": "line.quantity"}
    found = mapping({"x1": ["13800138000", "13900139000"], "x2": ["a@b.cn", "c@d.cn"], "x3": ["甲", "乙"]}, "customers")
    assert found == {"x1": "customer.phone", "x2": "customer.email"}


def test_traditional_headings_are_found_by_the_fold_passed_in() -> None:
    columns = {"客戶名稱": ["甲"]}
    fold = str.maketrans({"戶": "户", "稱": "称"})
    target = Guessable(field="customer.name", names=("客户名称",), shape=FieldShape(kind=Kind.TEXT))
    found = guess_mapping(tuple(columns), pl.DataFrame(columns), [target], fold=lambda text: text.translate(fold))
    assert [(guess.field, guess.confidence, guess.reason) for guess in found] == [("customer.name", 1.0, "name")]


@needs_data
@pytest.mark.parametrize(
    ("file", "target", "wanted"),
    [
        (
            "zh_superstore/0_订单.csv.gz",
            "orders",
            {
                "行 ID": "line.key", "订单 ID": "order.number", "订单日期": "order.date", "发货日期": "order.shipped",
                "邮寄方式": "order.ship_mode", "客户 ID": "customer.code", "客户名称": "customer.name",
                "细分": "customer.category",
                "城市": "order.city", "省/自治区": "order.province", "国家": "order.country", "地区": "order.region",
                "产品 ID": "product.code", "类别": "product.category", "子类别": "product.sub_category",
                "产品名称": "product.name", "销售额": "line.amount", "数量": "line.quantity", "折扣": "line.discount",
                "利润": "line.profit",
            },
        ),
        ("zh_superstore/1_退货.csv.gz", "orders", {"订单 ID": "order.number", "退回": "order.returned"}),
        ("zh_superstore/2_销售人员.csv.gz", "orders", {"地区": "order.region"}),
        (
            "online_retail/online_retail.parquet",
            "orders",
            {
                "InvoiceNo": "order.number", "StockCode": "product.code", "Description": "product.name",
                "Quantity": "line.quantity", "InvoiceDate": "order.date", "UnitPrice": "line.unit_price",
                "CustomerID": "customer.code", "Country": "order.country",
            },
        ),
        (
            "cdnow/cdnow_sample_transactions.csv.gz",
            "orders",
            {"id": "customer.code", "dt": "order.date", "cds": "line.quantity", "amt": "line.amount"},
        ),
        (
            "crm_sales_opportunities/accounts.csv.gz",
            "customers",
            {"account": "customer.name", "sector": "customer.industry", "office_location": "customer.country"},
        ),
        (
            "crm_sales_opportunities/products.csv.gz",
            "products",
            {"product": "product.name", "series": "product.category", "sales_price": "product.price"},
        ),
    ],
)  # fmt: skip
def test_real_headings_are_guessed(file: str, target: str, wanted: dict[str, str]) -> None:
    with open_source(DATA / file) as source:
        found = guess_mapping(source.columns, source.sample(), guessables(target))
    assert {guess.column: guess.field for guess in found} == wanted


def total(file: str, columns: tuple[str, ...]) -> tuple[int, dict[str, Decimal]]:
    rows, sums = 0, dict.fromkeys(columns, Decimal(0))
    with open_source(DATA / file) as source:
        evidence = column_evidence(source.sample())
        for batch in source.batches():
            assert batch.broken == ()
            rows += batch.frame.height
            for name in columns:
                values, errors = parse_column(batch.frame, name, FieldShape(kind=Kind.DECIMAL), evidence[name])
                assert errors.null_count() == errors.len()
                sums[name] += Decimal(str(values.cast(pl.Decimal(38, 4)).sum()))
    return rows, sums


@needs_data
def test_the_superstore_comes_in_to_the_last_digit() -> None:
    assert total("zh_superstore/0_订单.csv.gz", ("销售额", "利润", "数量")) == (
        9959,
        {"销售额": Decimal("16068954.125"), "利润": Decimal("2147538.925"), "数量": Decimal(37534)},
    )


@needs_data
def test_the_wholesaler_comes_in_to_the_last_digit() -> None:
    sales = Decimal(0)
    with open_source(DATA / "online_retail/online_retail.parquet") as source:
        for batch in source.batches():
            price, _ = parse_column(batch.frame, "UnitPrice", FieldShape(kind=Kind.DECIMAL))
            quantity, _ = parse_column(batch.frame, "Quantity", FieldShape(kind=Kind.DECIMAL))
            amount = price.cast(pl.Decimal(18, 4)).to_frame("p").with_columns(q=quantity.cast(pl.Int64))
            units = amount.select((pl.col("p").cast(pl.String).str.replace(".", "", literal=True).cast(pl.Int64) * pl.col("q")).sum())
            sales += Decimal(int(units.item())).scaleb(-4)
    assert sales == Decimal("9747747.934")
