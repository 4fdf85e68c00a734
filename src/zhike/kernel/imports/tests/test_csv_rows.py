"""Blocks cut at any place give the rows that a line-by-line reader gives."""

from __future__ import annotations

import csv
import io
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.kernel.imports.csv_rows import CsvShape, csv_pieces

CELLS = st.text(st.sampled_from(["a", "客", '"', ",", "\n", ";", " ", "1"]), max_size=6)
RAW_LINES = st.lists(st.text(st.sampled_from(["a", "客", '"', ","]), max_size=8), max_size=20)


def read(text: str, *, block: int, chunk: int = 7) -> tuple[list[tuple[int, tuple[str | None, ...]]], list[int]]:
    raw = text.encode()
    shape = CsvShape(columns=("a", "b", "c"), delimiter=",", skip=0, max_record=10_000, block=block)
    pieces = list(csv_pieces(iter([raw[start : start + chunk] for start in range(0, len(raw), chunk)]), shape))
    rows = [(number, row) for piece in pieces for number, row in zip(piece.rows, piece.frame.rows(), strict=True)]
    return rows, [bad.row for bad in chain.from_iterable(piece.broken for piece in pieces)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=15), st.integers(1, 60))
def test_well_formed_rows_are_the_same_wherever_blocks_end(rows: list[list[str]], block: int) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerows(rows)
    found, broken = read(file.getvalue(), block=block)
    wanted = [(number, tuple(cell or None for cell in row)) for number, row in enumerate(rows, start=1) if any(row)]
    assert (found, broken) == (wanted, [])


@settings(max_examples=150, deadline=None)
@given(RAW_LINES, st.integers(1, 40))
def test_no_line_of_any_text_is_lost(lines: list[str], block: int) -> None:
    text = "".join(line + "\n" for line in lines)
    pieces_rows, broken = read(text, block=block)
    numbers = [number for number, _ in pieces_rows]
    assert numbers == sorted(set(numbers))
    assert not set(numbers) & set(broken)
    if '"' not in text:
        cells = [line.split(",") for line in lines]
        fits = [len(row) >= 3 and not any(row[3:]) for row in cells]
        assert numbers == [place for place, row in enumerate(cells, start=1) if fits[place - 1] and any(row)]
        assert broken == [place for place, line in enumerate(lines, start=1) if line and not fits[place - 1]]


def test_a_stray_quote_far_from_the_start_leaves_the_blocks_before_it_alone() -> None:
    good = "".join(f'{n},"客,户",x\n' for n in range(500))
    found, broken = read(good + '500,"open,x\n' + "501,k,l\n" * 100, block=1000)
    assert (len(found), broken) == (600, [501])
    assert found[-1] == (601, ("501", "k", "l"))
