"""The row that names the columns, with the title rows that people put above it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.kernel.errors import Refused
from zhike.kernel.imports.limits import Limits

LONGEST_NAME = 200
_LOOKED_AT = 10
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?%?")
# What no heading says: a whole date, a mail address, a phone, a number with a fraction.
_NEVER_A_HEADING = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}/\d{1,2}/\d{4}.*|[^@\s]+@[^@\s]+\.\w+|\+?\d{11,}|[+-]?\d+\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Unique column names, how many rows stood above the header row, and warnings."""

    names: tuple[str, ...]
    rows_above: int
    warnings: tuple[str, ...]


def find_header(rows: Sequence[Sequence[str]], limits: Limits) -> Header:
    """Pick the header among the first rows; raises `no_header`, `too_many_columns`, `empty_file`."""
    above = _rows_above(rows)
    if above >= len(rows):
        raise Refused("empty_file")
    cells = [cell.strip().lstrip("\ufeff") for cell in rows[above]]
    while cells and not cells[-1] and _is_empty_column(rows[above + 1 :], len(cells) - 1):
        cells.pop()
    check_width(len(cells), limits)
    if looks_like_data(cells):
        raise Refused("no_header", first_row=", ".join(cells)[:200])
    names, warnings = unique_names(cells)
    return Header(names=names, rows_above=above, warnings=(*(("title_rows_skipped",) if above else ()), *warnings))


def check_width(width: int, limits: Limits) -> None:
    """Refuse more columns than the limit with `too_many_columns`."""
    if width > limits.max_columns:
        raise Refused("too_many_columns", columns=width, limit=limits.max_columns)


def looks_like_data(cells: Sequence[str]) -> bool:
    """True when the cells read like a row of values rather than headings."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return True
    numbers = sum(1 for cell in filled if _NUMBER.fullmatch(cell))
    never = sum(1 for cell in filled if _NEVER_A_HEADING.fullmatch(cell))
    return never >= 2 or (numbers + never) * 2 >= len(filled)


def unique_names(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give every column a name of its own; returns names and warnings `unnamed_headers`, `duplicate_headers`."""
    taken: set[str] = set()
    names: list[str] = []
    warnings: dict[str, None] = {}
    for place, cell in enumerate(cells, start=1):
        name = " ".join(cell.split())[:LONGEST_NAME]  # a heading is compared with many words
        if not name:
            name = f"column_{place}"
            warnings["unnamed_headers"] = None
        plain, again = name, 1
        while name in taken:
            again += 1
            name = f"{plain}_{again}"
            warnings["duplicate_headers"] = None
        taken.add(name)
        names.append(name)
    return tuple(names), tuple(warnings)


def _rows_above(rows: Sequence[Sequence[str]]) -> int:
    filled = [sum(1 for cell in row if cell.strip()) for row in rows[:_LOOKED_AT]]
    for place, count in enumerate(filled):
        if count == 0:
            continue
        is_title = count == 1 and any(later >= 3 for later in filled[place + 1 :])
        if not is_title:
            return place
    return len(rows)


def _is_empty_column(rows: Sequence[Sequence[str]], place: int) -> bool:
    return all(place >= len(row) or not row[place].strip() for row in rows)
