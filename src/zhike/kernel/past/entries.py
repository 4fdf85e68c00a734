"""History rows as they are read: of one record newest first, of one change in the order they were written."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from zhike.kernel.errors import Refused
from zhike.kernel.history import kind_of, model_of_kind
from zhike.kernel.models import Change, Tracked
from zhike.kernel.past.states import Entry, State, read, states_after

PAGE = 30
BESIDE = 12  # rows of other tables shown with one change of a record
COLUMNS = "h.hid, h.at, h.kind, h.object_id, h.op, h.change_id, h.old::text"
# A change that was begun on the record but wrote only rows of other tables (a tag, an order line) stands beside its own entries.
SQL_RECORD = """
select * from (
  (select {columns} from kernel_history h where h.object_id = %(pk)s and h.kind = %(kind)s {before} order by h.at desc, h.hid desc limit %(limit)s)
  union all
  (select h.* from kernel_change c cross join lateral (
     select min(h.hid), min(h.at), 0, c.object_id, 'C'::"char", c.id, null from kernel_history h where h.change_id = c.id) h (hid, at, kind, object_id, op, change_id, old)
   where c.object_id = %(pk)s and h.hid is not null {before}
     and not exists (select 1 from kernel_history o where o.change_id = c.id and o.object_id = c.object_id and o.kind = %(kind)s)
   order by c.at desc limit %(limit)s)
) h order by h.at desc, h.hid desc limit %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry with what the row held before and after; `before` is None for a new row, `after` for a deleted one."""

    entry: Entry
    change: Change | None
    before: State | None
    after: State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One change of a record: its own step (None when only rows of other tables changed), and steps of what belongs to it."""

    at: dt.datetime
    change: Change | None
    own: Step | None
    beside: tuple[Step, ...]
    more: bool


def place_of(text: str) -> tuple[dt.datetime, int] | None:
    """Where a page begins, from an address; Refused("filter_value") for nonsense."""
    if not text:
        return None
    moment, _tilde, number = text.partition("~")
    try:
        return dt.datetime.fromisoformat(moment), int(number)
    except ValueError as wrong:
        raise Refused("filter_value", name="before", value=text) from wrong


def of_record(model: type[Tracked], pk: uuid.UUID, before: str = "", size: int = PAGE) -> tuple[list[Chapter], str]:
    """Changes of one record, newest first, and from where the next ones follow ("" at the end)."""
    place = place_of(before)
    facts: dict[str, Any] = {"pk": pk, "kind": kind_of(model), "limit": size + 1}
    earlier = ""
    if place:
        earlier = "and (h.at, h.hid) < (%(at)s, %(hid)s)"
        facts |= {"at": place[0], "hid": place[1]}
    with connection.cursor() as cursor:
        cursor.execute(SQL_RECORD.format(columns=COLUMNS, before=earlier), facts)
        rows = cursor.fetchall()
    entries = [_entry(row, model) for row in rows[:size]]
    changes = _changes(entries)
    own = _walked([one for one in entries if one.op != "C"], model, pk, changes)
    beside = _beside(entries, model, pk, changes)
    chapters = [
        Chapter(at=one.at, change=changes.get(one.change_id), own=own.get(one.hid), beside=found[:BESIDE], more=len(found) > BESIDE)
        for one in entries
        for found in [beside.get(one.change_id, ()) if one.change_id else ()]
    ]
    last = entries[-1] if len(rows) > size else None
    return chapters, f"{last.at.isoformat()}~{last.hid}" if last else ""


def _entry(row: Sequence[Any], model: type[Tracked] | None = None) -> Entry:
    hid, at, kind, pk, op, change_id, old = row
    return Entry(hid=hid, at=at, model=model or model_of_kind(kind), pk=pk, op=op, change_id=change_id, old=read(old) if old else None)


def _changes(entries: Sequence[Entry]) -> dict[uuid.UUID | None, Change]:
    ids = {one.change_id for one in entries if one.change_id}
    return {change.pk: change for change in Change.objects.filter(pk__in=ids)}


def _walked(entries: Sequence[Entry], model: type[Tracked], pk: uuid.UUID, changes: dict[uuid.UUID | None, Change]) -> dict[int, Step]:
    """Steps of one record by going back from the state after the newest of its entries."""
    if not entries:
        return {}
    newest = entries[0]
    after: State | None = states_after([newest]).get(newest.hid)
    steps = {}
    for one in entries:
        if one.op == "D":
            after = None
        before = None if one.op == "I" else {**(after or {}), **(one.old or {})}
        steps[one.hid] = Step(entry=one, change=changes.get(one.change_id), before=before, after=after)
        after = before
    return steps


def _beside(
    entries: Sequence[Entry], model: type[Tracked], pk: uuid.UUID, changes: dict[uuid.UUID | None, Change]
) -> dict[uuid.UUID, tuple[Step, ...]]:
    """Rows of other tables that the same changes wrote, for changes that were about this record alone."""
    own = [change.pk for change in changes.values() if change.object_id == pk]
    if not own:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {COLUMNS} from unnest(%s::uuid[]) c (id) cross join lateral (select * from kernel_history h where h.change_id = c.id "
            "and not (h.object_id = %s and h.kind = %s) order by h.hid limit %s) h",
            [own, pk, kind_of(model), BESIDE + 1],
        )
        found = [_entry(row) for row in cursor.fetchall()]
    steps: dict[uuid.UUID, list[Step]] = {}
    for step in steps_of(found, changes):
        assert step.entry.change_id is not None
        steps.setdefault(step.entry.change_id, []).append(step)
    return {change: tuple(rows) for change, rows in steps.items()}


def steps_of(entries: Sequence[Entry], changes: dict[uuid.UUID | None, Change] | None = None) -> list[Step]:
    """Entries of any records with the state before and after each."""
    known = _changes(entries) if changes is None else changes
    after = states_after(entries)
    found = []
    for one in entries:
        later = after.get(one.hid)
        before = None if one.op == "I" else {**(later or {}), **(one.old or {})}
        found.append(Step(entry=one, change=known.get(one.change_id), before=before, after=later))
    return found


def of_change(change_id: uuid.UUID, after: int = 0, size: int = PAGE) -> tuple[list[Step], int]:
    """Rows of one change in the order they were written, and after which number the next ones follow (0 at the end)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {COLUMNS} from kernel_history h where h.change_id = %s and h.hid > %s order by h.hid limit %s",
            [change_id, after, size + 1],
        )
        rows = cursor.fetchall()
    entries = [_entry(row) for row in rows[:size]]
    return steps_of(entries), entries[-1].hid if len(rows) > size else 0


def of_database(at: dt.datetime, kind: int, after: int = 0, size: int = PAGE) -> tuple[list[Step], int]:
    """Rows that one transaction wrote past the product, into one table."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {COLUMNS} from kernel_history h where h.change_id is null and h.at = %s and h.kind = %s and h.hid > %s order by h.hid limit %s",
            [at, kind, after, size + 1],
        )
        rows = cursor.fetchall()
    entries = [_entry(row) for row in rows[:size]]
    return steps_of(entries), entries[-1].hid if len(rows) > size else 0
