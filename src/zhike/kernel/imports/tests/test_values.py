"""Cells as people write them, and what becomes of them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.kernel.imports.numbers import decimals
from zhike.kernel.imports.values import ColumnEvidence, FieldShape, Kind, column_evidence, parse_column

Read = list[tuple[str | None, str | None]]


def read(kind: Kind, cells: list[str | None], shape: FieldShape | None = None) -> Read:
    frame = pl.DataFrame({"c": cells}, schema={"c": pl.String})
    values, errors = parse_column(frame, "c", shape or FieldShape(kind=kind), column_evidence(frame)["c"])
    return list(zip(values.to_list(), errors.to_list(), strict=True))


@pytest.mark.parametrize(
    ("cell", "value", "error"),
    [
        ("1,234.50", "1234.5", None),
        ("１２３．４５", "123.45", None),
        ("¥12.3万", "123000", None),
        ("2亿元", "200000000", None),
        ("-¥5", "-5", None),
        ("(1,000)", "-1000", None),
        ("12%", "0.12", None),
        ("1.2e3", "1200", None),
        ("125.43999999999998", "125.44", None),
        ("0.00005", "0.0001", None),
        ("-0.00005", "-0.0001", None),
        ("-0.00001", "0", None),
        ("9999999999999.9999", "9999999999999.9999", None),
        ("9999999999999.99995", None, "number_out_of_range"),
        ("1e400", None, "number_out_of_range"),
        ("1e99999999999999", None, "number_out_of_range"),
        ("nan", None, "number_out_of_range"),
        ("-inf", None, "number_out_of_range"),
        ("=cmd()", None, "number_invalid"),
        ("=1+1", None, "number_invalid"),
        ("@5", None, "number_invalid"),
        ("1,23,4", None, "number_invalid"),
        ("十二", None, "number_invalid"),
        ("  ", None, None),
    ],
)
def test_numbers_keep_their_exact_digits(cell: str, value: str | None, error: str | None) -> None:
    assert read(Kind.DECIMAL, [cell]) == [(value, error)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals(min_value=-(10**12), max_value=10**12, places=7), min_size=1, max_size=30))
def test_rounding_is_half_up_to_four_places_for_any_number(numbers: list[Decimal]) -> None:
    found = decimals(pl.Series([format(number, "f") for number in numbers]))
    wanted = [number.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP) for number in numbers]
    assert [Decimal(value) for value in found["value"]] == wanted
    assert found["error"].null_count() == len(numbers)


def test_decimal_commas_are_read_where_the_column_writes_them() -> None:
    assert read(Kind.DECIMAL, ["1.234,56", "12,5", "1.000"]) == [("1234.56", None), ("12.5", None), ("1000", None)]


def test_rates_lie_between_nothing_and_all() -> None:
    assert read(Kind.RATE, ["20%", "0.4", "1", "1.01", "-0.1"]) == [
        ("0.2", None),
        ("0.4", None),
        ("1", None),
        (None, "number_out_of_range"),
        (None, "number_out_of_range"),
    ]


def test_integers_take_whole_numbers_only() -> None:
    assert read(Kind.INTEGER, ["2.0", "2.5", "3000000000", "-4"]) == [
        ("2", None),
        (None, "integer_invalid"),
        (None, "number_out_of_range"),
        ("-4", None),
    ]


@pytest.mark.parametrize(
    ("cell", "value", "error"),
    [
        ("2024-03-05", "2024-03-05", None),
        ("2024/3/5", "2024-03-05", None),
        ("2024.3.5", "2024-03-05", None),
        ("20240305", "2024-03-05", None),
        ("2024年3月5日", "2024-03-05", None),
        ("２０２４－０３－０５", "2024-03-05", None),
        ("45356", "2024-03-05", None),
        ("Mar 5, 2024", "2024-03-05", None),
        ("2018-04-27 00:00:00", "2018-04-27", None),
        ("2024-03-05T20:00:00Z", "2024-03-06", None),
        ("2024-02-31", None, "date_invalid"),
        ("2月31日", None, "date_invalid"),
        ("2023-02-29", None, "date_invalid"),
        ("2024-03-05 25:00", None, "date_invalid"),
        ("=cmd()", None, "date_invalid"),
        ("0000-00-00", None, "date_invalid"),
        ("1899-12-31", None, "date_out_of_range"),
        ("2201-01-01", None, "date_out_of_range"),
    ],
)
def test_days_are_read_as_people_write_them(cell: str, value: str | None, error: str | None) -> None:
    assert read(Kind.DATE, [cell]) == [(value, error)]


def test_moments_without_a_zone_are_in_shanghai_and_come_out_in_utc() -> None:
    assert read(Kind.DATETIME, ["2024年3月5日 下午3时20分", "2024-03-05T16:00:00-05:00", "45356.5", "1986-07-01 12:00"]) == [
        ("2024-03-05T07:20:00+00:00", None),
        ("2024-03-05T21:00:00+00:00", None),
        ("2024-03-05T04:00:00+00:00", None),
        ("1986-07-01T03:00:00+00:00", None),
    ]


def test_the_order_of_day_and_month_is_decided_by_the_column() -> None:
    american = pl.DataFrame({"c": ["3/1/2017", "10/20/2016"]})
    british = pl.DataFrame({"c": ["3/1/2017", "20/10/2016"]})
    assert read(Kind.DATE, american["c"].to_list()) == [("2017-03-01", None), ("2016-10-20", None)]
    assert read(Kind.DATE, british["c"].to_list()) == [("2017-01-03", None), ("2016-10-20", None)]
    assert not column_evidence(british)["c"].is_date_ambiguous
    untold = column_evidence(pl.DataFrame({"c": ["3/1/2017", "4/5/2017"]}))["c"]
    assert untold.is_date_ambiguous
    assert (untold + column_evidence(british)["c"]).day_first
    mixed = column_evidence(pl.DataFrame({"c": ["31/1/2017", "1/31/2017"]}))["c"]
    assert mixed.is_date_ambiguous
    assert not (mixed + ColumnEvidence(told_day_first=True)).is_date_ambiguous


def test_phones_become_international_and_what_is_none_stays_as_typed() -> None:
    cells: list[str | None] = [
        "138 0013-8000", "0086 13800138000", "+86-13800138000", "１３８００１３８０００", "010-62345678",
        "(0571)87654321转803", "400-800-1234", "+1 650 253 0000", "95588", "找老王",
    ]  # fmt: skip
    assert [value for value, _ in read(Kind.PHONE, cells)] == [
        "+8613800138000", "+8613800138000", "+8613800138000", "+8613800138000", "+861062345678", "+8657187654321",
        "+864008001234", "+16502530000", "95588", "找老王",
    ]  # fmt: skip


def test_words_are_folded_and_unknown_ones_refused() -> None:
    grades = FieldShape(kind=Kind.CHOICE, choices={"重要": "key", "重点 客户": "key", "一般": "normal"})
    assert read(Kind.CHOICE, ["重要", " KEY ", "重点  客户", "？"], grades) == [
        ("key", None),
        ("key", None),
        ("key", None),
        (None, "choice_unknown"),
    ]
    assert read(Kind.BOOLEAN, ["是", "Y", "0", "也许"]) == [
        ("true", None),
        ("true", None),
        ("false", None),
        (None, "boolean_invalid"),
    ]
    assert read(Kind.CURRENCY, ["rmb", "￥", "USD", "XYZ"]) == [
        ("CNY", None),
        ("CNY", None),
        ("USD", None),
        (None, "currency_unknown"),
    ]
    assert read(Kind.EMAIL, ["A@b.cn", "mailto:x@y.com", "a@b", "=cmd()"]) == [
        ("a@b.cn", None),
        ("x@y.com", None),
        (None, "email_invalid"),
        (None, "email_invalid"),
    ]


def test_text_keeps_formulas_drops_controls_and_refuses_zero_bytes() -> None:
    shape = FieldShape(kind=Kind.TEXT, max_length=6, required=True)
    assert read(Kind.TEXT, ["=cmd()", "a\0b", " x\ty\x07 ", "一二三四五六七", None, "ＡＢＣ"], shape) == [
        ("=cmd()", None),
        (None, "text_has_nul"),
        ("x y", None),
        (None, "text_too_long"),
        (None, "required_missing"),
        ("ＡＢＣ", None),
    ]
    assert read(Kind.CODE, ["ＡＢＣ－１"]) == [("ABC-1", None)]
    assert read(Kind.LONG_TEXT, ["a\nb\x07"]) == [("a\nb", None)]


@pytest.mark.parametrize("kind", list(Kind))
def test_columns_of_nothing_and_of_no_rows_are_read(kind: Kind) -> None:
    assert read(kind, []) == []
    assert read(kind, [None, "", "  "]) == [(None, None)] * 3


@pytest.mark.parametrize("kind", list(Kind))
def test_repeated_and_single_cells_are_read_alike(kind: Kind) -> None:
    cells: list[str | None] = ["2024-03-05", "1,5", "是", "=cmd()", "13800138000", None, "CNY", "1e400"]
    assert read(kind, cells * 5) == read(kind, cells) * 5
