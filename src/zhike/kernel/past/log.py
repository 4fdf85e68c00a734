"""The log of changes for auditors: found by who, what, where from and when; newest first, by pages."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from zhike.kernel.errors import Refused
from zhike.kernel.history import model_of_kind
from zhike.kernel.lists.engine import timed
from zhike.kernel.models import Change, Tracked
from zhike.kernel.past.entries import place_of

PAGE = 50
COUNTED = 1_000  # rows of a change are counted up to here
SQL_SIZES = """
select c.id, (select count(*) from (select 1 from kernel_history h where h.change_id = c.id limit %s) x) from unnest(%s::uuid[]) c (id)
"""
# Rows without a change were written past the product: one line for what one transaction did to one table.
SQL_OUTSIDE = """
select h.at, h.kind, count(*) from (
  select at, kind, hid from kernel_history where change_id is null {before} order by at desc, hid desc limit %s
) h group by h.at, h.kind order by h.at desc, h.kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the log is asked for; empty fields ask for everything. `record` is the id of one record."""

    person: int | None = None
    label: str = ""
    verb: str = ""
    source: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    record: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What one transaction wrote into one table past the product; at most `COUNTED` rows are counted."""

    at: dt.datetime
    model: type[Tracked]
    kind: int
    rows: int


def changes(asked: Asked, before: str = "", size: int = PAGE) -> tuple[list[Change], str]:
    """Changes newest first, and from where the next ones follow ("" at the end). Raises Refused: filter_value, list_too_slow."""
    rows = Change.objects.order_by("-at", "-id").defer("undo_progress")
    if before:
        moment = _moment(before)
        rows = rows.filter(Q(at__lt=moment) | Q(pk__lt=_last(before)), at__lte=moment)  # a range of the index, and a rest of one moment
    named = {"actor_id": asked.person, "label": asked.label, "verb": asked.verb, "source": asked.source, "object_id": asked.record}
    rows = rows.filter(**{name: value for name, value in named.items() if value not in (None, "")})
    if asked.since:
        rows = rows.filter(at__gte=asked.since)
    if asked.until:
        rows = rows.filter(at__lt=asked.until)
    with timed():
        found = list(rows[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return found[:size], f"{last.at.isoformat()}~{last.pk}" if last else ""


def _moment(before: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(before.partition("~")[0])
    except ValueError as wrong:
        raise Refused("filter_value", name="before", value=before) from wrong


def _last(before: str) -> uuid.UUID:
    try:
        return uuid.UUID(before.partition("~")[2])
    except ValueError as wrong:
        raise Refused("filter_value", name="before", value=before) from wrong


def walked(asked: Asked, most: int) -> Iterator[Change]:
    """The same page after page, for a file."""
    before, told = "", 0
    while told < most:
        found, before = changes(asked, before, 1_000)
        yield from found[: most - told]
        told += len(found)
        if not before:
            return


def sizes(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many rows each change wrote, counted up to `COUNTED`."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_SIZES, [COUNTED, list(ids)])
        return dict(cursor.fetchall())


def outside(before: str = "") -> tuple[list[Outside], str]:
    """What was written past the product, newest first, and from where more follows."""
    place = place_of(before)
    sql = SQL_OUTSIDE.format(before="and (at, hid) < (%s, %s)" if place else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(place or ()), COUNTED])
        rows = cursor.fetchall()
    found = [Outside(at=at, model=model_of_kind(kind), kind=kind, rows=count) for at, kind, count in rows]
    total = sum(one.rows for one in found)
    return found, f"{found[-1].at.isoformat()}~0" if total >= COUNTED else ""
