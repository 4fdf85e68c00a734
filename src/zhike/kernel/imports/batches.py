"""The stream of rows that every kind of file is turned into: text columns, row numbers, broken rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")


CLIPPED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A row whose cells could not be told apart: its data row number, its text (clipped), a stable code."""

    row: int
    text: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows as a reader happens to find them: `frame` of text, `rows` their numbers, rising, of equal length."""

    frame: pl.DataFrame
    rows: pl.Series
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of one size: all columns text with null for empty; row numbers are 1-based and count after the header."""

    first_row: int
    frame: pl.DataFrame
    rows: pl.Series
    broken: tuple[Broken, ...]


def clipped(text: str) -> str:
    """Shorten the raw text of a broken row to what is worth showing."""
    text = text.rstrip("\r\n")
    return text if len(text) <= CLIPPED else text[:CLIPPED] + "…"


def text_frame(rows: Sequence[Sequence[str | None]], columns: Sequence[str]) -> pl.DataFrame:
    """Make a frame of text from equally long rows, in the order of `columns`."""
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def row_numbers(numbers: Sequence[int]) -> pl.Series:
    """Make the series of row numbers that goes with a frame."""
    return pl.Series("row", numbers, dtype=pl.Int64)


def by_unique(texts: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Run `read` (one row a text, in order) once for each different text where texts repeat, as days and words do."""
    different = texts.unique()
    if different.len() * 2 > texts.len():
        return read(texts)
    answers = read(different)
    keyed = answers.with_columns(different.alias("by_unique"))
    asked = texts.rename("by_unique").to_frame()
    return asked.join(keyed, on="by_unique", how="left", nulls_equal=True, maintain_order="left").select(answers.columns)


def in_batches(pieces: Iterator[Piece], size: int) -> Iterator[Batch]:
    """Cut pieces into batches of exactly `size` rows (the last may be smaller): a resumed import meets the same."""
    frames: list[pl.DataFrame] = []
    numbers: list[pl.Series] = []
    broken: list[Broken] = []
    held = 0
    for piece in pieces:
        broken.extend(piece.broken)
        if piece.frame.height:
            frames.append(piece.frame)
            numbers.append(piece.rows)
            held += piece.frame.height
        if held < size:
            continue
        frame, rows = pl.concat(frames, rechunk=False), pl.concat(numbers)
        while frame.height >= size:
            last = int(rows[size - 1])
            yield _batch(frame.head(size), rows.head(size), [bad for bad in broken if bad.row <= last])
            broken = [bad for bad in broken if bad.row > last]
            frame, rows = frame.slice(size), rows.slice(size)
        frames, numbers, held = [frame], [rows], frame.height
    if held or broken:
        frame = pl.concat(frames, rechunk=False) if frames else pl.DataFrame()
        yield _batch(frame, pl.concat(numbers) if numbers else row_numbers([]), broken)


def _batch(frame: pl.DataFrame, rows: pl.Series, broken: list[Broken]) -> Batch:
    firsts = [*([int(rows[0])] if rows.len() else []), *([broken[0].row] if broken else [])]
    return Batch(first_row=min(firsts), frame=frame.rechunk(), rows=rows.rechunk(), broken=tuple(broken))
