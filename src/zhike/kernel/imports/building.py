"""From the staging table to one table an entity: records told apart by key, matched with what is stored, and classified.

All in SQL over whole sets. A row of an entity's table is a record: `seq` numbers those that have to be written
(null: already as the file says, or refused), `is_new` says insert or update, `row_no` is its last file row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from zhike.kernel.actor import Actor
from zhike.kernel.imports.own import is_own, required_of, stored_sql
from zhike.kernel.imports.plans import SEPARATOR, Plan, quoted
from zhike.kernel.imports.targets import Entity, Key
from zhike.kernel.models import Record
from zhike.kernel.policy import Policy, policy_of

Params = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What stands in an entity's table: distinct records in the file, to insert, to update, refused; file rows merged."""

    records: int
    new: int
    changed: int
    refused: int
    merged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns of an entity's table: filled ones, values for new records, links."""

    columns: Mapping[str, str]
    on_create: Mapping[str, str]
    links: Mapping[str, Entity]

    @property
    def linked(self) -> list[Entity]:
        return list({entity.name: entity for entity in self.links.values()}.values())

    @property
    def written(self) -> list[str]:
        return [*self.columns, *self.links]


def shape_of(plan: Plan, entity: Entity) -> Shape:
    return Shape(columns=plan.columns(entity), on_create=entity.on_create(plan.mapped), links=plan.links(entity))


def build(plan: Plan) -> dict[str, Built]:
    """Make the tables of all entities, lower ones first; refused records take their file rows out of the others."""
    forget(plan)
    return {entity.name: _build(plan, entity) for entity in plan.entities}


def forget(plan: Plan) -> None:
    """Take back refusals of an earlier look; those that the database made while applying stay."""
    with connection.cursor() as cursor:
        cursor.execute("delete from kernel_importrefusal where run_id = %s and not while_applying", [plan.run_id])
        cursor.execute(f"update {quoted(plan.stage)} set dead = false where dead")
        cursor.execute(
            f"update {quoted(plan.stage)} s set dead = true from kernel_importrefusal r where r.run_id = %s and r.row = s.row_no",
            [plan.run_id],
        )


def _build(plan: Plan, entity: Entity) -> Built:
    table = quoted(plan.table(entity.name))
    with connection.cursor() as cursor:
        key = plan.key_sql(entity)
        cursor.execute(
            f"select count(*), count(distinct k) from (select {key} as k from {quoted(plan.stage)} s where not dead) x where k is not null"
        )
        rows, records = cursor.fetchone()
        cursor.execute(f"drop table if exists {table}")
        sql, params = build_sql(plan, entity, has_twins=records < rows)
        cursor.execute(f"create unlogged table {table} as {sql}", params)
        is_linked = any(entity.name in other.links.values() for other in plan.entities)
        if is_linked:
            cursor.execute(f"create index on {table} (key)")
        cursor.execute(f"create index on {table} (seq) where seq is not null")
        cursor.execute(f"analyze {table}")
        cursor.execute(
            f"select count(*) filter (where seq is not null and is_new), count(*) filter (where seq is not null and not is_new), "
            f"count(*) filter (where refused is not null), count(*) from {table}"
        )
        new, changed, refused, stored = cursor.fetchone()
        if refused:
            refuse(plan, entity, "refused is not null", while_applying=False)
    return Built(
        records=stored if plan.keys(entity)[0].is_wide else records, new=new, changed=changed, refused=refused, merged=rows - records
    )


def refuse(plan: Plan, entity: Entity, which: str, *, while_applying: bool, code: str = "", detail: str = "") -> int:
    """Refuse the file rows of some records of an entity: note why, and take them out of everything not yet written."""
    table, stage = quoted(plan.table(entity.name)), quoted(plan.stage)
    why = "%(code)s" if code else "split_part(e.refused, '|', 1)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"with bad as (select s.row_no, {why} as code, split_part(coalesce(e.refused, ''), '|', 2) as field "
            f"from {stage} s join {table} e on e.key = {plan.key_sql(entity)} where not s.dead and ({which})), "
            f"gone as (update {stage} s set dead = true from bad where s.row_no = bad.row_no) "
            "insert into kernel_importrefusal (run_id, row, field, code, detail, while_applying) "
            "select %(run)s, row_no, field, code, %(detail)s, %(while)s from bad on conflict do nothing",
            {"run": plan.run_id, "code": code, "detail": detail[:200], "while": while_applying},
        )
        count = int(cursor.rowcount)
    return count


