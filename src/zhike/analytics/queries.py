"""Customer value as a reader may see it: groups of customers he may view, added up for map, table and movements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from typing import TypeVar

from django.apps import apps
from django.db import connection

from zhike.customers.models import Customer, Segment
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.lists.engine import where_sql
from zhike.kernel.metrics import metrics
from zhike.kernel.policy import Reach, owned, policy_of
from zhike.orders.models import Order

from .models import SETTING_ID, ValueRun, ValueScore, ValueSetting
from .rfm import SCORES, SEGMENTS

SQL_GROUPS = """
select v.segment, v.before, v.rfm / 100, v.rfm / 10 %% 10, count(*), coalesce(sum(v.orders), 0), coalesce(sum(v.sales), 0),
  coalesce(sum(v.sales_before), 0), coalesce(sum(%s::date - v.last_day), 0)
from customers_customer join analytics_valuescore v on v.customer_id = customers_customer.id where {where} group by 1, 2, 3, 4
"""
OVERVIEW = "analytics.overview"
NOTHING = Decimal(0)
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Customers with their orders, sales (yuan) now and before, and days of silence, added up."""

    customers: int = 0
    orders: int = 0
    sales: Decimal = NOTHING
    sales_before: Decimal = NOTHING
    silent_days: int = 0

    def plus(self, other: Sums) -> Sums:
        return Sums(
            customers=self.customers + other.customers,
            orders=self.orders + other.orders,
            sales=self.sales + other.sales,
            sales_before=self.sales_before + other.sales_before,
            silent_days=self.silent_days + other.silent_days,
        )

    @property
    def average(self) -> Decimal:
        """Sales a customer; 0 for nobody."""
        return self.sales / self.customers if self.customers else NOTHING

    @property
    def silent(self) -> int:
        """Days since the last purchase, on average."""
        return round(self.silent_days / self.customers) if self.customers else 0

    @property
    def gain(self) -> Decimal:
        """How much more was sold than in the window before."""
        return self.sales - self.sales_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Customers who share segment, segment before, recency and frequency score; 0 means none."""

    segment: int
    before: int
    r: int
    f: int
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFigures:
    """One segment: who is in it now, how many were then, and its parts of all customers and sales (0 to 1)."""

    segment: Segment
    sums: Sums
    before: int
    share: Decimal
    sales_share: Decimal

    @property
    def change(self) -> int:
        return self.sums.customers - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Customers who went from one segment to another; 0 stands for none."""

    before: int
    after: int
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """All that the value page shows, of the customers one reader may see."""

    run: ValueRun
    total: Sums
    before: int
    segments: tuple[SegmentFigures, ...]
    cells: dict[tuple[int, int], Sums]
    moves: tuple[Moved, ...]


def reach_of(actor: Actor, model: type, label: str) -> Reach:
    """Rows of `model` that figures of page `label` may count: the narrower of both grants, without what is shared singly."""
    page, rows = actor.scope(label, "view"), replace(policy_of(model).reach(actor, "view"), shared=None)
    if page is None or rows.kind == "none":
        return Reach(kind="none")
    rows = replace(rows, closed=closed_to(actor))
    if page is Scope.ALL:
        return rows
    held = actor.scope(policy_of(model).label, "view") or Scope.OWN
    return rows if held <= page else replace(owned(label).reach(actor, "view"), closed=rows.closed)


def reach_of_fact(actor: Actor, fact: str) -> Reach:
    """The rows of a fact that the overview may count: customers by the rights on customers, all else by those on orders."""
    return reach_of(actor, Customer if fact == "customers" else Order, OVERVIEW)


def closed_to(actor: Actor) -> frozenset[str]:
    """Fields that figures must not tell the actor: those closed to him, and all of object types that he does not see."""
    told = metrics.told()
    unseen = {label for label in {_label_of(name) for name in told} if not actor.may(policy_of(apps.get_model(label)).label, "view")}
    return actor.closed() | {name for name in told if _label_of(name) in unseen}


def _label_of(field: str) -> str:
    return field.rpartition(".")[0]


def current_run() -> ValueRun | None:
    """The newest finished run; None before the first."""
    return ValueRun.objects.filter(is_current=True).first()


