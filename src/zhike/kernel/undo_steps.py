"""The three set-wise steps of an undo, and the table they work from."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django.db import connection, models
from django.db.models import Q

from . import history
from .models import Attachment, Change, Record, Tracked

SQL_COLLECT = """
create unlogged table "{table}" as
with mine as (
  select kind, object_id, min(hid) as first_hid, count(*) as entries,
    (array_agg(op order by hid))[1] as first_op, (array_agg(op order by hid desc))[1] as last_op
  from kernel_history where change_id = %(change)s group by kind, object_id
),
before as (
  select m.kind, m.object_id, jsonb_object_agg(e.key, e.value order by h.hid desc) as old
  from mine m join kernel_history h on h.change_id = %(change)s and h.kind = m.kind and h.object_id = m.object_id
  cross join lateral jsonb_each(h.old) e where h.op <> 'I' and m.first_op <> 'I' group by m.kind, m.object_id
),
steps as (
  select m.kind, m.object_id, m.first_hid, b.old,
    case when m.first_op = 'I' then 'remove' when m.last_op = 'D' then 'back' else 'values' end as step
  from mine m left join before b using (kind, object_id) where not (m.first_op = 'I' and m.last_op = 'D')
)
select row_number() over (order by array_position(array['back','values','remove'], s.step),
    case s.step when 'remove' then -r.rank else r.rank end, s.object_id) as n, s.*
from steps s join unnest(%(kinds)s::smallint[], %(ranks)s::int[]) as r (kind, rank) on r.kind = s.kind
"""
LATER = """
select w.object_id, bool_or(h.op = 'D') as gone, array_remove(array_agg(distinct k.key), null) as keys
from "{table}" w join kernel_history h on h.object_id = w.object_id and h.kind = w.kind and h.hid > w.first_hid
  and (h.change_id is null or h.change_id <> all (%(quiet)s::uuid[]))
left join lateral jsonb_object_keys(h.old) k (key) on h.op = 'U'
where w.n > %(lo)s and w.n <= %(hi)s and w.kind = %(kind)s group by w.object_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A range lo < n <= hi of the work table of one undo."""

    table: str
    undo_id: str
    quiet: tuple[str, ...]  # changes that do not count as later ones: this, its undo, what was taken back itself
    lo: int
    hi: int

    def part(self, lo: int, hi: int) -> Self:
        return replace(self, lo=lo, hi=hi)

    def values(self, model: type[Tracked] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {"lo": self.lo, "hi": self.hi, "quiet": list(self.quiet)}
        return found | ({"kind": history.kind_of(model)} if model else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record that was left as it is: changed_later, gone, still_needed, parent_gone or taken."""

    label: str
    object_id: str
    why: str


def _parents(model: type[Tracked]) -> list[tuple[str, type[models.Model], bool]]:
    """Foreign keys that the database holds: column, model behind it, whether it may be empty."""
    found = []
    for one in model._meta.concrete_fields:
        behind = one.related_model
        if isinstance(one, models.ForeignKey) and getattr(one, "db_constraint", False) and isinstance(behind, type):
            found.append((one.column, behind, one.null))
    return found


def ranks() -> Mapping[type[Tracked], int]:
    """How many levels of parents a table has above it."""
    known: dict[type[Tracked], int] = {}

    def rank(model: type[Tracked]) -> int:
        if model not in known:
            known[model] = 0
            above = [parent for _column, parent, _null in _parents(model) if parent is not model and issubclass(parent, Tracked)]
            known[model] = 1 + max((rank(parent) for parent in above), default=-1)
        return known[model]

    for model in history.tracked_models():
        rank(model)
    return known


def collect(table: str, change_id: uuid.UUID) -> int:
    """Make the work table anew; the same change always gives the same rows in the same order."""
    order = ranks()
    with connection.cursor() as cursor:
        cursor.execute(f'drop table if exists "{table}"')
        cursor.execute(
            SQL_COLLECT.format(table=table),
            {"change": change_id, "kinds": [history.kind_of(m) for m in order], "ranks": list(order.values())},
        )
        cursor.execute(f'create index on "{table}" (n)')
        cursor.execute(f'analyze "{table}"')
        cursor.execute(f'select count(*) from "{table}"')
        return int(cursor.fetchone()[0])


def quiet_changes(change: Change, undo_id: str) -> tuple[str, ...]:
    """Later changes that were taken back, with what took them back, leave no trace to respect; nor does this change."""
    undone = Change.objects.filter(at__gte=change.at).filter(Q(undone_at__isnull=False) | Q(undoes__undone_at__isnull=False))
    return (str(change.pk), undo_id, *map(str, undone.values_list("pk", flat=True)))


def groups(work: Work) -> Iterator[tuple[type[Tracked], str]]:
    """Tables and steps of a range, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'select kind, step from "{work.table}" where n > %(lo)s and n <= %(hi)s group by kind, step order by min(n)', work.values()
        )
        found = cursor.fetchall()
    for kind, step in found:
        yield history.model_of_kind(kind), step


def ids_sql(work: Work, model: type[Tracked]) -> str:
    """The ids of a table's records in the range, as SQL."""
    return f'select object_id from "{work.table}" where n > {int(work.lo)} and n <= {int(work.hi)} and kind = {int(history.kind_of(model))}'


def first_of(work: Work, why: str) -> Kept:
    """The one record of a range of one, kept."""
    with connection.cursor() as cursor:
        cursor.execute(f'select kind, object_id from "{work.table}" where n > %(lo)s and n <= %(hi)s', work.values())
        kind, object_id = cursor.fetchone()
    return Kept(label=history.model_of_kind(kind)._meta.label_lower, object_id=str(object_id), why=why)


