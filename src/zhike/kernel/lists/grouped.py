"""A list in groups: as many queries for two groups as for twenty, and as fast over a million rows as over a thousand.

Few rows are all read once and told apart, with exact counts and sums. Of many rows only the first of each group are
walked to, each along an index and for a bounded distance; a group of which too few are found there is left pending, to
be asked for by itself. Counts and sums of such groups follow the page.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q

from ..errors import Refused
from ..fields import field_of
from ..text.spans import whole
from . import engine
from .candidates import candidates, is_missing
from .conditions import Chosen, condition
from .engine import Sql, where_sql
from .groups import Grouped, Value
from .pages import Listing, engine_wanted

ROWS = 5  # of each group on the page
GROUPS = 12  # on a page
WALK = 10_000  # rows looked at for one group of many


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group: its value, its first rows, and what is known of it. Without a count it is counted after the page.

    `is_pending`: its first rows were not within reach of a short walk.
    """

    value: Value
    ids: tuple[uuid.UUID, ...] = ()
    count: int | None = None
    sums: tuple[Decimal, ...] = ()
    is_pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """A page of groups; `next` is where the following ones begin, 0 at the end."""

    groups: list[Group]
    next: int = 0
    is_exact: bool = False


def groups(grouped: Grouped, at: int = 0) -> Groups:
    """The groups of a page from place `at` on; Refused("list_too_slow")."""
    with engine.timed() as cursor:
        wanted = grouped.listing
        if engine.expected(wanted.spec.model, wanted.reach(), wanted.conditions()) <= engine.SMALL_SCOPE:
            found = _told_apart(grouped, cursor)
            if found is not None:
                return _page(found, at)
        values = candidates(grouped, cursor, at, GROUPS + 1)
        made = _first_rows(grouped, cursor, values[:GROUPS])
    return Groups(groups=made, next=at + GROUPS if len(values) > GROUPS else 0)


def _page(found: list[Group], at: int) -> Groups:
    return Groups(groups=found[at : at + GROUPS], next=at + GROUPS if len(found) > at + GROUPS else 0, is_exact=True)


def _told_apart(grouped: Grouped, cursor: Any) -> list[Group] | None:
    """All groups with exact counts and sums; None when there turn out to be too many rows."""
    wanted = grouped.listing
    table, way = _quoted(wanted.spec.model._meta.db_table), "desc" if wanted.sort.startswith("-") else "asc"
    key = engine_wanted(wanted, "", ROWS).key_on(table)
    summed = [_quoted(str(field_of(wanted.spec.model, name).column)) for name in grouped.sums]
    columns = ", ".join(["id", f"{key} as k", f"{_value_sql(grouped)} as g", *(f"{column} as s{n}" for n, column in enumerate(summed))])
    parts, params = [], []
    for part in _parts(wanted):
        where, given = where_sql(wanted.spec.model, part & wanted.conditions())
        parts.append(f"(select {columns} from {table} where {where} limit {engine.SMALL_SCOPE + 1})")
        params += given
    sums = "".join(f", sum(s{n}) over (partition by g)" for n in range(len(summed)))
    cursor.execute(
        f"with s as materialized ({' union all '.join(parts)}), r as (select id, k, g, row_number() over (partition by g order by k {way}, id {way}) as n, "
        f"count(*) over (partition by g) as c{sums}, (select count(*) from s) as total from s) "
        f"select * from r where n <= {ROWS} order by g, n",
        params,
    )
    rows = cursor.fetchall()
    if rows and rows[0][-1] > engine.SMALL_SCOPE:
        return None
    by_value: defaultdict[Value, list[Any]] = defaultdict(list)
    for row in rows:
        by_value[_plain(grouped, row[2])].append(row)
    made = [Group(value=v, ids=tuple(r[0] for r in own), count=own[0][4], sums=tuple(own[0][5:-1])) for v, own in by_value.items()]
    return _in_order(grouped, made)


def _in_order(grouped: Grouped, made: list[Group]) -> list[Group]:
    """Choices as declared, dates backwards, everything else the largest group first; what is not known comes last."""
    choices = grouped.grouping.filter.choices
    order = {str(value): number for number, (value, _words) in enumerate(choices())} if choices else {}

    def place(group: Group) -> tuple[bool, Any]:
        value = group.value
        if isinstance(value, dt.date):
            return (False, -value.toordinal())
        return (value is None, order.get(str(value), len(order)) if order else -(group.count or 0))

    return sorted(made, key=place)


def _first_rows(grouped: Grouped, cursor: Any, values: Sequence[Value]) -> list[Group]:
    if not values:
        return []
    parts, params = [], []
    for number, value in enumerate(values):
        sql, given = _rows_of(grouped, value)
        parts.append(f"(select {number} as n, id, k from ({sql}) x)")
        params += given
    cursor.execute(" union all ".join(parts), params)
    found: defaultdict[int, list[uuid.UUID]] = defaultdict(list)
    for number, pk, _key in cursor.fetchall():
        found[number].append(pk)
    for number, ids in enumerate(_only_shared(grouped, cursor, values)):
        found[number] = [*found[number], *ids]
    walks = _walks(grouped)
    return [
        Group(value=value, ids=tuple(found[number][:ROWS]), is_pending=walks and len(found[number]) < ROWS)
        for number, value in enumerate(values)
        if walks or found[number]
    ]


