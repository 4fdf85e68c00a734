"""Delimited text at the speed of polars, with every row that has too few or too many cells told apart exactly.

Blocks are checked with whole-array operations: where quotes are well formed (RFC 4180) cells are counted per record and
polars parses the good ones; a block with a stray or unclosed quote is read line by line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Broken, Piece, clipped, row_numbers, text_frame
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Positions = npt.NDArray[np.int64]
else:
    pl = Later("polars")
    np = Later("numpy")

BLOCK = 4 << 20
_JOINED_LINES = 50
_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvShape:
    """How the text is cut: column names, one-character delimiter, bytes before row 1, longest record in bytes."""

    columns: tuple[str, ...]
    delimiter: str
    skip: int
    max_record: int
    has_only_cr: bool = False
    block: int = BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Record bounds of a well-formed block: record i is data[starts[i]:ends[i]], its line end included."""

    starts: Positions
    ends: Positions
    delimiters: Positions


@dataclass(slots=True)
class _Found:
    """What the line-by-line reader has gathered."""

    cells: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


def csv_pieces(chunks: Iterator[bytes], shape: CsvShape) -> Iterator[Piece]:
    """Yield the rows of UTF-8 text; broken rows carry `row_too_short|row_too_long|row_quote_unclosed|row_has_nul`."""
    row, carry = 1, b""
    for block, is_last in _blocks(chunks, shape):
        data = carry + block
        if is_last and data and not data.endswith(b"\n"):
            data += b"\n"
        layout = _layout(data, shape, is_last=is_last)
        if layout is not None:
            end = int(layout.ends[-1]) if layout.ends.size else 0
            piece, read = _fast(data[:end], layout, shape, row), layout.ends.size
            carry = data[end:]
        else:
            piece, read, carry = _by_line(data, shape, row, is_last=is_last)
        row += read
        yield piece


def _blocks(chunks: Iterator[bytes], shape: CsvShape) -> Iterator[tuple[bytes, bool]]:
    held: list[bytes] = []
    size, skip = 0, shape.skip
    for chunk in chunks:
        part = chunk.replace(b"\r", b"\n") if shape.has_only_cr else chunk
        part, skip = part[skip:], max(0, skip - len(part))
        held.append(part)
        size += len(part)
        if size >= shape.block:
            yield b"".join(held), False
            held, size = [], 0
    yield b"".join(held), True


def _layout(data: bytes, shape: CsvShape, *, is_last: bool) -> _Layout | None:
    """Find the records, or return None when quotes are not well formed or a record never ends."""
    bytes_ = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(bytes_ == _NEWLINE)
    delimiters = np.flatnonzero(bytes_ == ord(shape.delimiter))
    is_quote = bytes_ == _QUOTE
    if is_quote.any():
        # uint8 wraps at 256, which keeps the parity.
        is_inside = (np.cumsum(is_quote, dtype=np.uint8) & 1).astype(np.bool_)
        newlines, delimiters = newlines[~is_inside[newlines]], delimiters[~is_inside[delimiters]]
        end = int(newlines[-1]) + 1 if newlines.size else 0
        if not _is_well_formed(bytes_[:end], is_quote[:end], ord(shape.delimiter)):
            return None
    ends = newlines + 1
    tail = len(data) - (int(ends[-1]) if ends.size else 0)
    if tail > shape.max_record or (is_last and tail):
        return None
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1])) if ends.size else ends
    counted = np.searchsorted(delimiters, ends)
    return _Layout(starts=starts, ends=ends, delimiters=np.diff(counted, prepend=0))


def _is_well_formed(bytes_: npt.NDArray[np.uint8], is_quote: npt.NDArray[np.bool_], delimiter: int) -> bool:
    quotes = np.flatnonzero(is_quote)
    if not quotes.size:
        return True
    opening, closing = quotes[0::2], quotes[1::2]
    before = bytes_[opening[opening > 0] - 1]
    after = bytes_[closing + 1]
    edges = np.array([delimiter, _NEWLINE, _RETURN, _QUOTE], dtype=np.uint8)
    return bool(np.isin(before, edges).all() and np.isin(after, edges).all())


def _fast(data: bytes, layout: _Layout, shape: CsvShape, row: int) -> Piece:
    bytes_ = np.frombuffer(data, dtype=np.uint8)
    lengths = layout.ends - layout.starts
    is_blank = (lengths == 1) | ((lengths == 2) & (bytes_[layout.starts] == _RETURN))
    is_good = (layout.delimiters == len(shape.columns) - 1) & ~is_blank
    nul_records = np.searchsorted(layout.ends, np.flatnonzero(bytes_ == 0), side="right") if b"\0" in data else None
    if nul_records is not None:
        is_good[nul_records] = False
    found = _Found()
    for place in np.flatnonzero(~is_good & ~is_blank).tolist():
        text = data[layout.starts[place] : layout.ends[place]].decode("utf-8", "replace")
        _take(found, text, _cells(text, shape), row + place, shape)
    body = data if bool(is_good.all()) else _kept(data, layout, is_good)
    frame = _parsed(body, shape)
    if frame.height != int(is_good.sum()):
        raise Refused("file_unreadable", why="rows_miscounted", row=row)
    piece = Piece(frame=frame, rows=row_numbers((np.flatnonzero(is_good) + row).tolist()), broken=tuple(found.broken))
    return _without_empty(_merged(piece, found, shape))


