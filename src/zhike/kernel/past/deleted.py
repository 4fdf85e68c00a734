"""Deleted records: found in the history by the same rights that held when they were there, and brought back with what was theirs."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from zhike.kernel import history, undo_steps
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.followups import settle
from zhike.kernel.history import kind_of
from zhike.kernel.lists.engine import Sql, where_sql
from zhike.kernel.models import Change, Record, Tracked
from zhike.kernel.past.entries import place_of
from zhike.kernel.past.states import State, as_row, read
from zhike.kernel.past.tables import retention
from zhike.kernel.policy import policy_of
from zhike.kernel.search.many import refresh_selected
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.undo_steps import Kept, Work

PAGE = 50
WALK = 5_000  # deletions looked through for one page
# The stored row takes the name of its table, so that the policy's own condition reads it.
SQL_BIN = """
select w.hid, w.at, w.object_id, w.change_id, w.old::text, {ok} as ok from (
  select h.hid, h.at, h.object_id, h.change_id, h.old from kernel_history h
  where h.op = 'D' and h.kind = %s and h.at >= %s {before} order by h.at desc, h.hid desc limit {walk}
) w cross join lateral jsonb_populate_record(null::{table}, w.old) {table}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A record that is gone: when, by which change, and what it held."""

    spec: ObjectSpec
    pk: uuid.UUID
    at: dt.datetime
    hid: int
    change: Change | None
    row: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BinPage:
    """Deleted records, newest first; `next` says from where to look on, also when this stretch held none."""

    found: list[Deleted]
    next: str


def _within(model: type[Tracked], by: Actor, verb: str) -> Sql:
    return where_sql(model, policy_of(model).rows(by, verb))


def oldest_in_bin() -> dt.datetime:
    """What was deleted before this moment is not offered any more."""
    return dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=retention().bin_days)


def in_bin(spec: ObjectSpec, by: Actor, *, name: str = "", before: str = "", size: int = PAGE) -> BinPage:
    """Deleted records of a type that the actor could see while they were there, by part of their name."""
    place = place_of(before)
    reach, reach_params = _within(spec.model, by, "view")
    table = f'"{spec.model._meta.db_table}"'
    ok, params = f"({reach})", list(reach_params)
    if name:
        ok += f' and {table}."{spec.name}" ilike %s'
        params.append("%" + name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
    # Gone for good, or back again by undo: only the newest deletion of a record that is not there counts.
    ok += f" and not exists (select 1 from {table} t where t.id = w.object_id) and not exists (select 1 from kernel_history n "
    ok += "where n.object_id = w.object_id and n.op = 'D' and (n.at, n.hid) > (w.at, w.hid))"
    earlier = "and (h.at, h.hid) < (%s, %s)" if place else ""
    sql = SQL_BIN.format(ok=ok, before=earlier, walk=WALK, table=table)
    with connection.cursor() as cursor:
        # Row by row, newest first, until the page is full: nothing beyond it is compared.
        cursor.execute(
            f"with w as materialized ({sql}) select hid, at, object_id, change_id, case when ok then old end, ok from w order by at desc, hid desc",
            [*params, kind_of(spec.model), oldest_in_bin(), *(place or ())],
        )
        rows = cursor.fetchall()
    hits = [row for row in rows if row[5]]
    last = hits[size - 1] if len(hits) > size else rows[-1] if len(rows) == WALK else None
    return BinPage(found=_records(spec, by, hits[:size]), next=f"{last[1].isoformat()}~{last[0]}" if last else "")


def _records(spec: ObjectSpec, by: Actor, rows: Sequence[Sequence[Any]]) -> list[Deleted]:
    changes = {change.pk: change for change in Change.objects.filter(pk__in={row[3] for row in rows if row[3]})}
    return [
        Deleted(spec=spec, pk=row[2], at=row[1], hid=row[0], change=changes.get(row[3]), row=as_row(spec.model, read(row[4])))
        for row in rows
    ]


def deleted_record(spec: ObjectSpec, pk: uuid.UUID, by: Actor, verb: str = "view") -> Deleted | None:
    """A deleted record that was within reach when it went; None when it is there, was never, or was out of reach."""
    reach, params = _within(spec.model, by, verb)
    table = f'"{spec.model._meta.db_table}"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"select h.hid, h.at, h.object_id, h.change_id, h.old::text, {reach} from (select * from kernel_history where object_id = %s and kind = %s "
            f"and op = 'D' order by at desc, hid desc limit 1) h cross join lateral jsonb_populate_record(null::{table}, h.old) {table} "
            f"where not exists (select 1 from {table} t where t.id = h.object_id)",
            [*params, pk, kind_of(spec.model)],
        )
        rows = cursor.fetchall()
    return _records(spec, by, rows)[0] if rows and rows[0][5] else None


def is_within(model: type[Tracked], states: Mapping[uuid.UUID, State], by: Actor) -> set[uuid.UUID]:
    """Ids of past states that lie within the actor's reach, by the policy of today."""
    reach, params = _within(model, by, "view")
    table = f'"{model._meta.db_table}"'
    texts = [_text(state) for state in states.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"select u.id from unnest(%s::uuid[], %s::jsonb[]) u (id, old) cross join lateral jsonb_populate_record(null::{table}, u.old) {table} where {reach}",
            [list(states), texts, *params],
        )
        return {row[0] for row in cursor.fetchall()}


