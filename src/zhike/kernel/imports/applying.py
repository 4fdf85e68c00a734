"""From entity tables to the stored tables: chunk by chunk, each one transaction with its own progress.

After kill -9 the entity tables are built again and name only what is still to do, so nothing is written twice.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from zhike.kernel import history
from zhike.kernel.followups import OnProgress, follow_up
from zhike.kernel.imports.building import Shape, column_default, difference, refuse, shape_of
from zhike.kernel.imports.own import defaults_of, is_own, merged_sql, stored_sql
from zhike.kernel.imports.plans import Plan, quoted
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.imports.targets import Chunk, Entity, Step, StepScope
from zhike.kernel.later import Later
from zhike.kernel.models import Record, Tracked
from zhike.kernel.policy import policy_of
from zhike.kernel.search.many import WordsBeside, refresh_selected, stale

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

Words = tuple[type[Tracked], str, bool]


@dataclass(slots=True, kw_only=True)
class Applying:
    """A run while it is being applied: its plan, its change, and who hears of progress."""

    run: ImportRun
    plan: Plan
    change_id: str
    on_progress: OnProgress
    shapes: dict[str, Shape] = field(default_factory=dict)
    beside: WordsBeside | None = None

    def shape(self, entity: Entity) -> Shape:
        if entity.name not in self.shapes:
            self.shapes[entity.name] = shape_of(self.plan, entity)
        return self.shapes[entity.name]

    def save(self, phase: str, done: int, total: int) -> None:
        """Store progress in the transaction of the chunk it tells about."""
        self.run.progress = {**self.run.progress, "phase": phase, "done": done, "total": total}
        self.run.heartbeat_at = timezone.now()
        self.run.save(update_fields=["progress", "counts", "heartbeat_at"])

    def count(self, name: str, verb: str, number: int) -> None:
        counts = self.run.counts.setdefault(name, {})
        counts[verb] = counts.get(verb, 0) + number


def apply(work: Applying) -> None:
    """Write everything that is still to do: entities in order, closing steps, then what follows from them."""
    for entity in work.plan.entities:
        _apply_entity(work, entity)
    for step in work.plan.target.steps:
        if step.needs in work.plan.mapped:
            _apply_step(work, step)
    follow_up(work.change_id, work.plan.stage, lambda name, done, total: _told(work, name, done, total), is_import=True)


def _told(work: Applying, name: str, done: int, total: int) -> None:
    work.save(name, done, total)
    work.on_progress(name, done, total)


def _apply_entity(work: Applying, entity: Entity) -> None:
    table = quoted(work.plan.table(entity.name))
    with connection.cursor() as cursor:
        cursor.execute(f"select coalesce(max(seq), 0) from {table}")
        total = int(cursor.fetchone()[0])
    _write_late_words(work, entity)
    is_large = total > work.plan.chunk and not connection.in_atomic_block
    beside = WordsBeside() if is_large else None
    work.beside = beside
    try:
        for lo in range(0, total, work.plan.chunk):
            hi = min(lo + work.plan.chunk, total)
            _apply_range(work, entity, lo, hi, total)
            work.on_progress(entity.name, hi, total)
        if beside:
            beside.wait()
            work.run.progress = {**work.run.progress, "late_words": False}
            work.save(entity.name, total, total)
    finally:
        work.beside = None
        if beside:
            beside.close()


def _write_late_words(work: Applying, entity: Entity) -> None:
    """A crash may have taken documents that were about to be written beside the records."""
    ids = stale(entity.model, work.change_id) if work.run.progress.get("late_words") else ""
    if not ids:
        return
    with transaction.atomic():
        refresh_selected(entity.model, ids)


def _apply_range(work: Applying, entity: Entity, lo: int, hi: int, total: int) -> None:
    """Write one range; when the database refuses it, halve it until the guilty record is found and refuse that."""
    before = {name: dict(counts) for name, counts in work.run.counts.items() if isinstance(counts, dict)}
    try:
        with transaction.atomic():
            words = _write(work, entity, lo, hi)
            work.run.progress = {**work.run.progress, "late_words": work.beside is not None}
            work.save(entity.name, hi, total)
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")
    except DatabaseError as error:
        if _is_lost(error):
            raise
        work.run.counts = {**work.run.counts, **before}
        if hi - lo > 1:
            middle = (lo + hi) // 2
            _apply_range(work, entity, lo, middle, total)
            _apply_range(work, entity, middle, hi, total)
            return
        _refuse_record(work, entity, hi, error)
        return
    if work.beside and words:
        work.beside.add(words[0], words[1], may_have_more=words[2])


def _is_lost(error: DatabaseError) -> bool:
    """Whether the connection or the server failed, or a lock was not given: no row is to blame."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return not state or state[:2] not in ("22", "23")


def _refuse_record(work: Applying, entity: Entity, seq: int, error: DatabaseError) -> None:
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or str(error.__cause__ or error).splitlines()[0]
    with transaction.atomic():
        refuse(work.plan, entity, f"e.seq = {int(seq)}", while_applying=True, code="database_refused", detail=constraint)
        work.count(entity.name, "refused", 1)
        _drop_dependent(work, entity)
        work.save(entity.name, seq, seq)


