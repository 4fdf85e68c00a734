"""Columns from numpy arrays without a Python loop: identifiers, money, moments, picked words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

DAY = 86_400_000_000
_HEX = np.frombuffer(b"".join(f"{value:02x}".encode() for value in range(256)), dtype=np.uint8).reshape(256, 2)
_DASHES = (8, 13, 18, 23)
_TEXT = np.array([place for place in range(36) if place not in _DASHES])


def uuids(moments: Ints, random: np.random.Generator) -> pl.Series:
    """UUIDv7 in text form for moments in microseconds since 1970 (RFC 9562: milliseconds first, then random bits)."""
    count = len(moments)
    raw = np.empty((count, 16), dtype=np.uint8)
    raw[:, :6] = (moments // 1000).astype(">u8").view(np.uint8).reshape(count, 8)[:, 2:]
    raw[:, 6:] = random.integers(0, 256, size=(count, 10), dtype=np.uint8)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x70
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    text[:, _TEXT] = _HEX[raw].reshape(count, 32)
    return fixed_text(text)


def fixed_text(letters: Bytes) -> pl.Series:
    """Strings of equal length from an array of ASCII codes, one row a string."""
    count, width = letters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    data = np.ascontiguousarray(letters)
    made = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    return pl.Series(values=made)


def decimals(ten_thousandths: Ints) -> pl.Series:
    """Exact numeric(18, 4) from integers that count ten-thousandths."""
    words = np.empty((len(ten_thousandths), 2), dtype=np.int64)
    words[:, 0] = ten_thousandths
    words[:, 1] = ten_thousandths >> 63
    buffers = [None, pa.py_buffer(words)]
    made = pa.Decimal128Array.from_buffers(pa.decimal128(18, 4), len(words), buffers)
    return pl.Series(values=made)


def moments(microseconds: Ints) -> pl.Series:
    """Moments with zone UTC from microseconds since 1970."""
    return pl.Series(values=microseconds).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def pick(pool: Sequence[str], places: npt.NDArray[np.integer]) -> pl.Series:
    """The words of a pool at the given places."""
    return pl.Series(values=list(pool), dtype=pl.String).gather(pl.Series(values=places.astype(np.uint32)))


def choose(random: np.random.Generator, weights: Sequence[float] | Floats, count: int) -> Ints:
    """Places drawn with the given weights (which need not add up to 1)."""
    totals = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(totals, random.random(count) * totals[-1], side="right")
    return np.asarray(np.minimum(drawn, len(totals) - 1), dtype=np.int64)


def some(values: pl.Series, keep: Flags, otherwise: str | None = "") -> pl.Series:
    """The values where `keep` says so, the other word elsewhere."""
    return pl.select(pl.when(pl.Series(values=keep)).then(values).otherwise(pl.lit(otherwise, dtype=pl.String))).to_series()
