"""History: statement triggers write old values of every change, so COPY, upserts, raw SQL and the ORM are all caught.

One table, partitioned by month, keeps only what was there before (reverse diff): an insert has no payload,
an update the columns that differed, a delete the whole row. A company's own fields (keys of `custom`) are kept each
for itself, as `cf_<key>` beside the columns; null says that the field was empty. The state at any past moment is
today's row with newer old values laid over it (`own_back` for own fields). Measured forms and traps: `docs/adr/0003-history.md`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import connection

from .actor import Actor
from .fielddefs import is_custom_name
from .models import Change, Record, TableKind, Tracked
from .places import database_here

SQL_TABLE = """
create table if not exists kernel_history (
  hid bigint generated always as identity,
  at timestamptz not null default now(),
  kind smallint not null,
  object_id uuid not null,
  change_id uuid,
  op "char" not null,
  old jsonb
) partition by range (at);
create table if not exists kernel_history_rest partition of kernel_history default;
create index if not exists kernel_history_object on kernel_history (object_id, at desc, hid desc);
create index if not exists kernel_history_change on kernel_history (change_id, hid);
create index if not exists kernel_history_at on kernel_history using brin (at);
create index if not exists kernel_history_deleted on kernel_history (kind, at desc, hid desc) where op = 'D';
create index if not exists kernel_history_outside on kernel_history (at desc, hid desc) where change_id is null;
"""

CHANGE = "nullif(current_setting('zhike.change', true), '')::uuid"


def tracked_models() -> list[type[Tracked]]:
    """Every concrete table with a history, in the order of the apps."""
    return [m for m in apps.get_models() if issubclass(m, Tracked) and not m._meta.proxy]


def kind_of(model: type[Tracked]) -> int:
    """The small number of a table, given once and kept for ever."""
    found = _kinds().get(model._meta.db_table)
    if found is None:
        found = TableKind.objects.get_or_create(table=model._meta.db_table)[0].kind
    return found


def _kinds() -> dict[str, int]:
    # One process serves many companies, and each numbers its tables itself: the database in use is the key.
    name = database_here()
    if name not in _kind_cache or len(_kind_cache[name]) < len(tracked_models()):
        _kind_cache[name] = dict(TableKind.objects.values_list("table", "kind"))
    return _kind_cache[name]


_kind_cache: dict[str, dict[str, int]] = {}


def model_of_kind(kind: int) -> type[Tracked]:
    """The model that a kind stands for; KeyError when its table is gone."""
    by_table = {m._meta.db_table: m for m in tracked_models()}
    table = next(table for table, number in _kinds().items() if number == kind)
    return by_table[table]


def tracked_columns(model: type[Tracked]) -> list[str]:
    """Columns whose change is history; what is worked out from other facts is left out."""
    left_out = {*model.untracked, "id"}
    return [f.column for f in model._meta.concrete_fields if f.column and f.name not in left_out and f.column not in left_out]


def trigger_sql(model: type[Tracked], kind: int) -> str:
    """Functions and triggers of one table. `FULL JOIN` can only hash or merge: a plain join keeps a
    nested-loop plan cached from a one-row update and then takes minutes for a large one."""
    table = model._meta.db_table
    columns = tracked_columns(model)
    differs = " or ".join(f'o."{c}" is distinct from n."{c}"' for c in columns)
    pieces = ", ".join(_piece(model, c) for c in columns)
    head = f"insert into kernel_history(kind, object_id, change_id, op, old) select {kind},"
    bodies = {
        "insert": f"{head} n.id, {CHANGE}, 'I', null from nt n;",
        "update": f"{head} coalesce(o.id, n.id), {CHANGE}, 'U', ('{{'||concat_ws(',', {pieces})||'}}')::jsonb "
        f"from ot o full join nt n using (id) where {differs};",
        "delete": f"{head} o.id, {CHANGE}, 'D', to_jsonb(o) from ot o;",
    }
    tables = {"insert": "new table as nt", "update": "old table as ot new table as nt", "delete": "old table as ot"}
    return "\n".join(
        f"create or replace function hist_{table}_{verb}() returns trigger language plpgsql as $f$begin {body} return null; end$f$;\n"
        f"create or replace trigger hist_{verb} after {verb} on {table} referencing {tables[verb]} "
        f"for each statement execute function hist_{table}_{verb}();"
        for verb, body in bodies.items()
    )


OWN_PIECE = (
    "case when o.custom is distinct from n.custom then (select string_agg(to_json('cf_'||k.key)::text||':'||coalesce((o.custom->k.key)::text,'null'), ',') "
    "from jsonb_object_keys(coalesce(o.custom, '{}') || coalesce(n.custom, '{}')) k(key) where o.custom->k.key is distinct from n.custom->k.key) end"
)


def _piece(model: type[Tracked], column: str) -> str:
    """What is kept of one column when it changed: its old value, of `custom` the old values of the fields that differ."""
    if column == "custom" and issubclass(model, Record):
        return OWN_PIECE
    return f'case when o."{column}" is distinct from n."{column}" then \'"{column}":\'||coalesce(to_json(o."{column}")::text,\'null\') end'


def own_back(custom: str, old: str) -> str:
    """SQL: own fields as they were, from `custom` (jsonb) and old values laid over it (jsonb of a history row, or several merged)."""
    return f"zhike_custom_back({custom}, {old})"


def old_own(old: Mapping[str, Any]) -> dict[str, Any]:
    """The own fields among old values, by field name; None where the field was empty."""
    return {name: value for name, value in old.items() if is_custom_name(name)}


def install() -> None:
    """Write the triggers of every tracked table whose columns changed since they were last written."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_TABLE)
        ensure_partitions(dt.datetime.now(tz=dt.UTC).date())
        for model in tracked_models():
            sql = trigger_sql(model, kind_of(model))
            mark = hashlib.sha256(sql.encode()).hexdigest()[:16]
            cursor.execute("select obj_description(to_regproc(%s)::oid)", [f"hist_{model._meta.db_table}_delete"])
            if (cursor.fetchone() or [None])[0] != mark:
                cursor.execute(sql)
                cursor.execute(f"comment on function hist_{model._meta.db_table}_delete() is '{mark}'")