def _drop_dependent(work: Applying, entity: Entity) -> None:
    """Records whose file rows are refused by now are not written any more."""
    for other in work.plan.entities[work.plan.entities.index(entity) :]:
        table = quoted(work.plan.table(other.name))
        with connection.cursor() as cursor:
            cursor.execute(
                f"update {table} e set seq = null, refused = 'database_refused|' from {quoted(work.plan.stage)} s "
                f"where s.dead and e.key = {work.plan.key_sql(other)} and e.seq is not null and s.row_no = e.row_no"
            )


def _write(work: Applying, entity: Entity, lo: int, hi: int) -> Words:
    chunk = Chunk(table=work.plan.table(entity.name), lo=lo, hi=hi)
    history.continue_change(work.change_id)  # type: ignore[arg-type]
    _derive(work, entity, chunk)
    with connection.cursor() as cursor:
        cursor.execute(
            insert_sql(work, entity),
            {"lo": lo, "hi": hi, "owner": work.plan.options.owner_id, "team": work.plan.options.team_id, "run": work.plan.run_id},
        )
        work.count(entity.name, "inserted", int(cursor.rowcount))
        update = update_sql(work, entity)
        if update:
            cursor.execute(update, {"lo": lo, "hi": hi})
            work.count(entity.name, "updated", int(cursor.rowcount))
        if entity.after_chunk:
            entity.after_chunk(cursor, chunk)
        cursor.execute(f"select exists(select 1 from {quoted(chunk.table)} where seq > %s and seq <= %s and not is_new)", [lo, hi])
        has_old = bool(cursor.fetchone()[0])
    words = _words(entity, chunk, has_old=has_old)
    if work.beside is None:
        refresh_selected(words[0], words[1], may_have_more=words[2])
    return words


def _words(entity: Entity, chunk: Chunk, *, has_old: bool) -> Words:
    """Whose search documents follow from a chunk: model, ids as SQL, whether further words may belong to them."""
    column = entity.refresh or "id"
    model = entity.model if column == "id" else entity.model._meta.get_field(column.removesuffix("_id")).related_model
    assert isinstance(model, type)
    ids = f"select {quoted(column)} from {quoted(chunk.table)} where seq > {int(chunk.lo)} and seq <= {int(chunk.hi)}"
    return model, ids, has_old or column != "id"


def _value(entity: Entity, shape: Shape, column: str) -> str:
    """What a new record gets in a column."""
    parts = [f"e.{quoted(column)}"] if column in shape.written else []
    if column in shape.on_create:
        parts.append(f"e.{quoted('+' + column)}")
    default = column_default(entity, column)
    if default:
        parts.append(default)
    return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0]


def _new_columns(shape: Shape) -> list[str]:
    return list(dict.fromkeys([*shape.written, *shape.on_create]))


def insert_sql(work: Applying, entity: Entity) -> str:
    """The insert of new records with lo < seq <= hi."""
    shape = work.shape(entity)
    values = {"id": "e.id"} | {column: _value(entity, shape, column) for column in _new_columns(shape)}
    joins = ""
    if issubclass(entity.model, Record):
        values["batch_id"] = "%(run)s::uuid"
        values |= {name: sql for name, sql in _ownership(entity, shape).items() if name not in values}
        for name, parameter in (("owner_id", "%(owner)s"), ("team_id", "%(team)s")):
            if name in shape.columns:
                values[name] = f"coalesce(e.{quoted(name)}, {parameter}::int)"
    if entity.owner_from in shape.links:
        linked = entity.model._meta.get_field(entity.owner_from.removesuffix("_id")).related_model
        joins += f" left join {quoted(linked._meta.db_table)} o on o.id = e.{quoted(entity.owner_from)}"  # type: ignore[union-attr]
    if entity.derive:
        values |= {column: f"d.{quoted(column)}" for column in entity.derive.writes}
        joins += " join zhike_derived d on d.seq = e.seq"
    own = {column: values.pop(column) for column in list(values) if is_own(column)}
    defaults = defaults_of(entity)
    if own or defaults:
        base = "'" + json.dumps(defaults, ensure_ascii=True).replace("'", "''").replace("%", "%%") + "'::jsonb"
        given = {column: f"coalesce({sql}, {base} -> '{column.removeprefix('cf_')}')" for column, sql in own.items()}
        values["custom"] = merged_sql(base, given) if given else base
    columns = ", ".join(map(quoted, values))
    return (
        f"insert into {quoted(entity.model._meta.db_table)} ({columns}) select {', '.join(values.values())} "
        f"from {quoted(work.plan.table(entity.name))} e{joins} where e.seq > %(lo)s and e.seq <= %(hi)s and e.is_new order by e.seq"
    )