def build_sql(plan: Plan, entity: Entity, *, has_twins: bool) -> tuple[str, Params]:
    """The query behind an entity's table, with its parameters."""
    shape = shape_of(plan, entity)
    joins, found = _match(plan, entity)
    linked = "".join(
        f" left join {quoted(plan.table(other.name))} l_{other.name} on l_{other.name}.key = b.{quoted('@' + other.name)}"
        for other in shape.linked
    )
    differs = _differs(plan, entity, shape)
    if entity.name != plan.target.main:
        differs = f"({differs}) and ({_changeable(plan, entity)[0]})"
    refused, params = _refused(plan, entity, shape)
    values = [f"{row_value(shape, column)} as {quoted(column)}" for column in shape.written]
    values += [f"b.{quoted('+' + name)}" for name in shape.on_create]
    at = (
        f"l_{entity.cluster_by}.row_no"
        if entity.cluster_by and entity.cluster_by in {e.name for e in shape.links.values()}
        else "null::bigint"
    )
    parts = [
        "b.row_no",
        "b.key",
        "b.n",
        *values,
        f"{at} as at_row",
        f"{found} as found",
        f"({differs}) as differs",
        f"{refused} as refused",
    ]
    matched = f"select {', '.join(parts)} from base b{linked}{joins}"
    todo = "(found is null or differs) and refused is null"
    kept = [quoted(name) for name in (*shape.written, *(f"+{name}" for name in shape.on_create))]
    is_leaf = not any(entity.name in other.links.values() for other in plan.entities)
    is_wide = plan.keys(entity)[0].is_wide
    only = " where found is null or differs or refused is not null" if is_leaf and not is_wide else ""
    sql = (
        f"with {_base(plan, entity, shape, has_twins=has_twins)}, matched as ({matched}) "
        f"select case when {todo} then row_number() over (partition by ({todo}) order by at_row, row_no) end as seq, "
        f"found is null as is_new, coalesce(found, zhike_uuid7()) as id, row_no, key, n, refused, {', '.join(kept)} from matched{only}"
    )
    return sql, params


def _base(plan: Plan, entity: Entity, shape: Shape, *, has_twins: bool) -> str:
    """Common tables up to `base`: one row a record. Of several file rows the last counts, an empty cell never."""
    names = [*shape.columns, *(f"+{name}" for name in shape.on_create), *(f"@{other.name}" for other in shape.linked)]
    exprs = [*shape.columns.values(), *shape.on_create.values(), *(plan.key_sql(other) for other in shape.linked)]
    extra = [(quoted(f"~{column}"), staged) for column, staged in _made(plan, entity)]
    columns = [quoted(name) for name in names] + [name for name, _ in extra]
    selected = ", ".join(f"{sql} as {name}" for name, sql in zip(columns, [*exprs, *(s for _, s in extra)], strict=True))
    rows = f"rows as not materialized (select s.row_no, {plan.key_sql(entity)} as key, {selected} from {quoted(plan.stage)} s where not s.dead)"
    if not has_twins:
        return f"{rows}, base as not materialized (select row_no, 1 as n, key, {', '.join(columns)} from rows where key is not null)"
    mixed = " or ".join(f"(count({name}) > 0 and count({name}) < count(*))" for name in columns)
    last = ", ".join(f"(array_agg({name} order by row_no desc) filter (where {name} is not null))[1] as {name}" for name in columns)
    chosen = ", ".join(f"case when g.mixed then m.{name} else r.{name} end as {name}" for name in columns)
    return (
        f"{rows}, grouped as materialized (select key, count(*) as n, max(row_no) as last, {mixed} as mixed from rows where key is not null group by key), "
        f"merged as (select key, {last} from rows where key in (select key from grouped where mixed) group by key), "
        f"base as not materialized (select r.row_no, g.n, g.key, {chosen} from grouped g join rows r on r.row_no = g.last "
        "left join merged m on g.mixed and m.key = g.key)"
    )


def _made(plan: Plan, entity: Entity) -> list[tuple[str, str]]:
    return [(column, plan.part(entity, column)) for key in plan.keys(entity) for column in key.columns if column in entity.makes]


def _match(plan: Plan, entity: Entity) -> tuple[str, str]:
    """The join with the stored records, as `t`, and what gives the id of the one found."""
    keys, target = plan.keys(entity), quoted(entity.model._meta.db_table)
    if is_joined(keys):
        return f" left join {target} t on {_same(entity, keys[0], plan)}", "t.id"
    variants = " union all ".join(
        f"(select t.*, count(*) over () as matches, {str(key.is_strict).lower()} as is_strict from {target} t "
        f"where {_variant(keys, n)}{_same(entity, key, plan)} order by t.created_at, t.id limit 1)"
        for n, key in enumerate(keys)
    )
    return f" left join lateral ({variants}) t on true", "t.id"


def is_joined(keys: Sequence[Key]) -> bool:
    """Whether a plain join finds the stored records: there is one key, and what it finds is always meant."""
    return len(keys) == 1 and (keys[0].is_unique or keys[0].is_wide)


def _variant(keys: list[Key], number: int) -> str:
    return f"split_part(b.key, {SEPARATOR}, 1) = '{number}' and " if len(keys) > 1 else ""


def _same(entity: Entity, key: Key, plan: Plan) -> str:
    links = plan.links(entity)
    made = {column for column in key.columns if column in entity.makes}
    parts = []
    for column in key.columns:
        value = f"l_{links[column].name}.id" if column in links else f"b.{quoted(('~' if column in made else '') + column)}"
        parts.append(f"t.{quoted(column)} = {value}")
    return " and ".join(parts)