def ensure_partitions(today: dt.date, months: int = 3) -> None:
    """Make the monthly partitions of this and the coming months, before rows need them."""
    with connection.cursor() as cursor:
        for start, end in _months(today, months):
            name = f"kernel_history_{start:%Y%m}"
            cursor.execute("select to_regclass(%s)", [name])
            if (cursor.fetchone() or [None])[0] is None and not _rest_holds(cursor, start, end):
                cursor.execute(f"create table {name} partition of kernel_history for values from ('{start}') to ('{end}')")


def _rest_holds(cursor: object, start: dt.date, end: dt.date) -> bool:
    cursor.execute("select exists(select 1 from kernel_history_rest where at >= %s and at < %s)", [start, end])  # type: ignore[attr-defined]
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]


def _months(day: dt.date, count: int) -> Iterator[tuple[dt.date, dt.date]]:
    start = day.replace(day=1)
    for _ in range(count):
        end = (start + dt.timedelta(days=32)).replace(day=1)
        yield start, end
        start = end


def begin_change(by: Actor, *, verb: str, label: str = "", object_id: uuid.UUID | None = None, undoes: uuid.UUID | None = None) -> Change:
    """Note who acts and let every row written in this transaction point to it."""
    change = Change.objects.create(
        actor_kind=by.kind,
        actor_id=by.user_id,
        actor_name=by.name[:150],
        verb=verb,
        label=label,
        object_id=object_id,
        source=by.source,
        reason=by.reason[:300],
        undoes_id=undoes,
    )
    continue_change(change.pk)
    return change


def continue_change(change_id: uuid.UUID) -> None:
    """Let the rows of this transaction belong to a change begun earlier (an import works in many transactions)."""
    with connection.cursor() as cursor:
        cursor.execute("select set_config('zhike.change', %s, true)", [str(change_id)])


def current_change() -> uuid.UUID | None:
    """The change that this transaction writes for, if one was begun."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {CHANGE}")
        found: uuid.UUID | None = (cursor.fetchone() or [None])[0]
    return found


def last_change_of(object_id: uuid.UUID) -> uuid.UUID | None:
    """The newest change begun on a record."""
    return Change.objects.filter(object_id=object_id).order_by("-at").values_list("pk", flat=True).first()
