"""A list as a reader asked for it: filters, order and place from an address, answered with records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from django.db import models
from django.db.models import F, OrderBy, Q

from ..actor import Actor
from ..customfields.sql import OwnSql
from ..errors import Refused
from ..fields import field_of
from ..models import Record
from ..policy import Reach
from ..spec import Column, ObjectSpec
from . import engine
from .conditions import Chosen, chosen_from, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a reader asked: one object type, filters, order."""

    spec: ObjectSpec
    actor: Actor
    chosen: tuple[Chosen, ...] = ()
    sort: str = ""
    verb: str = "view"

    @property
    def key(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen)

    def order(self) -> tuple[OrderBy, OrderBy]:
        """The order for a query of the ORM."""
        chosen = self.spec.sort(self.key)
        key = OwnSql(chosen.sql, models.TextField()) if chosen is not None and chosen.sql else F(self.key)
        down = self.sort.startswith("-")
        return OrderBy(key, descending=down), OrderBy(F("pk"), descending=down)

    def matching(self) -> Q:
        """All conditions together with the reach: what counts, exports and bulk changes run over."""
        return self.reach().q() & self.conditions()

    def reach(self) -> Reach:
        """The rows within which the list looks."""
        return self.spec.policy.reach(self.actor, self.verb)

    def conditions(self) -> Q:
        """The filters alone."""
        return reduce(and_, (condition(c, self.actor) for c in self.chosen), Q())


def listing(spec: ObjectSpec, actor: Actor, params: Mapping[str, str], verb: str = "view") -> Listing:
    """Read a listing from an address; Refused for unknown filters, "unknown_sort" for an order that is not offered."""
    keys = [sort.key for sort in spec.sorts]
    sort = params.get("sort") or f"-{keys[0]}"
    if sort.removeprefix("-") not in keys:
        raise Refused("unknown_sort", name=sort)
    return Listing(spec=spec, actor=actor, chosen=tuple(chosen_from(spec, params)), sort=sort, verb=verb)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page of records with the place of the next."""

    records: list[Record]
    next: str
    shape: str


def rows(wanted: Listing, *, columns: Sequence[Column] = (), after: str = "", size: int = engine.PAGE) -> Rows:
    """A page of records, joined only for the columns shown; the same number of queries for 1 row and for 50."""
    found = engine.find(engine_wanted(wanted, after, size))
    joins = sorted({path for column in columns for path in column.join})
    model = wanted.spec.model
    kept = model.objects.filter(pk__in=found.ids).veiled(wanted.actor)
    by_id = {record.pk: record for record in (kept.select_related(*joins) if joins else kept)}
    return Rows(
        records=[by_id[pk] for pk in found.ids if pk in by_id],
        next="~".join(found.next) if found.next else "",
        shape=found.shape,
    )


def engine_wanted(wanted: Listing, after: str, size: int) -> engine.Wanted:
    """A listing as the planner takes it: conditions on the sort key apart from the others."""
    walk, rest, covered = Q(), Q(), []
    sort = wanted.spec.sort(wanted.key)
    is_covered = True
    for chosen in wanted.chosen:
        if chosen.filter.column == wanted.key:
            walk &= condition(chosen, wanted.actor)
            continue
        rest &= condition(chosen, wanted.actor)
        is_covered = is_covered and chosen.filter.covered and chosen.filter.build is None and chosen.filter.where is None
        if is_covered:
            covered.append(str(field_of(wanted.spec.model, chosen.filter.column).column))
    return engine.Wanted(
        model=wanted.spec.model,
        reach=wanted.reach(),
        key=wanted.key,
        descending=wanted.sort.startswith("-"),
        walk=walk,
        rest=rest,
        covered=tuple(covered) if is_covered and covered else None,
        after=_place(after),
        size=size,
        key_sql=sort.sql if sort else "",
        read_key=sort.read if sort else None,
    )


def _place(after: str) -> tuple[str, str] | None:
    key, tilde, pk = after.rpartition("~")
    return (key, pk) if tilde else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows match: exact when cheap, otherwise about so many."""

    count: int
    is_exact: bool


def size_at_once(wanted: Listing, shown: int, has_more: bool) -> Size:
    """The size without counting: what is shown when that is all, otherwise the database's estimate."""
    if not has_more:
        return Size(count=shown, is_exact=True)
    return Size(count=max(_expected(wanted), shown + 1), is_exact=False)


def size_counted(wanted: Listing) -> Size:
    """The size counted up to the cap."""
    counted = engine.count(wanted.spec.model, wanted.conditions(), reach=wanted.reach())
    if counted > engine.COUNT_CAP:
        return Size(count=max(_expected(wanted), counted), is_exact=False)
    return Size(count=counted, is_exact=True)


def _expected(wanted: Listing) -> int:
    return engine.expected(wanted.spec.model, wanted.reach(), wanted.conditions())