def _ownership(entity: Entity, shape: Shape) -> dict[str, str]:
    if policy_of(entity.model).shared:
        return {}
    owner, team = "%(owner)s::int", "%(team)s::int"
    if entity.owner_from in shape.links:
        has = f"e.{quoted(entity.owner_from)} is not null"
        return {
            "owner_id": f"case when {has} then o.owner_id else {owner} end",
            "team_id": f"case when {has} then o.team_id else {team} end",
        }
    return {"owner_id": owner, "team_id": team}


def update_sql(work: Applying, entity: Entity) -> str:
    """The update of stored records that differ, with lo < seq <= hi; empty when the file has nothing but the key."""
    shape = work.shape(entity)
    if not shape.written:
        return ""
    sets: dict[str, str] = {}
    own: dict[str, str] = {}
    for column in shape.written:
        is_cleared = work.plan.options.clear_empty and column in shape.columns
        if is_own(column):
            own[column] = f"e.{quoted(column)}" if is_cleared else f"coalesce(e.{quoted(column)}, {stored_sql(column)})"
            continue
        fallback = column_default(entity, column) if is_cleared else f"t.{quoted(column)}"
        sets[column] = f"coalesce(e.{quoted(column)}, {fallback})" if fallback else f"e.{quoted(column)}"
    if own:
        sets["custom"] = merged_sql("t.custom", own)
    joins = ""
    if entity.derive and set(entity.derive.reads) & set(shape.written):
        sets |= {column: f"d.{quoted(column)}" for column in entity.derive.writes}
        joins = " join zhike_derived d on d.seq = e.seq"
    if issubclass(entity.model, Record):
        sets |= {"version": "t.version + 1", "updated_at": "now()"}
    assigned = ", ".join(f"{quoted(column)} = {sql}" for column, sql in sets.items())
    return (
        f"update {quoted(entity.model._meta.db_table)} t set {assigned} from {quoted(work.plan.table(entity.name))} e{joins} "
        f"where t.id = e.id and e.seq > %(lo)s and e.seq <= %(hi)s and not e.is_new and ({difference(work.plan, entity, shape, lambda column: f'e.{quoted(column)}')})"
    )


def _derive(work: Applying, entity: Entity, chunk: Chunk) -> None:
    """Work out derived columns of a chunk in Python and put them beside it."""
    derive = entity.derive
    if derive is None:
        return
    shape = work.shape(entity)
    reads = []
    for column in derive.reads:
        given = [f"e.{quoted(column)}"] if column in shape.written else []
        created = [f"case when e.is_new then e.{quoted('+' + column)} end"] if column in shape.on_create else []
        parts = [*given, *created, f"t.{quoted(column)}", *filter(None, [column_default(entity, column)])]
        reads.append(f"coalesce({', '.join(parts)}) as {quoted(column)}" if len(parts) > 1 else f"{parts[0]} as {quoted(column)}")
    query = (
        f"select e.seq, {', '.join(reads)} from {quoted(chunk.table)} e left join {quoted(entity.model._meta.db_table)} t "
        f"on not e.is_new and t.id = e.id where e.seq > {int(chunk.lo)} and e.seq <= {int(chunk.hi)}"
    )
    with connection.cursor() as cursor:
        with cursor.copy(f"copy ({query}) to stdout (format csv)") as out:
            data = b"".join(bytes(part) for part in out)
        cursor.execute("create temp table if not exists zhike_derived (seq bigint) on commit drop")
        for column in derive.writes:
            cursor.execute(f"alter table zhike_derived add column if not exists {quoted(column)} text")
        cursor.execute("truncate zhike_derived")
        schema = {"seq": pl.Int64} | dict.fromkeys(derive.reads, pl.String)
        frame = (
            pl.read_csv(io.BytesIO(data), has_header=False, schema=schema).with_columns(pl.col(pl.String).fill_null(""))
            if data
            else pl.DataFrame(schema=schema)
        )
        made = derive.make(frame)
        ready = pl.DataFrame([frame["seq"], *(made[column].alias(column) for column in derive.writes)])
        columns = ", ".join(map(quoted, ready.columns))
        with cursor.copy(f"copy zhike_derived ({columns}) from stdin (format csv)") as into:
            into.write(ready.write_csv(include_header=False, quote_style="non_numeric").encode())


def _apply_step(work: Applying, step: Step) -> None:
    plan = work.plan
    with connection.cursor() as cursor:
        cursor.execute(f"select coalesce(max(row_no), 0) from {quoted(plan.stage)}")
        total = int(cursor.fetchone()[0])
    scope = StepScope(
        stage=plan.stage,
        mapped=plan.mapped,
        tables={entity.name: plan.table(entity.name) for entity in plan.entities},
        change_id=work.change_id,
    )
    for lo in range(0, total, plan.chunk):
        hi = min(lo + plan.chunk, total)
        with transaction.atomic():
            history.continue_change(work.change_id)  # type: ignore[arg-type]
            with connection.cursor() as cursor:
                work.count(step.name, "inserted", step.apply(cursor, scope, lo, hi))
            work.save(step.name, hi, total)
        work.on_progress(step.name, hi, total)