def setting() -> ValueSetting:
    """The rule in force for the next run."""
    return ValueSetting.objects.filter(pk=SETTING_ID).first() or ValueSetting(pk=SETTING_ID)


def value_of(reach: Reach, run: ValueRun) -> Value:
    """The figures; those of the run for who sees all, else counted over the reader's customers."""
    groups = _stored(run) if reach.kind == "all" else _counted(reach, run)
    inside = [group for group in groups if group.segment]
    total = _sum(group.sums for group in inside)
    now, then = _by(inside, attrgetter("segment")), _by(groups, attrgetter("before"))
    cells = _by(inside, attrgetter("r", "f"))
    return Value(
        run=run,
        total=total,
        before=sum(sums.customers for segment, sums in then.items() if segment),
        segments=tuple(_figures(segment, now, then, total) for segment in Segment),
        cells={(r, f): cells.get((r, f), Sums()) for r in range(1, SCORES + 1) for f in range(1, SCORES + 1)},
        moves=_moves(groups),
    )


def _stored(run: ValueRun) -> list[Group]:
    rows = run.groups.values_list(
        "segment", "before", "r", "f", "customers", "orders", "sales", "sales_before", "silent_days"
    )  # fmt: skip
    return [_group(row) for row in rows]


def _counted(reach: Reach, run: ValueRun) -> list[Group]:
    where, params = where_sql(Customer, reach.q())
    with connection.cursor() as cursor:
        cursor.execute(SQL_GROUPS.format(where=where), [run.as_of, *params])
        return [_group(row) for row in cursor.fetchall()]


def _group(row: tuple[object, ...]) -> Group:
    segment, before, r, f, customers, orders, sales, sales_before, silent_days = row
    sums = Sums(
        customers=int(str(customers)), orders=int(str(orders)), sales=Decimal(str(sales)), sales_before=Decimal(str(sales_before)),
        silent_days=int(str(silent_days)),
    )  # fmt: skip
    return Group(segment=int(str(segment)), before=int(str(before)), r=int(str(r)), f=int(str(f)), sums=sums)


def _sum(parts: Iterable[Sums]) -> Sums:
    found = Sums()
    for part in parts:
        found = found.plus(part)
    return found


def _by(groups: Iterable[Group], key: Callable[[Group], K]) -> dict[K, Sums]:
    found: dict[K, Sums] = {}
    for group in groups:
        found[key(group)] = found.get(key(group), Sums()).plus(group.sums)
    return found


def _figures(segment: Segment, now: dict[int, Sums], then: dict[int, Sums], total: Sums) -> SegmentFigures:
    sums = now.get(int(segment), Sums())
    return SegmentFigures(
        segment=segment,
        sums=sums,
        before=then.get(int(segment), Sums()).customers,
        share=Decimal(sums.customers) / total.customers if total.customers else NOTHING,
        sales_share=sums.sales / total.sales if total.sales else NOTHING,
    )


def _moves(groups: Iterable[Group]) -> tuple[Moved, ...]:
    """Who changed, the most money first; who came or went altogether after those who went between segments."""
    found = _by((group for group in groups if group.before != group.segment), attrgetter("before", "segment"))
    moved = [Moved(before=before, after=after, sums=sums) for (before, after), sums in found.items()]
    return tuple(sorted(moved, key=lambda move: (0 in (move.before, move.after), -abs(move.sums.gain), move.before, move.after)))


def segment_cells(segment: int, high: int) -> frozenset[tuple[int, int]]:
    """The cells of the map in which customers of a segment lie."""
    recent, often, _ = SEGMENTS[segment]
    scores = range(1, SCORES + 1)
    return frozenset((r, f) for r in scores for f in scores if (r >= high) == recent and (f >= high) == often)


def moved_customers(reach: Reach, *, before: int, after: int, limit: int) -> tuple[list[ValueScore], int]:
    """Scores of customers who went from one segment to another, most sales first, and how many there are."""
    seen = Customer.objects.filter(reach.q()).values("pk")
    rows = ValueScore.objects.filter(customer_id__in=seen, before=before, segment=after)
    found = rows.select_related("customer").order_by("-sales", "-sales_before", "customer_id")[:limit]
    return list(found), rows.count()


def score_of(customer: Customer) -> ValueScore | None:
    """The customer's score, None when nothing counts."""
    return ValueScore.objects.filter(pk=customer.pk).first()