def column_default(entity: Entity, column: str) -> str | None:
    """The SQL literal that an empty cell of a new record becomes; None where the column takes null."""
    if is_own(column):
        return None
    found = next(one for one in entity.model._meta.concrete_fields if one.column == column)
    if found.null:
        return None
    for value in (getattr(found, "db_default", None), found.default if found.has_default() else None):
        if isinstance(value, models.Value):
            value = value.value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | str) and not callable(value):
            return "'" + str(value).replace("'", "''") + "'"
    return "''" if isinstance(found, models.CharField | models.TextField) else None


def row_value(shape: Shape, column: str) -> str:
    """A written column while records are matched: of the file, or the id of the record linked."""
    return f"l_{shape.links[column].name}.id" if column in shape.links else f"b.{quoted(column)}"


def difference(plan: Plan, entity: Entity, shape: Shape, value_of: Callable[[str], str]) -> str:
    """Whether the stored record `t` would change; `value_of` gives the new value of a column as SQL."""
    tests = []
    for column in shape.written:
        value, stored = value_of(column), stored_sql(column) if is_own(column) else f"t.{quoted(column)}"
        if plan.options.clear_empty and column in shape.columns:
            default = column_default(entity, column)
            tests.append(f"{stored} is distinct from " + (f"coalesce({value}, {default})" if default else value))
        else:
            tests.append(f"({value} is not null and {stored} is distinct from {value})")
    return " or ".join(tests) or "false"


def _differs(plan: Plan, entity: Entity, shape: Shape) -> str:
    return difference(plan, entity, shape, lambda column: row_value(shape, column))


def _refused(plan: Plan, entity: Entity, shape: Shape) -> tuple[str, Params]:
    """A case expression: null, or `code|field` why a record cannot be taken."""
    cases: list[tuple[str, str]] = []
    keys = plan.keys(entity)
    if not is_joined(keys):
        cases.append(("t.matches > 1 and t.is_strict", f"key_ambiguous|{entity.name}.{keys[0].name}"))
    if entity.name == plan.target.main and plan.options.mode == "update":
        cases.append(("t.id is null", "not_found|"))
    if entity.name == plan.target.main and plan.options.mode == "insert":
        own = f" and t.batch_id is distinct from '{plan.run_id}'::uuid" if issubclass(entity.model, Record) else ""
        cases.append((f"t.id is not null{own}", "exists_already|"))
    rights, params = _rights(plan, entity, shape)
    cases += rights
    needed = [own.name for own in required_of(entity, plan.actor)] if entity.name == plan.target.main else []
    for column in (*entity.required, *needed):
        given = [
            f"b.{quoted(name)}"
            for name in (column, f"+{column}")
            if name.lstrip("+") in (shape.columns if name == column else shape.on_create)
        ]
        is_missing = f"coalesce({', '.join(given)}) is null" if given else "true"
        cases.append((f"t.id is null and {is_missing}", f"required_missing|{_field_path(entity, column)}"))
    if not cases:
        return "null::text", params
    return "case " + " ".join(f"when {test} then '{code}'" for test, code in cases) + " end", params


def _field_path(entity: Entity, column: str) -> str:
    one = next((one for one in entity.fields if one.db_column == column), None)
    return f"{entity.name}.{one.name if one else column}"


def _rights(plan: Plan, entity: Entity, shape: Shape) -> tuple[list[tuple[str, str]], Params]:
    actor = plan.actor
    if actor.kind == "system":
        return [], {}
    guard = plan.target.entity(entity.guard) if entity.guard else entity
    policy = policy_of(guard.model)
    if entity.guard:
        return [], {}  # the guard's own record was asked; its file rows are out when it is not permitted
    cases: list[tuple[str, str]] = []
    params: Params = {}
    if not actor.may(policy.label, "create"):
        cases.append(("t.id is null", "not_permitted_row|"))
    seen, params = reach_sql(policy, actor, "view")
    changeable, more = _changeable(plan, entity)
    cases.append((f"t.id is not null and not ({seen})", "not_permitted_row|"))
    if entity.name == plan.target.main:
        cases.append((f"t.id is not null and ({_differs(plan, entity, shape)}) and not ({changeable})", "not_permitted_row|"))
    return cases, params | more


def _changeable(plan: Plan, entity: Entity) -> tuple[str, Params]:
    """Whether the stored record may be changed; what stands beside the main entity is left as it is where it may not."""
    if plan.actor.kind == "system" or entity.guard:
        return "true", {}
    return reach_sql(policy_of(entity.model), plan.actor, "change")


def reach_sql(policy: Policy, actor: Actor, verb: str) -> tuple[str, Params]:
    """The reach of an actor as a condition on the stored record `t`."""
    reach = policy.reach(actor, verb)
    if reach.kind in ("all", "none"):
        return str(reach.kind == "all").lower(), {}
    own = f"coalesce(t.owner_id = %({verb}_user)s, false)"
    params: Params = {f"{verb}_user": reach.user_id}
    if reach.kind == "own":
        return own, params
    return f"({own} or coalesce(t.team_id = any(%({verb}_teams)s), false))", params | {f"{verb}_teams": list(reach.team_ids)}
