"""The file of refused rows: what was in them and why they did not go in, written as the import runs."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zhike.kernel.imports.batches import Broken
from zhike.kernel.later import Later
from zhike.kernel.text.safe import safe_cell

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

SHOWN = 20
Words = Callable[[str, Mapping[str, object]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a row was refused: file column (empty for the whole row), stable code, facts for the words."""

    column: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """One refused row as it stood in the file."""

    row: int
    cells: tuple[str | None, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedState:
    """Where a refusal file stands, to be kept with the last finished batch: bytes, rows, counts by code, first rows."""

    bytes: int = 0
    rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    first: tuple[RefusedRow, ...] = ()


class RefusedRows:
    """Writes refused rows to a CSV file (UTF-8 with a mark); holds counts and the first rows, whatever the number."""

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        words: Words,
        headings: tuple[str, str, str] = ("row", "column", "reason"),
        state: RefusedState | None = None,
    ) -> None:
        """Start the file, or cut it back to `state` and go on; `headings` name row number, column and reason."""
        self._columns = tuple(columns)
        self._words = words
        self._first = list(state.first) if state else []
        self._counts: Counter[str] = Counter(state.counts if state else {})
        self._rows = state.rows if state else 0
        self._file = path.open("r+" if state else "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        if state:
            self._file.seek(state.bytes)
            self._file.truncate()
        else:
            self._file.write("\ufeff")
            row, column, reason = headings
            self._writer.writerow([row, *map(safe_cell, self._columns), column, reason])

    def add(self, row: int, cells: Sequence[str | None], problems: Sequence[Problem]) -> None:
        """Write one refused row with all its problems; each code counts once for the row."""
        self._rows += 1
        self._counts.update({problem.code for problem in problems})
        names = "; ".join(dict.fromkeys(problem.column for problem in problems if problem.column))
        reasons = "; ".join(self._words(problem.code, problem.facts) for problem in problems)
        self._writer.writerow([row, *map(safe_cell, cells), safe_cell(names), safe_cell(reasons)])
        if len(self._first) < SHOWN:
            self._first.append(RefusedRow(row=row, cells=tuple(cells), problems=tuple(problems)))

    def add_broken(self, broken: Sequence[Broken]) -> None:
        """Write rows whose cells could not be told apart: their text stands in the first cell."""
        padding = [None] * (len(self._columns) - 1)
        for bad in broken:
            self.add(bad.row, [bad.text, *padding], [Problem(column="", code=bad.code)])

    def add_errors(self, frame: pl.DataFrame, rows: pl.Series, errors: Mapping[str, pl.Series]) -> pl.Series:
        """Write the rows in which any column has an error code; returns a mask, true for rows without one."""
        if not errors or not frame.height:
            return pl.Series("is_good", [True], dtype=pl.Boolean).new_from_index(0, frame.height)
        codes = pl.DataFrame(dict(errors.items()))
        is_good = codes.select(pl.all_horizontal(pl.all().is_null()).alias("is_good")).to_series()
        bad = ~is_good
        for number, cells, found in zip(rows.filter(bad), frame.filter(bad).iter_rows(), codes.filter(bad).iter_rows(), strict=True):
            problems = [
                Problem(column=name, code=code, facts={"value": _cell(frame, cells, name)})
                for name, code in zip(codes.columns, found, strict=True)
                if code is not None
            ]
            self.add(number, cells, problems)
        return is_good

    @property
    def rows(self) -> int:
        """How many rows were refused."""
        return self._rows

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows were refused for each code."""
        return dict(self._counts)

    @property
    def first(self) -> tuple[RefusedRow, ...]:
        """The first refused rows, to be shown."""
        return tuple(self._first)

    def state(self) -> RefusedState:
        """Bring the file to disk and return what a resumed import needs to go on from here."""
        self._file.flush()
        os.fsync(self._file.fileno())
        size = os.fstat(self._file.fileno()).st_size
        return RefusedState(bytes=size, rows=self._rows, counts=self.counts, first=self.first)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _cell(frame: pl.DataFrame, cells: tuple[str | None, ...], name: str) -> str | None:
    return cells[frame.columns.index(name)] if name in frame.columns else None
