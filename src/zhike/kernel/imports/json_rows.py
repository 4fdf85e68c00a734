"""JSON arrays and JSON lines, read as a stream: one record is in memory, not the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Broken, Piece, clipped, row_numbers, text_frame
from zhike.kernel.imports.cells import flat_rows, json_constant, json_number
from zhike.kernel.imports.headers import check_width
from zhike.kernel.imports.limits import Limits
from zhike.kernel.imports.sniffing import WRAPPERS

_ROWS = 10_000
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(parse_float=json_number, parse_int=str, parse_constant=json_constant)

Record = Mapping[str, object] | Broken
Records = Callable[[], Iterator[Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonHead:
    """Columns over the whole file and the number of rows."""

    columns: tuple[str, ...]
    rows: int


def lines_of(chunks: Iterator[str]) -> Iterator[Record]:
    """Yield the objects of JSON lines; a line that is none is broken with `row_unreadable`."""
    for number, line in enumerate(_lines(chunks), start=1):
        try:
            value = _DECODER.decode(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            yield value
        else:
            yield Broken(row=number, text=clipped(line), code="row_unreadable")


def _lines(chunks: Iterator[str]) -> Iterator[str]:
    carry = ""
    for chunk in chunks:
        *lines, carry = (carry + chunk).split("\n")
        yield from (line for line in lines if line.strip())
    if carry.strip():
        yield carry


def array_of(chunks: Iterator[str], limits: Limits) -> Iterator[Record]:
    """Yield the objects of a JSON array; raises `file_unreadable` with the number of good records before the fault."""
    text, count, place = "", 0, 0
    for chunk in chunks:
        text, place = text[place:] + chunk, 0
        if count == 0 and not (text := text.lstrip()):
            continue
        place = _BETWEEN.match(text).end() if count else text.index("[") + 1  # type: ignore[union-attr]
        while (found := _next_record(text, place)) is not None:
            value, place = found
            count += 1
            yield (value if isinstance(value, dict) else Broken(row=count, text=clipped(str(value)), code="row_unreadable"))
        if len(text) - place > limits.max_json_object:
            raise Refused("too_large_for_json", row=count + 1)
    if not text[place:].strip(" \t\r\n,").startswith("]"):
        raise Refused("file_unreadable", why="json", row=count + 1)


def _next_record(text: str, place: int) -> tuple[object, int] | None:
    """Decode one value, or None when the text has to grow first (or is no JSON: then it grows to the end)."""
    start = _BETWEEN.match(text, place)
    place = start.end() if start else place
    if place >= len(text) or text[place] == "]":
        return None
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None


def object_of(chunks: Iterator[str], limits: Limits) -> Iterator[Record]:
    """Yield the records wrapped in one object, or the object itself; raises `too_large_for_json`, `file_unreadable`."""
    parts: list[str] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > limits.max_json_object:
            raise Refused("too_large_for_json", limit=limits.max_json_object)
    try:
        value = _DECODER.decode("".join(parts))
    except (ValueError, RecursionError) as error:
        raise Refused("file_unreadable", why="json") from error
    if not isinstance(value, dict):
        raise Refused("not_a_table", found="json")
    lists = [value[name] for name in value if name.lower() in WRAPPERS and isinstance(value[name], list)]
    yield from (item for item in lists[0] if isinstance(item, dict)) if lists else (value,)


def json_head(records: Records, limits: Limits) -> JsonHead:
    """Read all records once for the columns; raises `empty_file`, `too_many_columns` and what the records raise."""
    columns: dict[str, None] = {}
    rows = 0
    for record in records():
        if isinstance(record, Broken):
            rows += 1
            continue
        for flat in flat_rows(record):
            rows += 1
            if flat.keys() - columns.keys():
                columns.update(dict.fromkeys(flat))
                check_width(len(columns), limits)
    if not columns:
        raise Refused("empty_file")
    return JsonHead(columns=tuple(columns), rows=rows)


def json_pieces(records: Records, columns: tuple[str, ...]) -> Iterator[Piece]:
    """Yield the rows; the objects of one record's list count as rows of their own."""
    row = 0
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    for record in records():
        if isinstance(record, Broken):
            row += 1
            broken.append(Broken(row=row, text=record.text, code=record.code))
            continue
        for flat in flat_rows(record):
            row += 1
            rows.append([flat.get(name) for name in columns])
            numbers.append(row)
        if len(rows) >= _ROWS:
            yield Piece(frame=text_frame(rows, columns), rows=row_numbers(numbers), broken=tuple(broken))
            rows, numbers, broken = [], [], []
    yield Piece(frame=text_frame(rows, columns), rows=row_numbers(numbers), broken=tuple(broken))