def _walks(grouped: Grouped) -> bool:
    """Whether rows of one group are looked for along the order of the whole list, not along an index of their own."""
    return not grouped.grouping.part and grouped.grouping.filter.kind != "person"


def _rows_of(grouped: Grouped, value: Value) -> Sql:
    wanted = grouped.listing
    table, way = _quoted(wanted.spec.model._meta.db_table), "desc" if wanted.sort.startswith("-") else "asc"
    own = _is(grouped, value)
    if _walks(grouped):
        asked = engine_wanted(wanted, "", ROWS)
        inner, params = engine.streams(
            asked, WALK, (grouped.column, *(asked.covered or ())) if asked.covered or asked.rest == Q() else ("*",)
        )
        where, given = where_sql(wanted.spec.model, own & asked.rest)
        order = f'{table}."{wanted.key}" {way}, {table}."id" {way}'
        return (
            f'select {table}."id" as id, {table}."{wanted.key}" as k from ({inner}) {table} where {where} order by {order} limit {ROWS}',
            [
                *params,
                *given,
            ],
        )
    where, given = where_sql(wanted.spec.model, wanted.reach().within() & wanted.conditions() & own)
    key = engine_wanted(wanted, "", ROWS).key_on(table)
    return f"select id, {key} as k from {table} where {where} order by {key} {way}, {table}.id {way} limit {ROWS}", given


def _only_shared(grouped: Grouped, cursor: Any, values: Sequence[Value]) -> list[list[uuid.UUID]]:
    """Rows that only a share opens, by group; few, so they are read together."""
    wanted = grouped.listing
    shared = wanted.reach().shared
    if shared is None:
        return []
    where, params = where_sql(wanted.spec.model, shared & ~wanted.reach().within() & wanted.conditions())
    table = _quoted(wanted.spec.model._meta.db_table)
    key, way = engine_wanted(wanted, "", ROWS).key_on(table), "desc" if wanted.sort.startswith("-") else "asc"
    cursor.execute(
        f"select id, {_value_sql(grouped)} from {table} where {where} order by {key} {way}, id {way} limit {engine.SMALL_SCOPE}", params
    )
    found: defaultdict[Value, list[uuid.UUID]] = defaultdict(list)
    for pk, value in cursor.fetchall():
        found[_plain(grouped, value)].append(pk)
    return [found[value] for value in values]


def _is(grouped: Grouped, value: Value) -> Q:
    """The rows of a group."""
    [(param, text)] = grouped.grouping.filters(value, {}).items()
    chosen = Chosen(filter=grouped.grouping.filter, op=param.partition(".")[2], values=tuple(text.split(",")))
    return condition(chosen, grouped.wanted.actor)


def _parts(wanted: Listing) -> list[Q]:
    """The reach as parts without overlap: the scope, and what only a share opens."""
    reach = wanted.reach()
    return [reach.within()] if reach.shared is None else [reach.within(), reach.shared & ~reach.within()]


def _value_sql(grouped: Grouped) -> str:
    column = _quoted(grouped.column)
    if not grouped.grouping.part:
        return column
    zone = settings.TIME_ZONE
    return f"case when {column} >= '1971-01-01' then date_trunc('{grouped.grouping.part}', {column} at time zone '{zone}')::date end"


def _plain(grouped: Grouped, value: Any) -> Value:
    """A stored value as a group has it: what means nothing is None."""
    if isinstance(value, dt.date) and grouped.grouping.part:
        return whole(grouped.grouping.part, value)[0]
    found: Value = None if is_missing(grouped.grouping, value) else value
    return found


def _quoted(name: str) -> str:
    return f'"{name}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many rows a group has, up to the cap when there was no time for all, and the sums over all of them."""

    count: int
    is_exact: bool
    sums: tuple[Decimal, ...] = ()


def total(grouped: Grouped, value: Value, milliseconds: int) -> Total | None:
    """Count and sums of one group within a limit of time; None when not even the capped count was done by then."""
    wanted = grouped.of(value)
    columns = "".join(f', coalesce(sum("{field_of(wanted.spec.model, name).column}"), 0)' for name in grouped.sums)
    where, params = where_sql(wanted.spec.model, wanted.reach().q() & wanted.conditions())
    try:
        with engine.timed(milliseconds) as cursor:
            cursor.execute(f"select count(*){columns} from {_quoted(wanted.spec.model._meta.db_table)} where {where}", params)
            count, *sums = cursor.fetchone()
        return Total(count=count, is_exact=True, sums=tuple(sums))
    except Refused:
        pass
    try:
        with engine.timed(milliseconds) as cursor:
            capped = engine.counted(cursor, wanted.spec.model, wanted.conditions(), engine.COUNT_CAP, wanted.reach())
    except Refused:
        return None
    return Total(count=capped, is_exact=capped <= engine.COUNT_CAP)
