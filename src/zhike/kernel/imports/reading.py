"""Opening a file for import: what it is, its columns, and its rows as text in batches of bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Batch, Piece, in_batches, text_frame
from zhike.kernel.imports.csv_rows import CsvShape, csv_pieces
from zhike.kernel.imports.headers import find_header
from zhike.kernel.imports.json_rows import Record, array_of, json_head, json_pieces, lines_of, object_of
from zhike.kernel.imports.limits import DEFAULT_LIMITS, Limits
from zhike.kernel.imports.parquet_rows import parquet_head, parquet_pieces
from zhike.kernel.imports.sheet_rows import guard_workbook, sheet_head, sheet_pieces
from zhike.kernel.imports.sniffing import FileKind, Sniffed, sniff
from zhike.kernel.imports.streams import is_gzip, remove_copy, text_chunks, unpacked_copy, utf8_chunks
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

_HEAD_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person says about a file instead of letting it be guessed."""

    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table file that can be read again and again; close it (or use `with`) to remove what was unpacked."""

    path: Path
    kind: FileKind
    columns: tuple[str, ...]
    row_estimate: int
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    pieces: Callable[[], Iterator[Piece]] = field(repr=False)
    unpacked: Path | None = None
    first: pl.DataFrame | None = field(default=None, repr=False)

    def sample(self, rows: int = 200) -> pl.DataFrame:
        """Return up to the first `rows` readable rows (of a workbook at most 200: it would be opened once more)."""
        if self.first is not None:
            return self.first.head(rows)
        for batch in in_batches(self.pieces(), rows):
            if batch.frame.height:
                return batch.frame
        return text_frame([], self.columns)

    def batches(self, size: int = 100_000, *, after_row: int = 0) -> Iterator[Batch]:
        """Yield all rows in batches of `size`, the same ones each time; those up to `after_row` are left out whole."""
        for batch in in_batches(self.pieces(), size):
            is_done = not batch.rows.len() or int(batch.rows[-1]) <= after_row
            if not is_done or any(bad.row > after_row for bad in batch.broken):
                yield batch

    def close(self) -> None:
        """Remove the unpacked copy, if one was made."""
        if self.unpacked is not None:
            remove_copy(self.unpacked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def open_source(path: Path | str, *, sheet: str | None = None, limits: Limits = DEFAULT_LIMITS, told: Told | None = None) -> Source:
    """Open a CSV, XLSX, XLS, JSON, JSON lines or Parquet file, gzipped or not.

    Raises Refused: empty_file, no_header, too_many_columns, zip_bomb, encoding_unknown, encoding_broken, not_a_table,
    file_unreadable, file_encrypted, wrong_delimiter, sheet_unknown, sheet_too_sparse, sheet_too_large,
    too_large_for_json.
    """
    path = Path(path)
    told = told or Told(sheet=sheet)
    if not path.is_file():
        raise Refused("file_unreadable", why="missing")
    sniffed = sniff(path, limits=limits, encoding=told.encoding, delimiter=told.delimiter)
    if sniffed.kind is FileKind.CSV:
        return _open_csv(path, sniffed, limits)
    if sniffed.kind in (FileKind.JSON, FileKind.JSONL):
        return _open_json(path, sniffed, limits)
    unpacked = unpacked_copy(path, limits) if is_gzip(path) else None
    try:
        return _open_binary(path, sniffed.kind, unpacked=unpacked, sheet=sheet or told.sheet, limits=limits)
    except BaseException:
        if unpacked is not None:
            remove_copy(unpacked)
        raise


def _open_csv(path: Path, sniffed: Sniffed, limits: Limits) -> Source:
    lines = [line + "\n" for line in sniffed.head_text.split("\n")]
    # A telling first line ("sep=;") is neither title nor header.
    told = 1 if sniffed.head_text.startswith("sep=") else 0
    header = find_header(list(islice(_records(lines[told:], sniffed.delimiter), _HEAD_ROWS)), limits)
    reader = csv.reader((line.replace("\0", "") for line in lines[told:]), delimiter=sniffed.delimiter)
    for _ in range(header.rows_above + 1):
        next(reader, None)
    above = lines[: told + reader.line_num]
    shape = CsvShape(
        columns=header.names,
        delimiter=sniffed.delimiter,
        skip=len("".join(above).encode()),
        max_record=limits.max_record,
        has_only_cr=sniffed.has_only_cr,
    )
    return Source(
        path=path,
        kind=FileKind.CSV,
        columns=header.names,
        row_estimate=max(0, sniffed.lines - len(above)),
        encoding=sniffed.encoding,
        delimiter=sniffed.delimiter,
        warnings=(*sniffed.warnings, *header.warnings),
        pieces=lambda: csv_pieces(utf8_chunks(path, limits, sniffed.encoding), shape),
    )


def _records(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    except csv.Error:
        return


def _open_json(path: Path, sniffed: Sniffed, limits: Limits) -> Source:
    def records() -> Iterator[Record]:
        chunks = text_chunks(path, limits, sniffed.encoding)
        if sniffed.kind is FileKind.JSONL:
            return lines_of(chunks)
        is_array = sniffed.head_text.lstrip().startswith("[")
        return array_of(chunks, limits) if is_array else object_of(chunks, limits)

    head = json_head(records, limits)
    return Source(
        path=path,
        kind=sniffed.kind,
        columns=head.columns,
        row_estimate=head.rows,
        encoding=sniffed.encoding,
        warnings=sniffed.warnings,
        pieces=partial(json_pieces, records, head.columns),
    )


def _open_binary(path: Path, kind: FileKind, *, unpacked: Path | None, sheet: str | None, limits: Limits) -> Source:
    readable = unpacked or path
    if kind is FileKind.PARQUET:
        columns, rows = parquet_head(readable)
        if len(columns) > limits.max_columns:
            raise Refused("too_many_columns", columns=len(columns), limit=limits.max_columns)
        pieces = partial(parquet_pieces, readable)
        return Source(path=path, kind=kind, columns=columns, row_estimate=rows, pieces=pieces, unpacked=unpacked)
    if kind is FileKind.XLSX:
        guard_workbook(readable, limits)
    head = sheet_head(readable, sheet, limits)
    return Source(
        path=path,
        kind=kind,
        columns=head.header.names,
        row_estimate=head.rows,
        sheet=head.sheet,
        sheets=head.sheets,
        warnings=head.header.warnings,
        pieces=partial(sheet_pieces, readable, head),
        first=head.first,
        unpacked=unpacked,
    )
