"""The list planner: which of four query shapes serves a page, decided from the planner's own estimates.

Measured on 1,456 combinations of scope, order, filter and depth over a million rows: p95 17 ms against 486 ms for
the obvious SQL. The rules: keys that are never null and row comparison; one ordered stream per team or owner;
small scope first; rare filter collected; otherwise a bounded walk along the index, and collecting when that finds
too little. Counts are estimated at once and capped when counted.
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet, ValidationError
from django.db import OperationalError, connection, models, transaction
from django.db.models import Q

from ..customfields.sql import on_table
from ..errors import Refused
from ..fields import field_of
from ..models import Record
from ..policy import Reach
from .estimates import plan_of

PAGE = 50
SMALL_SCOPE = 12_000
FEW = 1_000
RARE = 4_000
RARE_INDEXED = 12_000  # where an index leads to the matches
WALK = 16_000
WALK_COVERED = 100_000
# Of one step along an index, as the planner counts: where it covers the filters, and where the row has to be read.
STEP_COST = 0.05
STEP_COST_READING = 0.08
COSTLY = ("holds", "contains", "icontains", "has_key", "contained_by")  # lookups that a GIN index might answer
COUNT_CAP = 10_000
TIMEOUT_MS = 4_000
CANCELLED = "57014"  # the code of a statement that took longer than it may
EVERYTHING = Reach(kind="all")

Sql = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page to find. `walk` holds conditions on the sort key itself, `rest` all others.

    `key` is a column, or names the expression `key_sql` (with tokens for columns), whose texts `read_key` reads.
    """

    model: type[Record]
    reach: Reach
    key: str
    descending: bool = True
    walk: Q = field(default_factory=Q)
    rest: Q = field(default_factory=Q)
    covered: tuple[str, ...] | None = None  # columns the rest reads, when every index family includes them
    after: tuple[str, str] | None = None
    size: int = PAGE
    key_sql: str = ""
    read_key: Callable[[str], Any] | None = None

    def key_on(self, table: str) -> str:
        """The sort key of a row of the stored table."""
        return on_table(self.key_sql, table) if self.key_sql else f'{table}."{self.key}"'

    def chosen_key(self, table: str) -> str:
        """The same in a select list, under the name by which an outer query knows it."""
        return f'{self.key_on(table)} as "{self.key}"' if self.key_sql else self.key_on(table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ids in order, where the next page begins, and which shape answered."""

    ids: list[uuid.UUID]
    next: tuple[str, str] | None
    shape: str


def where_sql(model: type[models.Model], condition: Q) -> Sql:
    """A condition as SQL over the model's own table; conditions must not need a join."""
    query = model._default_manager.filter(condition).query
    if sum(1 for uses in query.alias_refcount.values() if uses) > 1:
        raise ValueError(f"{model.__name__}: a list condition must not join: {condition}")
    try:
        sql, params = query.get_compiler(using="default").compile(query.where)
    except EmptyResultSet:
        return "false", []
    except FullResultSet:
        return "true", []
    return sql or "true", list(params)


def estimate(model: type[Record], condition: Q) -> int:
    """How many rows the database expects, from its plan; nothing is read."""
    return int(_plan(model, condition)["Plan Rows"])


def _plan(model: type[Record], condition: Q) -> Mapping[str, Any]:
    sql, params = where_sql(model, condition)
    return plan_of(f"select 1 from {_table(model)} where {sql}", params)


def expected(model: type[Record], reach: Reach, condition: Q) -> int:
    """How many rows of a reach the database expects to match; what is shared is expected apart from the scope."""
    rows = estimate(model, reach.within() & condition)
    return rows if reach.shared is None else rows + estimate(model, reach.shared & condition)


def count(model: type[Record], condition: Q, cap: int = COUNT_CAP, *, reach: Reach = EVERYTHING) -> int:
    """Matching rows of a reach, exact up to the cap; cap + 1 means more."""
    with timed() as cursor:
        return counted(cursor, model, condition, cap, reach)


def counted(cursor: Any, model: type[Record], condition: Q, cap: int, reach: Reach) -> int:
    """The same by a cursor of the caller, who limits its time."""
    found = _count(cursor, model, reach.within() & condition, cap)
    if reach.shared is not None and found <= cap:
        found += _count(cursor, model, reach.shared & ~reach.within() & condition, cap - found)
    return found


def _count(cursor: Any, model: type[Record], condition: Q, cap: int) -> int:
    sql, params = where_sql(model, condition)
    cursor.execute(f"select count(*) from (select 1 from {_table(model)} where {sql} limit {cap + 1}) x", params)
    return int(cursor.fetchone()[0])


@contextmanager
def timed(milliseconds: int = TIMEOUT_MS) -> Iterator[Any]:
    """A cursor in a transaction whose statements may take so long at most; Refused("list_too_slow") beyond."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"set local statement_timeout = {int(milliseconds)}")
            yield cursor
    except OperationalError as slow:
        if getattr(slow.__cause__, "sqlstate", "") != CANCELLED:
            raise
        raise Refused("list_too_slow") from slow


def find(wanted: Wanted) -> Found:
    """One page of ids; Refused("list_too_slow") when even the planned form exceeds the time limit."""
    with timed() as cursor:
        rows, shape = _find(wanted, cursor)
        if wanted.reach.shared is not None:
            rows = _merged(wanted, rows, _run(cursor, _shared(wanted)))
    ids = [row[0] for row in rows[: wanted.size]]
    more = len(rows) > wanted.size
    last = rows[wanted.size - 1] if more else None
    return Found(ids=ids, next=(_cursor_text(last[1]), str(last[0])) if last else None, shape=shape)


def _shared(wanted: Wanted) -> Sql:
    """Matching rows that only a share opens: few, so they are collected behind a fence (`offset 0`) and then sorted."""
    table = _table(wanted.model)
    assert wanted.reach.shared is not None
    where, params = where_sql(wanted.model, wanted.reach.shared & ~wanted.reach.within() & wanted.walk & wanted.rest)
    after, after_params = _after(wanted, table)
    inner = f'select {table}."id", {wanted.chosen_key(table)} from {table} where {where} offset 0'
    return (
        f'select {table}."id", {table}."{wanted.key}" from ({inner}) {table} where {after} '
        f"order by {_order(wanted, table)} limit {wanted.size + 1}",
        [*params, *after_params],
    )


def _merged(wanted: Wanted, own: list[Any], shared: list[Any]) -> list[Any]:
    """Two ordered answers as one."""
    both = heapq.merge(own, shared, key=lambda row: (row[1], row[0]), reverse=wanted.descending)
    return list(islice(both, wanted.size + 1))


def _find(wanted: Wanted, cursor: Any) -> tuple[list[Any], str]:
    if wanted.reach.kind == "none":
        return [], "none"
    if wanted.rest == Q():
        return _run(cursor, streams(wanted, wanted.size + 1)), "walk"
    scope = wanted.reach.within()
    narrowed = scope & wanted.walk
    if narrowed != Q() and estimate(wanted.model, narrowed) <= SMALL_SCOPE:
        return _run(cursor, _scope_first(wanted)), "scope"
    length = _walk_length(wanted)
    if not length:
        return _run(cursor, _collect(wanted)), "collect"
    rows = _run(cursor, _probe(wanted, length))
    if len(rows) > wanted.size:
        return rows, "probe"
    return _run(cursor, _collect(wanted)), "collect"


def _walk_length(wanted: Wanted) -> int:
    """How many rows to walk along the order in search of a page; 0 when collecting every match costs less.

    The expected length is as good as the planner's guess that filter and order have nothing to do with each other, so
    a walk goes at most four times as far, or as far as a quarter of what collecting would cost.
    """
    scope = wanted.reach.within() & wanted.walk
    plan = _plan(wanted.model, scope & wanted.rest)
    matches = max(plan["Plan Rows"], 1)
    is_indexed = plan["Node Type"] != "Seq Scan"
    if wanted.covered is None and matches <= (FEW if is_indexed else RARE):
        return 0
    steps = estimate(wanted.model, scope) * (wanted.size + 1) / matches
    if wanted.covered is None and is_indexed and matches <= min(RARE_INDEXED, 4 * steps):
        return 0
    longest, cost = (WALK, STEP_COST_READING) if wanted.covered is None else (WALK_COVERED, STEP_COST)
    if steps > longest or steps * cost > plan["Total Cost"]:
        return 0
    collecting = matches if wanted.covered is None else plan["Total Cost"] / cost
    return int(min(longest, max(4 * steps, collecting / 4)))


def _run(cursor: Any, sql: Sql) -> list[Any]:
    cursor.execute(*sql)
    return list(cursor.fetchall())


def _order(wanted: Wanted, table: str, *, is_inner: bool = False) -> str:
    """The order by the key: of the stored table when `is_inner`, else of a query that has chosen it."""
    way = "desc" if wanted.descending else "asc"
    key = wanted.key_on(table) if is_inner else f'{table}."{wanted.key}"'
    return f'{key} {way}, {table}."id" {way}'


def _after(wanted: Wanted, table: str, *, is_inner: bool = False) -> Sql:
    if wanted.after is None:
        return "true", []
    sign = "<" if wanted.descending else ">"
    read = wanted.read_key or field_of(wanted.model, wanted.key).to_python
    try:
        key, last = read(wanted.after[0]), uuid.UUID(wanted.after[1])
    except (ValidationError, ArithmeticError, ValueError) as broken:
        raise Refused("filter_value", name="after", value="~".join(wanted.after)) from broken
    ours = wanted.key_on(table) if is_inner else f'{table}."{wanted.key}"'
    return f'({ours}, {table}."id") {sign} (%s, %s)', [key, last]


def streams(wanted: Wanted, limit: int, columns: Sequence[str] = ()) -> Sql:
    """The reach as ordered streams, each walked along its own index and merged."""
    table = _table(wanted.model)
    listed = _listed(wanted, table, columns)
    after, after_params = _after(wanted, table, is_inner=True)
    parts, params = [], []
    for stream in wanted.reach.streams():
        where, where_params = where_sql(wanted.model, stream & wanted.walk)
        parts.append(
            f"(select {listed} from {table} where {where} and {after} order by {_order(wanted, table, is_inner=True)} limit {limit})"
        )
        params += [*where_params, *after_params]
    if len(parts) == 1:
        return parts[0], params
    return f"select * from ({' union all '.join(parts)}) {table} order by {_order(wanted, table)} limit {limit}", params


def _listed(wanted: Wanted, table: str, columns: Sequence[str]) -> str:
    """The columns that a stream gives: id, key, and what the filters outside read."""
    if "*" in columns:
        return f"{table}.*, {wanted.chosen_key(table)}" if wanted.key_sql else f"{table}.*"
    own = [f'{table}."id"', wanted.chosen_key(table)]
    return ", ".join(dict.fromkeys([*own, *(f'{table}."{column}"' for column in columns)]))


def _probe(wanted: Wanted, length: int) -> Sql:
    table = _table(wanted.model)
    inner, params = streams(wanted, length, wanted.covered or ("*",))
    rest, rest_params = where_sql(wanted.model, wanted.rest)
    return (
        f'select {table}."id", {table}."{wanted.key}" from ({inner}) {table} where {rest} '
        f"order by {_order(wanted, table)} limit {wanted.size + 1}",
        [*params, *rest_params],
    )


def _scope_first(wanted: Wanted) -> Sql:
    """Plain conditions choose among the scope's indexes; what reads other tables or a GIN index looks at that result only."""
    table = _table(wanted.model)
    plain, costly = _split(wanted.rest)
    scope, scope_params = where_sql(wanted.model, wanted.reach.within() & wanted.walk & plain)
    rest, rest_params = where_sql(wanted.model, costly)
    after, after_params = _after(wanted, table)
    # Few columns let an index that includes them answer alone.
    listed = _listed(wanted, table, re.findall(rf'{table}\."(\w+)"', rest))
    # The fence (`offset 0`) keeps the planner from walking an order instead, without storing what it fences.
    return (
        f'select {table}."id", {table}."{wanted.key}" from (select {listed} from {table} where {scope} offset 0) {table} '
        f"where {rest} and {after} "
        f"order by {_order(wanted, table)} limit {wanted.size + 1}",
        [*scope_params, *rest_params, *after_params],
    )


def _split(condition: Q) -> tuple[Q, Q]:
    """Comparisons of a column with values, and all the rest; together they are the condition."""
    if condition.negated or condition.connector != Q.AND:
        return Q(), condition
    plain, costly = Q(), Q()
    for part in condition.children:
        if isinstance(part, Q):
            inner_plain, inner_costly = _split(part)
            plain, costly = plain & inner_plain, costly & inner_costly
        elif isinstance(part, tuple) and _is_plain(*part):
            plain &= Q(part)
        else:
            costly &= Q(part)
    return plain, costly


def _is_plain(path: str, value: Any) -> bool:
    return path.rpartition("__")[2] not in COSTLY and not hasattr(value, "resolve_expression")


def _collect(wanted: Wanted) -> Sql:
    table = _table(wanted.model)
    where, params = where_sql(wanted.model, wanted.reach.within() & wanted.walk & wanted.rest)
    after, after_params = _after(wanted, table)
    return (
        f'select * from (select {table}."id", {wanted.chosen_key(table)} from {table} where {where} offset 0) {table} '
        f"where {after} order by {_order(wanted, table)} limit {wanted.size + 1}",
        [*params, *after_params],
    )


def _table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def _cursor_text(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
