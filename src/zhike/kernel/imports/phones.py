"""Chinese phones to E.164 by pattern, the rest of the world by the phonenumbers library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import phonenumbers

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

REGION = "CN"
_MOBILE = r"^(?:(?:\+|00)?86)?0?(1[3-9]\d{9})$"
# Area codes 010 and 02x take eight digits, the others seven or eight; an extension is left to the raw text.
_LANDLINE = r"^(?:(?:\+|00)?86)?0?(10\d{8}|2\d{9}|[3-9]\d{2}\d{7,8})(?:(?:转|EXT\.?|X|#)\d{1,6})?$"
_LANDLINE_MARK = r"^(?:(?:\+|00)?86|0)"
_SERVICE = r"^(?:(?:\+|00)?86)?([48]00\d{7})$"


def phone_numbers(column: pl.Series) -> pl.Series:
    """Return E.164 where the number can be told, else the text as typed; takes NFKC-folded text, never an error."""
    frame = column.rename("text").to_frame()
    bare = pl.col("text").str.to_uppercase().str.replace_all(r"[\s().\-‐–—·_/'’]", "").str.replace(r"^TEL:?", "")
    frame = frame.with_columns(bare=bare)
    found = frame.select(
        pl.when(pl.col("bare").str.contains(_MOBILE))
        .then("+86" + pl.col("bare").str.extract(_MOBILE))
        .when(pl.col("bare").str.contains(_SERVICE))
        .then("+86" + pl.col("bare").str.extract(_SERVICE))
        .when(pl.col("bare").str.contains(_LANDLINE_MARK) & pl.col("bare").str.contains(_LANDLINE))
        .then("+86" + pl.col("bare").str.extract(_LANDLINE))
        .alias("found")
    ).to_series()
    rest = frame.filter(found.is_null() & frame["text"].is_not_null())["text"].unique()
    if not rest.len():
        return found
    answers = pl.DataFrame({"text": rest, "rest": [_foreign(text) for text in rest.to_list()]})
    joined = frame.with_columns(found=found).join(answers, on="text", how="left", maintain_order="left")
    return joined.select(pl.coalesce("found", "rest").alias("found")).to_series()


def _foreign(text: str) -> str:
    """Read a number with its country code (+ or 00); anything else stays as typed."""
    if text.startswith("00"):
        text_ = "+" + text[2:]
    elif text.startswith("+"):
        text_ = text
    else:
        return text
    try:
        number = phonenumbers.parse(text_, REGION)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
