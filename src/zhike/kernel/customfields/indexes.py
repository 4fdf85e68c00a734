"""Which indexes a company's own fields ask for: named after what they hold, so that wanted and present can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, models

from zhike.kernel.fielddefs import FieldDef
from zhike.kernel.policy import policy_of

from .sql import bare, col, text_of

PREFIX = "cfx_"
UNIQUE = "cfu_"
SQL_PRESENT = """
select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = current_schema() and (starts_with(c.relname, 'cfx_') or starts_with(c.relname, 'cfu_'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """An index that a field needs: its name, table, and definition after `on "table"`; `purpose` is filter, sort or unique."""

    name: str
    table: str
    definition: str
    purpose: str
    is_unique: bool = False

    def create_sql(self, *, concurrently: bool) -> str:
        unique, beside = "unique " if self.is_unique else "", "concurrently " if concurrently else ""
        return f'create {unique}index {beside}if not exists "{self.name}" on "{self.table}" {self.definition}'


def plans(model: type[models.Model], field: FieldDef, *, filter_sql: str, sort_sql: str, is_unique: bool) -> list[IndexPlan]:
    """The indexes for one field; an expression that is empty asks for none."""
    table = model._meta.db_table
    found: list[IndexPlan] = []
    if sort_sql:
        policy = policy_of(model)
        families = [""] if policy.shared or policy.parent is not None else ["", "owner_id, ", "team_id, "]
        found += [_plan(table, f"({family}({bare(sort_sql)}), id)", "sort") for family in families]
    if filter_sql and filter_sql != sort_sql:
        found.append(_plan(table, _filter_definition(field, filter_sql), "filter"))
    elif filter_sql:  # the order's own index answers the filter too
        found.append(_plan(table, f"(({bare(sort_sql)}), id)", "filter"))
    if is_unique:
        value = bare(text_of(field.key))
        found.append(
            IndexPlan(
                name=unique_name(model, field.key), table=table, definition=f"({value}) where {value} is not null", purpose="unique",
                is_unique=True,
            )
        )  # fmt: skip
    return found


def _filter_definition(field: FieldDef, filter_sql: str) -> str:
    if field.kind == "choices":
        return f"using gin ({bare(filter_sql)} jsonb_path_ops)"
    return f"(({bare(filter_sql)}))"


def _plan(table: str, definition: str, purpose: str) -> IndexPlan:
    mark = hashlib.sha256(f"{table} {definition}".encode()).hexdigest()[:20]
    return IndexPlan(name=f"{PREFIX}{mark}", table=table, definition=definition, purpose=purpose)


def unique_name(model: type[models.Model], key: str) -> str:
    """The name of the index that keeps a field's values apart; a clash is told by it."""
    mark = hashlib.sha256(model._meta.db_table.encode()).hexdigest()[:6]
    return f"{UNIQUE}{mark}_{key}"


def field_of_clash(index: str) -> str:
    """The field name behind a unique index of this kind, "" for any other."""
    return f"cf_{index[len(UNIQUE) + 7 :]}" if index.startswith(UNIQUE) else ""


def present() -> dict[str, bool]:
    """Indexes of own fields that are there, with whether they are finished."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_PRESENT)
        return dict(cursor.fetchall())


def are_ready(wanted: Iterable[IndexPlan], there: dict[str, bool], purpose: str) -> bool:
    """Whether every index of one purpose is there and finished; False when none is wanted."""
    names = [plan.name for plan in wanted if plan.purpose == purpose]
    return bool(names) and all(there.get(name, False) for name in names)


def several(key: str) -> str:
    """The list of codes of a field of several choices, as JSON."""
    return f"({col('custom')} -> '{key}')"
