"""Days and times as people and programs write them, turned into ISO text; what has no zone is Asia/Shanghai."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")


ZONE = "Asia/Shanghai"
FIRST_YEAR, LAST_YEAR = 1900, 2200
_TIME = (
    r"(?:[T ]*(?<half1>上午|下午|AM|PM)?[T ]*(?<h>\d{1,2}):(?<mi>\d{1,2})(?::(?<s>\d{1,2})(?:[.,](?<f>\d{1,9}))?)?"
    r" ?(?<half2>上午|下午|AM|PM)?)?\s*(?<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_YEAR_FIRST = r"(?i)^(?<y>\d{4})[-/.](?<m>\d{1,2})[-/.](?<d>\d{1,2})" + _TIME
_YEAR_LAST = r"(?i)^(?<a>\d{1,2})[-/.](?<b>\d{1,2})[-/.](?<y>\d{4}|\d{2})" + _TIME
_COMPACT = r"(?i)^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})(?:T? ?(?<h>\d{2}):?(?<mi>\d{2}):?(?<s>\d{2})?)?$"
_SERIAL = r"^[1-9]\d{4,5}(?:\.\d+)?$"
_EPOCH_MS = r"^\d{13}$"
_WORDS = ("%d %b %Y", "%b %d %Y", "%d-%b-%y", "%d-%b-%Y", "%d %B %Y", "%B %d %Y", "%Y %b %d", "%d/%b/%Y")
DATE_LIKE = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?:[T ].*)?"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


def moments(column: pl.Series, *, day_first: bool = False) -> pl.DataFrame:
    """Return `moment` (naive UTC, microseconds), `day` (as written, in Shanghai when zoned) and `error`.

    Takes NFKC-folded text. Errors: `date_invalid` (also 31 February), `date_out_of_range` (outside 1900 to 2200).
    """
    texts = column.rename("text").to_frame().select(_tidied())
    read = texts.select(_parts(day_first=day_first).alias("p")).unnest("p")
    wall = read.select(_wall()).to_series()
    odd = texts.filter(wall.is_null() & texts["text"].is_not_null())["text"].unique()
    frame = texts.with_columns(wall=wall, zone=read["zone"])
    if odd.len():
        answers = pl.DataFrame(
            {"text": odd, "odd": [_odd(text) for text in odd.to_list()]}, schema_overrides={"text": pl.String(), "odd": pl.Datetime("us")}
        )
        frame = frame.join(answers, on="text", how="left", maintain_order="left")
        frame = frame.with_columns(wall=pl.coalesce("wall", "odd"))
    return frame.select(_checked()).unnest("checked")


def _tidied() -> pl.Expr:
    text = pl.col("text").str.strip_chars()
    text = text.str.replace_all(r"\s*[年月]\s*", "-").str.replace(r"[日号](\s*)", " ")
    text = text.str.replace_all(r"时|点", ":").str.replace(r"(\d)分", "${1}:").str.replace_all(r"秒", "")
    return text.str.strip_chars(" :").alias("text")


def _parts(*, day_first: bool) -> pl.Expr:
    text = pl.col("text")
    first = text.str.extract_groups(_YEAR_FIRST)
    last = text.str.extract_groups(_YEAR_LAST)
    compact = text.str.extract_groups(_COMPACT)
    day, month = ("a", "b") if day_first else ("b", "a")
    short = last.struct.field("y")
    full = pl.when(short.str.len_chars() == 2).then(_century(short) + short).otherwise(short)
    clock = [
        pl.coalesce(first.struct.field(name), last.struct.field(name), compact.struct.field(name)).alias(name) for name in ("h", "mi", "s")
    ]
    tail = [pl.coalesce(first.struct.field(name), last.struct.field(name)).alias(name) for name in ("f", "half1", "half2", "zone")]
    return pl.struct(
        pl.coalesce(first.struct.field("y"), full, compact.struct.field("y")).alias("y"),
        pl.coalesce(first.struct.field("m"), last.struct.field(month), compact.struct.field("m")).alias("m"),
        pl.coalesce(first.struct.field("d"), last.struct.field(day), compact.struct.field("d")).alias("d"),
        *clock,
        *tail,
    )


def _century(short: pl.Expr) -> pl.Expr:
    # As POSIX strptime: 69 to 99 are in the last century.
    return pl.when(short >= "69").then(pl.lit("19")).otherwise(pl.lit("20"))


def _wall() -> pl.Expr:
    """Build the time on the wall; null for a day or an hour that does not exist."""
    half = pl.coalesce("half1", "half2").str.to_uppercase().replace({"上午": "AM", "下午": "PM"})
    hour = pl.col("h").cast(pl.Int32, strict=False)
    hour = pl.when(half.eq("PM") & (hour < 12)).then(hour + 12).when(half.eq("AM") & hour.eq(12)).then(0).otherwise(hour)
    text = pl.concat_str(
        [
            pl.col("y"),
            pl.col("m").str.zfill(2),
            pl.col("d").str.zfill(2),
            hour.fill_null(0).cast(pl.String).str.zfill(2),
            pl.col("mi").fill_null("0").str.zfill(2),
            pl.col("s").fill_null("0").str.zfill(2),
            pl.col("f").fill_null("0").str.pad_end(6, "0").str.slice(0, 6),
        ],
        separator="-",
    )
    return text.str.to_datetime("%Y-%m-%d-%H-%M-%S-%6f", strict=False, time_unit="us").alias("wall")


def _odd(text: str) -> dt.datetime | None:
    """Read sheet serials (days since 1899-12-30), milliseconds since 1970, and English month names."""
    if re.fullmatch(_SERIAL, text):
        days, _, fraction = text.partition(".")
        seconds = round(float("0." + fraction) * 86400) if fraction else 0
        return dt.datetime(1899, 12, 30) + dt.timedelta(days=int(days), seconds=seconds)
    if re.fullmatch(_EPOCH_MS, text):
        # Its wall clock is UTC: moved here so that the zone rule for naive times gives the same moment back.
        utc = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=int(text))
        return utc + dt.timedelta(hours=8) if utc.year <= LAST_YEAR else None
    for pattern in _WORDS:
        try:
            return dt.datetime.strptime(" ".join(text.replace(",", " ").split()), pattern)
        except ValueError:
            continue
    return None


def _checked() -> pl.Expr:
    wall, zone = pl.col("wall"), pl.col("zone").str.to_uppercase()
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    digits = zone.str.replace_all(r"[^0-9]", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int32, strict=False).fill_null(0) * 60
    minutes = sign * (minutes + digits.str.slice(2, 2).cast(pl.Int32, strict=False).fill_null(0))
    local = wall.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    local = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    # An hour skipped by summer time (1940 to 1991) still is some moment: take the standard offset.
    utc = pl.when(zone.is_not_null()).then(wall - pl.duration(minutes=minutes)).otherwise(pl.coalesce(local, wall - pl.duration(hours=8)))
    here = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE).dt.date()
    day = pl.when(zone.is_not_null()).then(here).otherwise(wall.dt.date())
    error = (
        pl.when(pl.col("text").is_null())
        .then(None)
        .when(wall.is_null())
        .then(pl.lit("date_invalid"))
        .when(~wall.dt.year().is_between(FIRST_YEAR, LAST_YEAR))
        .then(pl.lit("date_out_of_range"))
    )
    return pl.struct(
        pl.when(error.is_null()).then(utc).alias("moment"),
        pl.when(error.is_null()).then(day).alias("day"),
        error.alias("error"),
    ).alias("checked")
