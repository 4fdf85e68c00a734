"""The state of rows at a moment: today's row with newer old values laid over it, read exactly (amounts stay decimals)."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, models

from zhike.kernel.history import kind_of
from zhike.kernel.models import Tracked

State = Mapping[str, Any]  # column -> value as JSON tells it

# The oldest value after a moment is the one that held then. A row made after the moment did not exist at it.
SQL_AFTER = """
with h as (select hid, at, op, old from kernel_history where object_id = %(pk)s and kind = %(kind)s and {after}),
d as (select distinct on (e.key) e.key, e.value from h cross join lateral jsonb_each(h.old) e where h.op <> 'I' order by e.key, h.at, h.hid)
select (select op from h order by at, hid limit 1), (select to_jsonb(t)::text from "{table}" t where t.id = %(pk)s),
  (select jsonb_object_agg(key, value)::text from d)
"""
SQL_OVERLAYS = """
with e as (select * from unnest(%(hids)s::bigint[], %(ats)s::timestamptz[], %(kinds)s::int[], %(ids)s::uuid[]) as e (hid, at, kind, id)),
d as (
  select distinct on (e.hid, k.key) e.hid, k.key, k.value from e
  join kernel_history h on h.object_id = e.id and h.kind = e.kind and (h.at, h.hid) > (e.at, e.hid) and h.op <> 'I'
  cross join lateral jsonb_each(h.old) k order by e.hid, k.key, h.at, h.hid
)
select hid, jsonb_object_agg(key, value)::text from d group by hid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One history row: what happened to one row of one table, and what it held before."""

    hid: int
    at: dt.datetime
    model: type[Tracked]
    pk: uuid.UUID
    op: str
    change_id: uuid.UUID | None
    old: State | None


def read(text: str | None) -> dict[str, Any]:
    """A row as JSON text, with exact numbers; empty for none."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal) if text else {}
    return found


def state_before(model: type[Tracked], pk: uuid.UUID, at: dt.datetime, hid: int) -> State | None:
    """What a row held just before one of its history entries; None when it did not exist."""
    return _state(model, pk, "(at, hid) >= (%(at)s, %(hid)s)", {"at": at, "hid": hid})


def state_at(model: type[Tracked], pk: uuid.UUID, moment: dt.datetime) -> State | None:
    """What a row held at a moment; None when it did not exist. Columns without history (`untracked`) are left out."""
    found = _state(model, pk, "at > %(at)s", {"at": moment})
    created = found.get("created_at") if found else None
    if found is None or (created and dt.datetime.fromisoformat(str(created)) > moment):
        return None
    return {column: value for column, value in found.items() if column not in unknown_columns(model)}


def unknown_columns(model: type[Tracked]) -> set[str]:
    """Columns worked out from other facts: nobody kept what they were."""
    return {field.column for field in model._meta.concrete_fields if field.name in model.untracked}


def _state(model: type[Tracked], pk: uuid.UUID, after: str, facts: Mapping[str, Any]) -> State | None:
    with connection.cursor() as cursor:
        cursor.execute(SQL_AFTER.format(after=after, table=model._meta.db_table), {"pk": pk, "kind": kind_of(model), **facts})
        first, now, over = cursor.fetchone()
    if first == "I" or (first is None and now is None):
        return None
    return read(now) | read(over)


def states_now(model: type[Tracked], ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, State]:
    """Today's rows."""
    with connection.cursor() as cursor:
        cursor.execute(f'select t.id, to_jsonb(t)::text from "{model._meta.db_table}" t where t.id = any(%s)', [list(ids)])
        return {pk: read(text) for pk, text in cursor.fetchall()}


def states_after(entries: Sequence[Entry]) -> dict[int, State]:
    """What each row held right after its entry, by the entry's number; of a deleted row nothing."""
    if not entries:
        return {}
    facts: dict[str, Any] = {
        "hids": [one.hid for one in entries], "ats": [one.at for one in entries],
        "kinds": [kind_of(one.model) for one in entries], "ids": [one.pk for one in entries],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SQL_OVERLAYS, facts)
        over = {hid: read(text) for hid, text in cursor.fetchall()}
    now: dict[tuple[type[Tracked], uuid.UUID], State] = {}
    for model in {one.model for one in entries}:
        found = states_now(model, [one.pk for one in entries if one.model is model])
        now |= {(model, pk): state for pk, state in found.items()}
    return {one.hid: {**now.get((one.model, one.pk), {}), **over.get(one.hid, {})} for one in entries if one.op != "D"}


def as_row(model: type[Tracked], state: State) -> Any:
    """An unsaved record that holds a state, for showing; columns the state lacks are as in a new one."""
    row = model()
    for field in model._meta.concrete_fields:
        if field.column in state:
            setattr(row, field.attname, field.to_python(_plain(field, state[field.column])))
    row._state.adding = False
    return row


def _plain(field: models.Field[Any, Any], value: Any) -> Any:
    # Numbers come as JSON numbers, everything else as text; a whole number in a decimal column has to stay exact.
    return Decimal(str(value)) if isinstance(field, models.DecimalField) and value is not None else value
