"""Typed values of workbooks, JSON and Parquet as exact text."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")


_WHOLE = re.compile(r"(-?\d+)\.0+")


def number_text(value: float) -> str | None:
    """Return the shortest plain decimal text of a float: 2.0 is "2"; NaN is None, infinities are "inf"."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value.is_integer():
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def cell_text(value: object) -> str | None:
    """Return a cell as exact text, None when empty: ISO dates, plain numbers, true/false, JSON for what is left."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def json_number(text: str) -> str:
    """Keep the digits of a JSON number as written, without a fraction of zeros."""
    whole = _WHOLE.fullmatch(text)
    return whole.group(1) if whole else text


def json_constant(name: str) -> str | None:
    """Read NaN, which JSON does not have but programs write, as empty."""
    return None if name == "NaN" else name


def flat_rows(record: Mapping[str, object]) -> Iterator[dict[str, str | None]]:
    """Flatten objects with dots and make one row of each object of the first list of objects, or one row in all."""
    plain: dict[str, str | None] = {}
    lists: list[tuple[str, list[Mapping[str, object]]]] = []
    _flatten(record, "", plain, lists)
    if not lists:
        yield plain
        return
    (name, items), *others = lists
    plain.update({other: json.dumps(value, ensure_ascii=False) for other, value in others})
    for item in items:
        inner: dict[str, str | None] = {}
        deeper: list[tuple[str, list[Mapping[str, object]]]] = []
        _flatten(item, f"{name}.", inner, deeper)
        inner.update({other: json.dumps(value, ensure_ascii=False) for other, value in deeper})
        yield plain | inner


def _flatten(
    record: Mapping[str, object],
    prefix: str,
    plain: dict[str, str | None],
    lists: list[tuple[str, list[Mapping[str, object]]]],
) -> None:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            _flatten(value, f"{name}.", plain, lists)
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            lists.append((name, value))
        elif isinstance(value, list):
            plain[name] = ";".join(text for item in value if (text := cell_text(item)) is not None) or None
        else:
            plain[name] = cell_text(value)


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn a typed frame into text columns by the rules of `cell_text` and `flat_rows`, without leaving polars."""
    frame = _unnested(frame)
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List) and kind.inner == pl.Struct]
    if lists:
        inner = frame.schema[lists[0]]
        frame = frame.explode(lists[0], empty_as_null=True, keep_nulls=True)
        frame = _unnested(frame) if isinstance(inner, pl.List) else frame
    return frame.select([_text(name, kind).alias(name) for name, kind in frame.schema.items()])


def _unnested(frame: pl.DataFrame) -> pl.DataFrame:
    while structs := [(name, kind) for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]:
        name, kind = structs[0]
        parts = [pl.col(name).struct.field(part.name).alias(f"{name}.{part.name}") for part in kind.fields]
        kept = [[pl.col(other)] if other != name else parts for other in frame.columns]
        frame = frame.select([part for group in kept for part in group])
    return frame


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_float():
        return _float_text(column)
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        return utc.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("+00:00" if kind.time_zone else ""))
    if kind.is_temporal() and not isinstance(kind, pl.Duration):
        return column.dt.to_string("iso")
    if isinstance(kind, pl.List | pl.Array):
        items = column.list if isinstance(kind, pl.List) else column.arr.to_list().list
        if isinstance(kind.inner, pl.Struct):
            return column.map_elements(lambda value: json.dumps(value.to_list(), default=str), return_dtype=pl.String)
        return _filled(items.eval(pl.element().cast(pl.String)).list.drop_nulls().list.join(";"))
    if isinstance(kind, pl.Binary):
        return _filled(column.cast(pl.String, strict=False))
    return _filled(column.cast(pl.String))


def _filled(column: pl.Expr) -> pl.Expr:
    return pl.when(column != "").then(column)


def _float_text(column: pl.Expr) -> pl.Expr:
    is_whole = (column == column.round(0)) & (column.abs() < 2**53)
    return (
        pl.when(column.is_nan())
        .then(None)
        .when(is_whole)
        .then(column.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(column.cast(pl.String))
    )
