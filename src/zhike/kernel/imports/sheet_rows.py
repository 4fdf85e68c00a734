"""Workbooks: looked through before they are opened, because a small one can ask for all memory."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Piece, row_numbers, text_frame
from zhike.kernel.imports.cells import cell_text
from zhike.kernel.imports.headers import Header, find_header
from zhike.kernel.imports.limits import Limits
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

_ROWS = 20_000
_HEAD_ROWS = 20
_FIRST_ROWS = 220
_CHUNK = 1 << 20
_OVERLAP = 64
# Columns past SF are beyond any limit of columns; a cell there alone would make the reader allocate the whole plane.
_FAR_COLUMN = re.compile(rb'<c [^>]*?r="(?:[A-Z]{3}|[T-Z][A-Z]|S[G-Z])\d')
_ROW_NUMBER = re.compile(rb'<row [^>]*?r="(\d+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetHead:
    """The chosen sheet, its header, all sheet names, the first rows and the number of all rows under the header."""

    sheet: str
    sheets: tuple[str, ...]
    header: Header
    first: pl.DataFrame
    rows: int


def guard_workbook(path: Path, limits: Limits) -> None:
    """Look through the archive; raises `zip_bomb`, `too_many_columns`, `not_a_table` or `file_unreadable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if limits.is_bomb(path.stat().st_size, unpacked):
                raise Refused("zip_bomb", packed=path.stat().st_size, unpacked=unpacked)
            if not any(part.filename.startswith("xl/") for part in parts):
                raise Refused("not_a_table", found="zip")
            for part in parts:
                # Reading to the end also checks that the sizes in the directory are true.
                _guard_part(archive, part, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise Refused("file_unreadable", why="zip") from error


def _guard_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limits: Limits) -> None:
    is_sheet = part.filename.startswith("xl/worksheets/")
    cells = last_row = 0
    tail = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            if not is_sheet:
                continue
            window = tail + chunk
            cells += chunk.count(b"<c ")
            if _FAR_COLUMN.search(window):
                raise Refused("too_many_columns", limit=limits.max_columns)
            found = _ROW_NUMBER.findall(window)
            last_row = max(last_row, int(found[-1]) if found else 0)
            tail = chunk[-_OVERLAP:]
    if last_row > 1000 and last_row > max(cells, 1000) * limits.max_sparseness:
        raise Refused("sheet_too_sparse", rows=last_row, cells=cells)
    if cells > limits.max_sheet_cells:
        raise Refused("sheet_too_large", cells=cells, limit=limits.max_sheet_cells)


def sheet_head(path: Path, sheet: str | None, limits: Limits) -> SheetHead:
    """Choose the sheet and find its header; raises `sheet_unknown`, `empty_file`, `file_unreadable`, header codes."""
    book = _opened(path)
    names = tuple(each.name for each in book.sheets_metadata if each.visible is SheetVisibleEnum.Visible or each.name == sheet)
    if sheet is not None and sheet not in names:
        raise Refused("sheet_unknown", sheet=sheet, sheets=list(book.sheet_names))
    for name in (sheet,) if sheet is not None else names:
        found = _read(book, name)
        top = [_texts(row) for row in islice(found.iter_rows(), _FIRST_ROWS)]
        if any(any(row) for row in top):
            header = find_header([[cell or "" for cell in row] for row in top[:_HEAD_ROWS]], limits)
            rows = max(0, found.height - header.rows_above - 1)
            cells = (_padded(row, len(header.names)) for row in top[header.rows_above + 1 :])
            first = text_frame([row for row in cells if any(row)], header.names)
            return SheetHead(sheet=name, sheets=names, header=header, first=first, rows=rows)
    raise Refused("empty_file")


def sheet_pieces(path: Path, head: SheetHead) -> Iterator[Piece]:
    """Yield the rows under the header; rows in which every cell is empty are counted and left out."""
    width = len(head.header.names)
    cells: list[list[str | None]] = []
    numbers: list[int] = []
    below = islice(_read(_opened(path), head.sheet).iter_rows(), head.header.rows_above + 1, None)
    for number, row in enumerate(below, start=1):
        texts = _padded(_texts(row), width)
        if any(texts):
            cells.append(texts)
            numbers.append(number)
        if len(cells) >= _ROWS:
            yield Piece(frame=text_frame(cells, head.header.names), rows=row_numbers(numbers))
            cells, numbers = [], []
    yield Piece(frame=text_frame(cells, head.header.names), rows=row_numbers(numbers))


def _padded(cells: list[str | None], width: int) -> list[str | None]:
    return [*cells[:width], *([None] * (width - len(cells)))]


def _texts(row: Sequence[object]) -> list[str | None]:
    return [cell_text(value) for value in row]


def _opened(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError) as error:
        raise Refused("file_unreadable", why="workbook") from error


def _read(book: CalamineWorkbook, sheet: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(sheet)
    except (CalamineError, OSError) as error:
        raise Refused("file_unreadable", why="workbook", sheet=sheet) from error
