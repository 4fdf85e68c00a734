"""A list as of a past moment: rows that changed since are put back, the others stand as they are; filters and order see the old values.

Bounded: at most `MOST` records of the type may have changed since. A reader sees what lies within his reach both then
and today; what was deleted since counts by how it was when it went. Columns that are worked out from other facts
(`untracked`) have no past: they can neither filter nor order here. Tags and other facts of linked tables are today's.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import is_custom_name
from zhike.kernel.fields import field_of
from zhike.kernel.history import kind_of
from zhike.kernel.lists.engine import timed, where_sql
from zhike.kernel.lists.pages import Listing, engine_wanted
from zhike.kernel.models import Record
from zhike.kernel.past.states import as_row, read, unknown_columns

PAGE = 50
MOST = 20_000
SQL_CHANGED = """
select count(*) from (select 1 from kernel_history where kind = %s and at > %s group by object_id limit %s) x
"""
# A row that changed since can have matched then only when it matches today, or a column that is filtered by is among
# what changed, or it is gone: only those are put back. `is true` keeps a lookup in a hash table from becoming a join, which
# the planner, who expects one row of each of these, would do row by row.
SQL_LIST = """
with entries as materialized (select object_id, at, hid, op, old from kernel_history where kind = %(kind)s and at > %(moment)s),
changed as materialized (
  select object_id as id, (array_agg(op order by at, hid))[1] as first, bool_or(op <> 'I' and (%(filtered)s::text[] is null or old ?| %(filtered)s::text[])) as touched
  from entries group by object_id
),
candidates as materialized (
  select c.id, {table}."id" is not null as is_there, to_jsonb({table}) as now
  from changed c left join {table} on {table}."id" = c.id
  where c.first <> 'I' and ({table}."id" is null or ({reach} and (c.touched or {conditions})))
),
olds as (
  select d.object_id as id, jsonb_object_agg(d.key, d.value) as old from (
    select distinct on (e.object_id, k.key) e.object_id, k.key, k.value from entries e
    cross join lateral jsonb_each(e.old) k where e.op <> 'I' and (e.object_id in (select id from candidates)) is true order by e.object_id, k.key, e.at, e.hid) d group by d.object_id
),
past as (
  select c.id, coalesce(c.now, '{{}}') || coalesce(o.old, '{{}}') as state, o.old from candidates c left join olds o using (id)
),
laid as (
  select id, state || jsonb_build_object('custom', zhike_custom_back(state -> 'custom', coalesce(old, '{{}}'))) as state from past
)
select * from (
  (select {table}."id", {key} as key, p.state::text as state from laid p cross join lateral jsonb_populate_record(null::{table}, p.state) {table}
   where {reach} and {conditions})
  union all
  (select {table}."id", {key} as key, null from {table} where {reach} and {conditions} and {table}."created_at" <= %(moment)s
     and ({table}."id" in (select id from changed)) is not true and {after} order by key {way}, id {way} limit %(limit)s)
) x where {after_all} order by key {way}, id {way} limit %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRows:
    """A page of records as they were, not to be stored; `next` says where the following page begins ("" at the end)."""

    records: list[Record]
    next: str
    changed: frozenset[uuid.UUID]  # of these, those that are different or gone today


def rows_at(wanted: Listing, moment: dt.datetime, *, after: str = "", size: int = PAGE) -> PastRows:
    """One page of a list as of a moment. Raises Refused: as_of_untracked, as_of_too_far, list_too_slow, filter_value."""
    model = wanted.spec.model
    _require_past(wanted)
    found = engine_wanted(wanted, after, size)
    facts: dict[str, Any] = {"kind": kind_of(model), "moment": moment, "limit": size + 1}
    table = f'"{model._meta.db_table}"'
    conditions = _named("w", where_sql(model, wanted.conditions()), facts)
    reach = _named("r", where_sql(model, wanted.reach().q()), facts)
    facts["filtered"] = _filtered(wanted)
    way, sign = ("desc", "<") if found.descending else ("asc", ">")
    place = "true"
    if found.after is not None:
        reader = found.read_key or field_of(model, found.key).to_python
        facts |= {"after_key": reader(found.after[0]), "after_id": uuid.UUID(found.after[1])}
        place = f"(key, id) {sign} (%(after_key)s, %(after_id)s)"
    sql = SQL_LIST.format(
        table=table, key=found.key_on(table), conditions=conditions, reach=reach, way=way, after_all=place,
        after="true" if place == "true" else f'({found.key_on(table)}, {table}."id") {sign} (%(after_key)s, %(after_id)s)',
    )  # fmt: skip
    with timed() as cursor:
        cursor.execute(SQL_CHANGED, [facts["kind"], moment, MOST + 1])
        if int(cursor.fetchone()[0]) > MOST:
            raise Refused("as_of_too_far", most=f"{MOST:,}")
        cursor.execute(sql, facts)
        rows = cursor.fetchall()
    last = rows[size - 1] if len(rows) > size else None
    texts = {pk: text for pk, _key, text in rows[:size] if text}
    return PastRows(
        records=_records(wanted, [row[0] for row in rows[:size]], texts),
        next=f"{_place(last[1])}~{last[0]}" if last else "",
        changed=frozenset(texts),
    )


def _place(key: Any) -> str:
    return key.isoformat() if hasattr(key, "isoformat") else str(key)


def _named(prefix: str, sql: tuple[str, list[Any]], facts: dict[str, Any]) -> str:
    """A condition with its positional parameters under names, so that it may stand more than once."""
    text, params = sql
    for number, value in enumerate(params):
        facts[f"{prefix}{number}"] = value
        text = text.replace("%s", f"%({prefix}{number})s", 1)
    return f"({text})"


def _filtered(wanted: Listing) -> list[str] | None:
    """Keys of history rows that the filters read; None when that is not known."""
    if any(chosen.filter.build is not None or chosen.filter.where is not None for chosen in wanted.chosen):
        return None
    names = {chosen.filter.column for chosen in wanted.chosen}
    return [*(str(field_of(wanted.spec.model, name).column) for name in names if not is_custom_name(name)), *filter(is_custom_name, names)]


def _require_past(wanted: Listing) -> None:
    unknown = unknown_columns(wanted.spec.model)
    used = [chosen.filter.column for chosen in wanted.chosen] + [wanted.key]
    for name in used:
        if name in unknown or (not is_custom_name(name) and name.partition("__")[0] in wanted.spec.model.untracked):
            raise Refused("as_of_untracked", field=name)


def _records(wanted: Listing, ids: list[uuid.UUID], texts: Mapping[uuid.UUID, str]) -> list[Record]:
    model = wanted.spec.model
    current = {record.pk: record for record in model.objects.filter(Q(pk__in=[pk for pk in ids if pk not in texts]))}
    unknown = unknown_columns(model)
    past = {
        pk: as_row(model, {column: value for column, value in read(text).items() if column not in unknown}) for pk, text in texts.items()
    }
    return [record for pk in ids if (record := past.get(pk) or current.get(pk)) is not None]