def _text(state: State) -> str:
    return json.dumps(state, default=str)


def gone_within(model: type[Tracked], ids: Iterable[uuid.UUID], by: Actor) -> set[uuid.UUID]:
    """Of deleted rows those that were within the actor's reach when they last went."""
    reach, params = _within(model, by, "view")
    table = f'"{model._meta.db_table}"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"select h.object_id from (select distinct on (object_id) object_id, old from kernel_history where object_id = any(%s) and kind = %s "
            f"and op = 'D' order by object_id, at desc, hid desc) h cross join lateral jsonb_populate_record(null::{table}, h.old) {table} where {reach}",
            [list(ids), kind_of(model), *params],
        )
        return {row[0] for row in cursor.fetchall()}


def restore(spec: ObjectSpec, pk: uuid.UUID, *, by: Actor) -> uuid.UUID:
    """Bring one deleted record back with what went with it; the change that undo takes back.

    Whoever could delete it may. Raises Refused: gone, not_permitted, taken, parent_gone.
    """
    found = deleted_record(spec, pk, by, "delete")
    if found is None:
        raise Refused("not_permitted" if deleted_record(spec, pk, by) else "gone", verb="delete", label=spec.label)
    with transaction.atomic():
        change = history.begin_change(by, verb="restore", label=spec.label, object_id=pk)
        kept = _bring_back(found, str(change.pk))
        own = next((one for one in kept if one.object_id == str(pk)), None)
        if own is not None:
            raise Refused(own.why, field=spec.name)
        settle(str(change.pk), spec.label)
    return change.pk


# What went with a record: rows of the same change that pointed to it, and links to it that were emptied.
SQL_BELONGING = r"""
create temp table {table} on commit drop as
with recursive refs as materialized (
  select h.hid, h.kind, h.object_id, h.op, h.old, e.value as above from kernel_history h cross join lateral jsonb_each_text(h.old) e
  where h.change_id = %(change)s and h.op in ('D', 'U') and e.key like '%%\_id' and e.value is not null
),
mine as (
  select h.hid, h.kind, h.object_id, h.op, h.old from kernel_history h where h.hid = %(hid)s and h.at = %(at)s
  union
  select r.hid, r.kind, r.object_id, r.op, r.old from mine m join refs r on r.above = m.object_id::text where m.op = 'D' and r.hid <> m.hid
)
select row_number() over (order by case op when 'D' then 0 else 1 end, r.rank, m.object_id) as n, m.kind, m.object_id, min(m.hid) as first_hid,
  (array_agg(m.old order by m.hid))[1] as old, case op when 'D' then 'back' else 'values' end as step
from mine m join unnest(%(kinds)s::smallint[], %(ranks)s::int[]) as r (kind, rank) on r.kind = m.kind group by m.kind, m.object_id, op, r.rank
"""


def _bring_back(found: Deleted, change: str) -> list[Kept]:
    table = "zhike_restore"
    order = undo_steps.ranks()
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {table}")
        cursor.execute(
            SQL_BELONGING.format(table=table),
            {"hid": found.hid, "at": found.at, "change": found.change.pk if found.change else None,
             "kinds": [kind_of(model) for model in order], "ranks": list(order.values())},
        )  # fmt: skip
        cursor.execute(f"select count(*) from {table}")
        total = int(cursor.fetchone()[0])
    quiet = (str(found.change.pk), change) if found.change else (change,)
    work = Work(table=table, undo_id=change, quiet=quiet, lo=0, hi=total)
    kept: list[Kept] = []
    for model, step in undo_steps.groups(work):
        kept += undo_steps.STEPS[step](work, model)[1]
        refresh_selected(model, undo_steps.ids_sql(work, model))
    return kept


def is_there(model: type[Tracked], pk: uuid.UUID) -> bool:
    """Whether the row exists today."""
    return model._default_manager.filter(pk=pk).exists()


def readable(spec: ObjectSpec, pk: uuid.UUID, by: Actor) -> tuple[Record | None, Deleted | None]:
    """A record the actor may see, or the deleted one he could; raises not_permitted or gone when neither."""
    record = spec.model.objects.visible_to(by).filter(pk=pk).first()
    if record is not None:
        return record, None
    deleted = deleted_record(spec, pk, by)
    if deleted is None:
        raise Refused("not_permitted" if is_there(spec.model, pk) else "gone", label=spec.label)
    return None, deleted
