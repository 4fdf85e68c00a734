"""Export of what a list shows: CSV, XLSX or Parquet, streamed, made safe for spreadsheets, and noted."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils import timezone

from zhike.kernel.later import Later

from .. import directory
from ..actor import Actor
from ..errors import Refused
from ..fielddefs import FieldDef
from ..lists.pages import Listing
from ..models import ExportRecord
from ..spec import Column, ObjectSpec
from ..text.safe import safe_cell
from .asked import columns_of, listing_of, part_asked
from .cells import plain, value_at
from .own import Names, names_for, own_of, plain_own
from .rows import label_in
from .web import actor_in, screen, spec_of, with_params

if TYPE_CHECKING:
    import polars as pl
    import xlsxwriter
else:
    pl = Later("polars")
    xlsxwriter = Later("xlsxwriter")

XLSX_ROWS = 1_000_000
CHUNK = 2_000


@screen
def export(request: HttpRequest, slug: str) -> HttpResponse | FileResponse:
    """The list as a file; needs the right to export, and is written down."""
    spec = spec_of(slug, actor_in(request))
    one = part_asked(request, spec, "format")
    columns, _chosen = columns_of(request, one)
    wanted = listing_of(request, one, "export")
    kind = request.GET.get("format", "csv")
    if kind not in _WRITERS:
        raise Refused("export_format")
    file = tempfile.NamedTemporaryFile(suffix=f".{kind}")  # noqa: SIM115 - FileResponse closes it
    write_export(wanted, columns, kind, Path(file.name), filters=with_params(one.params))
    name = f"{spec.slug}-{timezone.localtime():%Y%m%d-%H%M}.{kind}"
    return FileResponse(open(file.name, "rb"), as_attachment=True, filename=name)


def write_export(wanted: Listing, columns: Sequence[Column], kind: str, path: Path, *, filters: str = "") -> int:
    """Write the matching rows to a file and note who took them; the number of rows.

    Raises Refused("not_permitted") without the right to export, ("export_format") for an unknown kind.
    """
    wanted.spec.policy.require_any(wanted.actor, "export")
    writer = _WRITERS.get(kind)
    if writer is None:
        raise Refused("export_format")
    heads = [str(column.label or label_in(wanted.spec, column.path)) for column in columns]
    count = writer(path, heads, _values(wanted, columns))
    note_export(wanted.actor, wanted.spec.label, columns=[column.path for column in columns], kind=kind, count=count, filters=filters)
    return count


def note_export(actor: Actor, label: str, *, columns: Sequence[str], kind: str, count: int, filters: str) -> None:
    """Write down who took how many rows of which type out of the house."""
    ExportRecord.objects.create(
        actor_id=actor.user_id,
        actor_name=actor.name,
        label=label,
        filters=filters,
        columns=list(columns),
        format=kind,
        rows=count,
    )


def _values(wanted: Listing, columns: Sequence[Column]) -> Iterator[list[Any]]:
    joins = sorted({path for column in columns for path in column.join})
    own = {column.path: found for column in columns if (found := own_of(wanted.spec, column.path))}
    named = [one for path, one in own.items() if path not in wanted.spec.covered]
    rows = wanted.spec.model.objects.filter(wanted.matching()).veiled(wanted.actor).order_by(*wanted.order())
    people, teams = dict[int, str](), dict[int, str]()
    owners = [f"{column.path}_id" for column in columns if column.cell == "person"]
    of_teams = [f"{column.path}_id" for column in columns if column.cell == "team"]
    stream = (rows.select_related(*joins) if joins else rows).iterator(chunk_size=CHUNK)
    while some := list(islice(stream, CHUNK)):
        names = names_for(wanted.actor, named, some)
        if unknown := {getattr(record, name) for name in owners for record in some} - people.keys() - {None}:
            people |= directory.people(unknown)
        if unknown := {getattr(record, name) for name in of_teams for record in some} - teams.keys() - {None}:
            teams |= directory.teams(unknown)
        for record in some:
            yield [
                _own_value(wanted.spec, own[column.path], record, names) if column.path in own else _value(record, column, people, teams)
                for column in columns
            ]


def _own_value(spec: ObjectSpec, own: FieldDef, record: Any, names: Names) -> Any:
    if own.name not in spec.covered:
        return plain_own(own, record, names)
    value = own.value(record)
    return value if isinstance(value, str) else None


def _value(record: Any, column: Column, people: dict[int, str], teams: dict[int, str]) -> Any:
    if column.cell == "person":
        return people.get(getattr(record, f"{column.path}_id"), "")
    if column.cell == "team":
        return teams.get(getattr(record, f"{column.path}_id"), "")
    field = record._meta.get_field(column.path.split("__")[0])
    if field.choices:
        return "" if getattr(record, column.path) is None else str(getattr(record, f"get_{column.path}_display")())
    value = value_at(record, column.path)
    return str(value) if field.is_relation and value is not None else plain(value)


def safe(value: Any) -> Any:
    """A cell that a spreadsheet would run as a formula gets an apostrophe in front and is read as text."""
    return safe_cell(value) if isinstance(value, str) else value


def _write_csv(path: Path, heads: list[str], rows: Iterator[list[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow([safe(head) for head in heads])
        for row in rows:
            out.writerow(["" if value is None else safe(value) for value in row])
            count += 1
    return count


def _write_xlsx(path: Path, heads: list[str], rows: Iterator[list[Any]]) -> int:
    book = xlsxwriter.Workbook(
        path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd hh:mm"}
    )
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [safe(head) for head in heads])
    count = 0
    for row in rows:
        count += 1
        if count > XLSX_ROWS:
            book.close()
            raise Refused("too_many_selected", limit=XLSX_ROWS)
        sheet.write_row(count, 0, ["" if value is None else safe(value) for value in row])
    book.close()
    return count


def _write_parquet(path: Path, heads: list[str], rows: Iterator[list[Any]]) -> int:
    frame = pl.DataFrame(list(rows), schema=heads, orient="row", infer_schema_length=None)
    frame.write_parquet(path)
    return frame.height


_WRITERS: dict[str, Callable[[Path, list[str], Iterator[list[Any]]], int]] = {
    "csv": _write_csv,
    "xlsx": _write_xlsx,
    "parquet": _write_parquet,
}
