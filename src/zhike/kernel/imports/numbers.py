"""Numbers as people write them, turned into plain decimal text without ever passing through a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")


PLACES = 4
LIMIT = Decimal(10) ** 13
INTEGER_LIMIT = 2**31 - 1
_PLAIN = r"^[+-]?\d{1,13}(?:\.\d*)?$"
_GROUPED = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$"
_COMMA_GROUPED = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+)$"
_UNITS = {"万": Decimal(10_000), "亿": Decimal(100_000_000), "千": Decimal(1000), "百万": Decimal(1_000_000)}
_MONEY = re.compile(r"^(?:[¥￥$€£]|CNY|RMB|USD|HKD|EUR|人民币)|(?:元|圆|块|CNY|RMB|USD|HKD|EUR)$", re.IGNORECASE)
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_STEP = Decimal(1).scaleb(-PLACES)
_BEYOND = re.compile(r"[+-]?(?:inf|infinity|nan|∞)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?|[+-]?\d{1,4}(?:,\d{4})+(?:\.\d*)?")
_COMMA_DECIMAL = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?|[+-]?\d+,\d+")


def decimals(column: pl.Series, *, decimal_comma: bool = False, is_rate: bool = False) -> pl.DataFrame:
    """Return `value` (plain text, half up to four places, below 1e13) and `error` of NFKC-folded text.

    Errors: `number_invalid`, `number_out_of_range` (also 1e400, inf, nan, and a rate not within 0 to 1).
    """
    texts = column.str.strip_chars().rename("text").to_frame()
    # 1,234.50 is common enough to be taken off here; everything stranger goes to the exact reader below.
    bare = pl.col("text").str.replace_all("." if decimal_comma else ",", "", literal=True).str.replace(",", ".")
    is_grouped = pl.col("text").str.contains(_COMMA_GROUPED if decimal_comma else _GROUPED)
    texts = texts.select(pl.when(is_grouped).then(bare).otherwise(pl.col("text")).alias("text"))
    plain = texts.select(_plain_value(is_rate=is_rate)).to_series()
    odd = texts.filter(plain.is_null() & texts["text"].is_not_null())["text"].unique()
    if not odd.len():
        return pl.DataFrame({"value": plain, "error": pl.Series([None], dtype=pl.String).new_from_index(0, plain.len())})
    read = [exact_decimal(text, decimal_comma=decimal_comma, is_rate=is_rate) for text in odd.to_list()]
    answers = pl.DataFrame(
        {"text": odd, "odd": [value for value, _ in read], "error": [error for _, error in read]},
        schema={"text": pl.String, "odd": pl.String, "error": pl.String},
    )
    joined = texts.with_columns(plain.alias("plain")).join(answers, on="text", how="left", maintain_order="left")
    return joined.select(value=pl.coalesce("plain", "odd"), error="error")


def _plain_value(*, is_rate: bool) -> pl.Expr:
    """Read digits with at most one point in whole ten-thousandths (below 1e17, so Int64 is exact)."""
    text = pl.col("text")
    parts = text.str.strip_chars_start("+-").str.splitn(".", 2).struct
    whole, fraction = parts.field("field_0"), parts.field("field_1").fill_null("")
    is_negative = text.str.starts_with("-")
    digits = fraction.str.pad_end(PLACES + 1, "0")
    units = (whole + digits.str.slice(0, PLACES)).cast(pl.Int64, strict=False)
    units = units + (digits.str.slice(PLACES, 1) >= "5").cast(pl.Int64)
    above = units // 10**PLACES
    below = (units % 10**PLACES).cast(pl.String).str.zfill(PLACES).str.strip_chars_end("0")
    written = above.cast(pl.String) + pl.when(below == "").then(pl.lit("")).otherwise("." + below)
    signed = pl.when(is_negative & (units > 0)).then("-" + written).otherwise(written)
    is_inside = units < 10 ** (13 + PLACES)
    if is_rate:
        is_inside = (units <= 10**PLACES) & (~is_negative | (units == 0))
    return pl.when(text.str.contains(_PLAIN) & is_inside).then(signed).alias("plain")


def exact_decimal(text: str, *, decimal_comma: bool, is_rate: bool = False) -> tuple[str | None, str | None]:
    """Read one number with signs, units, groups or an exponent; returns (value, None) or (None, error code)."""
    body, factor = _unit(text)
    if _BEYOND.fullmatch(body):
        return None, "number_out_of_range"
    body = _without_groups(body, decimal_comma=decimal_comma)
    if not _NUMBER.fullmatch(body):
        return None, "number_invalid"
    try:
        value = Decimal(body)
        # An exponent of a thousand digits must not be multiplied or rounded, only compared.
        if value.adjusted() > 30 and value:
            return None, "number_out_of_range"
        value = _EXACT.multiply(value, factor)
    except InvalidOperation:
        return None, "number_out_of_range"
    rounded = value.quantize(_STEP, context=_EXACT)
    if abs(rounded) >= LIMIT or (is_rate and not 0 <= rounded <= 1):
        return None, "number_out_of_range"
    return plain_text(rounded), None


def plain_text(value: Decimal) -> str:
    """Write a decimal below 1e13 rounded half up to four places, without exponent or trailing zeros."""
    text = format(value.quantize(_STEP, context=_EXACT), "f").rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _unit(text: str) -> tuple[str, Decimal]:
    """Take off brackets, money signs, percent and 万 or 亿; returns what is left and what to multiply by."""
    body = re.sub(r"[\s\u00a0'’_]", "", text)
    factor = Decimal(1)
    if body.startswith("(") and body.endswith(")"):
        body, factor = body[1:-1], Decimal(-1)
    sign = body[:1] if body[:1] in ("+", "-") else ""
    body = _MONEY.sub("", _MONEY.sub("", body[len(sign) :]))
    if body.endswith(("%", "‰")):
        factor *= Decimal("0.01") if body.endswith("%") else Decimal("0.001")
        body = body[:-1]
    for unit in ("百万", "万", "亿", "千"):
        if body.endswith(unit):
            return sign + body.removesuffix(unit), factor * _UNITS[unit]
    return (sign + body if not (sign and body[:1] in ("+", "-")) else ""), factor


def _without_groups(body: str, *, decimal_comma: bool) -> str:
    if decimal_comma and _COMMA_DECIMAL.fullmatch(body):
        return body.replace(".", "").replace(",", ".")
    return body.replace(",", "") if not decimal_comma and _GROUPS.fullmatch(body) else body


def integers(column: pl.Series, *, decimal_comma: bool = False) -> pl.DataFrame:
    """Return `value` and `error` for whole numbers within 32 bits; adds `integer_invalid` for a fraction."""
    read = decimals(column, decimal_comma=decimal_comma)
    number = pl.col("value").cast(pl.Int64, strict=False)
    is_fraction = pl.col("value").str.contains(".", literal=True)
    error = (
        pl.when(pl.col("error").is_not_null())
        .then(pl.col("error"))
        .when(is_fraction)
        .then(pl.lit("integer_invalid"))
        .when(number.abs() > INTEGER_LIMIT)
        .then(pl.lit("number_out_of_range"))
    )
    read = read.with_columns(error=error)
    return read.select(value=pl.when(pl.col("error").is_null()).then(pl.col("value")), error="error")
