"""Which groups a long list may have, without reading it: declared choices, people by name, values along an index, months."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from ..fields import field_of
from ..text.spans import whole
from .conditions import EARLY
from .engine import where_sql
from .groups import Grouped, Grouping, Value
from .pages import Listing

MOST_VALUES = 5_000  # of one facet looked at along its index


def candidates(grouped: Grouped, cursor: Any, at: int, limit: int) -> list[Value]:
    """Values of groups in their order, from place `at` on; each but a choice or a month has at least one row in reach."""
    grouping, wanted = grouped.grouping, grouped.listing
    chosen = _chosen(grouping, wanted)
    if chosen is not None:
        return chosen[at : at + limit]
    if grouping.part:
        return _parts_of_dates(grouping, wanted, cursor)[at : at + limit]
    if grouping.filter.kind == "person":
        return [*_people(grouped, cursor, at, limit), *_nobody(grouped, cursor)][:limit]
    choices = grouping.filter.choices
    if choices is not None:
        stored = field_of(wanted.spec.model, grouping.filter.column)
        return [*(stored.to_python(value) for value, _words in choices()), None][at : at + limit]
    return _values(grouped, cursor, at, limit)


def _chosen(grouping: Grouping, wanted: Listing) -> list[Value] | None:
    """The values to which the list is narrowed already; None when it is not."""
    for one in wanted.chosen:
        if grouping.part or one.filter.name != grouping.filter.name:
            continue
        if one.op == "none":
            return [None]
        if one.op in ("in", "is"):
            stored = field_of(wanted.spec.model, grouping.filter.column)
            return [wanted.actor.user_id if value == "me" else stored.to_python(value) for value in dict.fromkeys(one.values)]
    return None


def is_missing(grouping: Grouping, value: Any) -> bool:
    """Whether a stored value means that nothing is known: empty, nobody, or 0 of a numbered choice."""
    return value is None or value == "" or (grouping.filter.kind == "number" and value == 0)


def _parts_of_dates(grouping: Grouping, wanted: Listing, cursor: Any) -> list[Value]:
    """Months (quarters, years) from the newest date to the oldest, then those without one."""
    table, column = wanted.spec.model._meta.db_table, grouping.filter.column
    cursor.execute(
        f'select (select max("{column}") from "{table}"), (select min("{column}") from "{table}" where "{column}" >= %s)', [EARLY]
    )
    newest, oldest = (_day(moment) for moment in cursor.fetchone())
    found: list[Value] = []
    if newest and oldest:
        start = whole(grouping.part, newest)[0]
        while start >= whole(grouping.part, oldest)[0]:
            found.append(start)
            start = whole(grouping.part, start - dt.timedelta(days=1))[0]
    return [*found, None]


def _day(moment: Any) -> dt.date | None:
    if moment is None or moment.year < EARLY.year:
        return None
    return timezone.localtime(moment).date() if isinstance(moment, dt.datetime) else moment


def _people(grouped: Grouped, cursor: Any, at: int, limit: int) -> list[Value]:
    wanted = grouped.listing
    is_team = grouped.grouping.filter.column == "team"
    holder = apps.get_model(settings.ZHIKE_TEAM_MODEL) if is_team else get_user_model()
    table, people = wanted.spec.model._meta.db_table, holder._meta.db_table
    where, params = where_sql(wanted.spec.model, wanted.reach().within())
    cursor.execute(
        f'select p.id from "{people}" p where exists (select 1 from "{table}" where "{table}"."{grouped.column}" = p.id and {where}) '
        f"order by p.name, p.id limit {int(limit)} offset {int(at)}",
        params,
    )
    return [row[0] for row in cursor.fetchall()]


def _nobody(grouped: Grouped, cursor: Any) -> list[Value]:
    """The group of records without a person or team, after all others."""
    wanted = grouped.listing
    table = wanted.spec.model._meta.db_table
    where, params = where_sql(wanted.spec.model, wanted.reach().within())
    cursor.execute(f'select exists (select 1 from "{table}" where "{table}"."{grouped.column}" is null and {where})', params)
    return [None] if cursor.fetchone()[0] else []


def _values(grouped: Grouped, cursor: Any, at: int, limit: int) -> list[Value]:
    """Values of a facet that has no declared choices, by jumps along its index."""
    wanted, column = grouped.listing, f'"{grouped.column}"'
    table = f'"{wanted.spec.model._meta.db_table}"'
    where, params = where_sql(wanted.spec.model, wanted.reach().within())
    cursor.execute(
        f"with recursive v as ((select {column} as g from {table} where {column} > '' order by {column} limit 1) "
        f"union all select (select {column} from {table} where {column} > v.g order by {column} limit 1) from v where v.g is not null), "
        f"w as (select g from v where g is not null limit {MOST_VALUES}) "
        f"select g from w where exists (select 1 from {table} where {table}.{column} = w.g and {where}) limit {int(limit)} offset {int(at)}",
        params,
    )
    found: list[Value] = [row[0] for row in cursor.fetchall()]
    return found if len(found) >= limit else [*found, None]