def _kept(model: type[Tracked], rows: list[tuple[Any, str]]) -> list[Kept]:
    return [Kept(label=model._meta.label_lower, object_id=str(pk), why=why) for pk, why in rows]


def bring_back(work: Work, model: type[Tracked]) -> tuple[int, list[Kept]]:
    """Insert deleted rows again, whole, unless their id or key is taken or a parent is gone."""
    table = f'"{model._meta.db_table}"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"select jsonb_object_keys(old) from \"{work.table}\" where n > %(lo)s and n <= %(hi)s and kind = %(kind)s and step = 'back' group by 1",
            work.values(model),
        )
        stored = {row[0] for row in cursor.fetchall()}
        columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields if f.column in stored)
        # Own fields may have been changed and then deleted by the same change: the older values lie beside the row.
        values_of = columns.replace('"custom"', history.own_back("custom", "old")) if issubclass(model, Record) else columns
        orphan = " or ".join(
            f'(r."{c}" is not null and not exists (select 1 from "{p._meta.db_table}" p where p."{p._meta.pk.column}" = r."{c}"))'
            for c, p, _null in _parents(model)
        )
        cursor.execute(
            f"with w as (select object_id, old from \"{work.table}\" where n > %(lo)s and n <= %(hi)s and kind = %(kind)s and step = 'back'), "
            f"r as (select r.*, w.old, {orphan or 'false'} as orphan from w cross join lateral jsonb_populate_record(null::{table}, w.old) r), "
            f"i as (insert into {table} ({columns}) select {values_of} from r where not orphan on conflict do nothing returning id) "
            "select r.id, case when r.orphan then 'parent_gone' else 'taken' end from r where not exists (select 1 from i where i.id = r.id)",
            work.values(model),
        )
        kept = cursor.fetchall()
        cursor.execute(
            f"select count(*) from \"{work.table}\" where n > %(lo)s and n <= %(hi)s and kind = %(kind)s and step = 'back'",
            work.values(model),
        )
        return int(cursor.fetchone()[0]) - len(kept), _kept(model, kept)


def put_values_back(work: Work, model: type[Tracked]) -> tuple[int, list[Kept]]:
    """Give changed columns their old values, except those that a later change wrote."""
    table = f'"{model._meta.db_table}"'
    sets = ", ".join(
        f'"{c}" = case when w.keep ? \'{c}\' then r."{c}" else t."{c}" end'
        for c in history.tracked_columns(model)
        if c not in ("version", "updated_at") and not (c == "custom" and issubclass(model, Record))
    )
    if issubclass(model, Record):
        sets += (
            f", custom = {history.own_back('t.custom', 'w.keep')}"
            ", version = case when w.later then t.version + 1 when w.keep ? 'version' then r.version else t.version end"
            ", updated_at = case when w.later then now() when w.keep ? 'updated_at' then r.updated_at else t.updated_at end"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"with later as ({LATER.format(table=work.table)}), "
            f"w as (select w.object_id, w.old - coalesce(l.keys, '{{}}') as keep, l.object_id is not null as later, coalesce(l.keys, '{{}}') && "
            "(select array_agg(k) from jsonb_object_keys(w.old - array['version', 'updated_at']) k) as clash "
            f"from \"{work.table}\" w left join later l using (object_id) where w.n > %(lo)s and w.n <= %(hi)s and w.kind = %(kind)s and w.step = 'values'), "
            f"u as (update {table} t set {sets} from w cross join lateral jsonb_populate_record(null::{table}, w.keep) r "
            "where t.id = w.object_id and w.keep - array['version', 'updated_at'] <> '{}'::jsonb returning t.id) "
            "select w.object_id, case when w.clash then 'changed_later' when u.id is null then 'gone' end, u.id is not null "
            "from w left join u on u.id = w.object_id",
            work.values(model),
        )
        rows = cursor.fetchall()
    return sum(1 for row in rows if row[2]), _kept(model, [(pk, why) for pk, why, _done in rows if why])


def remove(work: Work, model: type[Tracked]) -> tuple[int, list[Kept]]:
    """Delete rows that the change made, unless they were changed later or something that stays needs them."""
    table = f'"{model._meta.db_table}"'
    needed = " or ".join(
        f'exists (select 1 from "{other._meta.db_table}" c where c."{column}" = w.object_id)' for other, column in _children(model)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"with later as ({LATER.format(table=work.table)}), "
            f"w as (select w.object_id, l.object_id is not null and not l.gone as later, {needed or 'false'} as needed "
            f"from \"{work.table}\" w left join later l using (object_id) where w.n > %(lo)s and w.n <= %(hi)s and w.kind = %(kind)s and w.step = 'remove'), "
            f"d as (delete from {table} t using w where t.id = w.object_id and not w.later and not w.needed returning t.id) "
            "select (select count(*) from d), array(select object_id::text || '|' || case when later then 'changed_later' else 'still_needed' end "
            "from w where later or needed)",
            work.values(model),
        )
        done, kept = cursor.fetchone()
    return int(done), _kept(model, [(one.partition("|")[0], one.partition("|")[2]) for one in kept])


def _children(model: type[Tracked]) -> list[tuple[type[models.Model], str]]:
    """Tables and columns that may hold the id of a record of this table."""
    found: list[tuple[type[models.Model], str]] = []
    for relation in model._meta.related_objects:
        holder = relation.related_model
        if isinstance(relation.field, models.ForeignKey) and getattr(relation.field, "db_constraint", False) and isinstance(holder, type):
            found.append((holder, relation.field.column))
    return [*found, (Attachment, "object_id")] if model is not Attachment else found


STEPS: Mapping[str, Callable[[Work, type[Tracked]], tuple[int, list[Kept]]]] = {
    "back": bring_back, "values": put_values_back, "remove": remove,
}  # fmt: skip