def _kept(data: bytes, layout: _Layout, is_good: npt.NDArray[np.bool_]) -> bytes:
    """Join the good records, run by run."""
    edges = np.flatnonzero(np.diff(is_good.astype(np.int8), prepend=0, append=0))
    view = memoryview(data)
    firsts, pasts = edges[0::2].tolist(), edges[1::2].tolist()
    return b"".join(view[layout.starts[first] : layout.ends[past - 1]] for first, past in zip(firsts, pasts, strict=True))


def _parsed(body: bytes, shape: CsvShape) -> pl.DataFrame:
    if not body:
        return text_frame([], shape.columns)
    frame = pl.read_csv(
        body,
        has_header=False,
        new_columns=list(shape.columns),
        infer_schema=False,
        separator=shape.delimiter,
        quote_char='"',
        raise_if_empty=False,
    )
    return frame.select(pl.when(pl.all() != "").then(pl.all())) if b'""' in body else frame


def _merged(piece: Piece, found: _Found, shape: CsvShape) -> Piece:
    """Put rows that were only padded with empty cells back in their place."""
    if not found.cells:
        return piece
    extra = _blank_to_null(text_frame(found.cells, shape.columns))
    rows = pl.concat([piece.rows, row_numbers(found.numbers)])
    order = rows.arg_sort()
    return Piece(frame=pl.concat([piece.frame, extra])[order], rows=rows[order], broken=piece.broken)


def _without_empty(piece: Piece) -> Piece:
    """Drop rows in which every cell is empty; sheets saved as text end in them."""
    is_empty = piece.frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not is_empty.any():
        return piece
    return Piece(frame=piece.frame.filter(~is_empty), rows=piece.rows.filter(~is_empty), broken=piece.broken)


def _blank_to_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.when(pl.all() != "").then(pl.all()))


def _cells(text: str, shape: CsvShape, *, strict: bool = False) -> list[str]:
    """Split one record; raises csv.Error."""
    return next(csv.reader([text.replace("\r\n", "\n")], delimiter=shape.delimiter, strict=strict), [])


def _take(found: _Found, text: str, cells: Sequence[str], number: int, shape: CsvShape) -> None:
    """File a record under good rows or broken ones."""
    width = len(shape.columns)
    code = ""
    if "\0" in text:
        code = "row_has_nul"
    elif len(cells) < width:
        code = "row_too_short"
    elif any(cell for cell in cells[width:]):
        code = "row_too_long"
    if code:
        found.broken.append(Broken(row=number, text=clipped(text), code=code))
    else:
        found.cells.append(list(cells[:width]))
        found.numbers.append(number)


def _by_line(data: bytes, shape: CsvShape, row: int, *, is_last: bool) -> tuple[Piece, int, bytes]:
    """Read a block with bad quotes; a quote that never closes costs its own line only."""
    # What follows the last line end belongs to the next block and may stop inside a character.
    end = data.rfind(b"\n") + 1
    lines = [line + "\n" for line in data[:end].decode("utf-8", "replace").split("\n")[:-1]]
    found, place, read = _Found(), 0, 0
    while place < len(lines):
        cells, used = _record(lines, place, shape)
        if cells is None and place + _JOINED_LINES > len(lines) and not is_last:
            break
        text = "".join(lines[place : place + used])
        if cells is None:
            found.broken.append(Broken(row=row + read, text=clipped(text), code="row_quote_unclosed"))
        elif cells:
            _take(found, text, cells, row + read, shape)
        place, read = place + used, read + 1
    carry = "".join(lines[place:]).encode() + data[end:]
    frame = _blank_to_null(text_frame(found.cells, shape.columns))
    piece = Piece(frame=frame, rows=row_numbers(found.numbers), broken=tuple(found.broken))
    return _without_empty(piece), read, carry


def _record(lines: list[str], place: int, shape: CsvShape) -> tuple[list[str] | None, int]:
    """Return the cells of the record at `place` and its number of lines; None when its quote does not close."""
    text = ""
    for used, line in enumerate(lines[place : place + _JOINED_LINES], start=1):
        text += line
        try:
            return _cells(text, shape, strict=True), used
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                continue
            # Text after a closing quote is kept as Excel keeps it, as long as the line stands for itself.
            return (_loose(line, shape), 1) if used == 1 else (None, 1)
    return None, 1


def _loose(line: str, shape: CsvShape) -> list[str] | None:
    try:
        return _cells(line, shape)
    except csv.Error:  # a cell longer than csv takes
        return None
