"""Work out declared metrics over the facts: any dimensions, filters, days and reach; exact figures in a fixed order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Literal

from zhike.kernel.errors import Refused
from zhike.kernel.lake.engine import rows_of
from zhike.kernel.later import Later
from zhike.kernel.metrics import SCALED, Dimension, Metric, is_own, metrics
from zhike.kernel.policy import Reach

from .facts import Facts

if TYPE_CHECKING:
    import ibis
else:
    ibis = Later("ibis")

EVERYTHING = Reach(kind="all")
SCALE = 4
Opened = Literal["order_id", "customer_id", "line_id"]
Key = str | int | bool | dt.date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """One condition: `equals` one value, `in` several (None: no value), `range` from-to, ends included, None: open."""

    dimension: str
    op: Literal["equals", "in", "range"]
    values: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """What is asked: metrics, the dimensions that divide them, conditions, first and last day, and whose rows.

    `sort` names a metric of the query (largest first; else rows follow their keys); `limit` 0 means all rows.
    `total` asks for the figures over all rows beside the divided ones.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: tuple[Where, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    scope: Reach = EVERYTHING
    sort: str = ""
    limit: int = 0
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the answer: keys and their labels in the order of `by`, values in the order of `metrics`.

    A value is exact; None where there is nothing to measure (a ratio over 0, profit without any cost).
    """

    keys: tuple[Key, ...]
    labels: tuple[str, ...]
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The answer, with how many rows there were before `limit` and up to when changes are in it."""

    by: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    found: int
    total: Row | None
    watermark: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Metrics to count (ratios taken apart), dimensions to group by, and what has to be joined."""

    asked: tuple[Metric, ...]
    counted: tuple[Metric, ...]
    by: tuple[Dimension, ...]
    where: tuple[tuple[Where, Dimension], ...]
    fine: bool

    @property
    def used(self) -> tuple[Dimension, ...]:
        return (*self.by, *(dimension for _, dimension in self.where))

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that are counted, in the order of the metrics."""
        return tuple(dict.fromkeys(metric.fact for metric in self.counted))

    def beside(self, fact: str) -> list[str]:
        """What has to stand beside the rows of a fact."""
        needed = {d.fact for d in self.used} | {join for metric in self.counted if metric.fact == fact for join in metric.joins}
        return sorted(needed - {fact, "sales"})


Values = dict[str, Decimal | None]


def compute(facts: Facts, query: MetricQuery) -> Table:
    """The figures.

    Raises Refused: metric_unknown, dimension_unknown, dimension_not_of_metric, metrics_apart (customers beside orders),
    filter_invalid, field_not_permitted, field_not_in_lake (an own field that the next export brings).
    """
    plan = _plan(query)
    rows = {fact: _rows(facts, query, plan, fact) for fact in plan.facts}
    ordered = _ordered(_divided(rows, plan, plan.by), plan, query.sort)
    total = _ordered(_divided(rows, plan, ()), plan, "")[0] if query.total else None
    return Table(
        by=plan.by,
        metrics=plan.asked,
        rows=tuple(ordered[: query.limit or None]),
        found=len(ordered),
        total=total,
        watermark=facts.watermark,
    )


def behind(facts: Facts, query: MetricQuery, *, column: Opened, limit: int) -> tuple[str, ...]:
    """Ids of the records that the first metric of a query counts, in order, at most `limit`: what a figure opens to.

    Refused as `compute`; Refused("metric_not_openable") for a metric that is not a count or sum of rows.
    """
    plan = _plan(query)
    metric = plan.asked[0]
    if metric.per or metric.over:
        raise Refused("metric_not_openable", name=metric.name)
    rows = _rows(facts, query, plan, metric.fact)
    if metric.counted:
        rows = rows.filter(metric.counted(rows))
    found = rows.filter(rows[column].notnull()).select(column).distinct().order_by(column).limit(limit)
    return tuple(row[column] for row in rows_of(found))


def _plan(query: MetricQuery) -> _Plan:
    asked = tuple(metrics.get(name) for name in query.metrics)
    names = dict.fromkeys(name for metric in asked for name in metric.over or (metric.name,))
    counted = tuple(metrics.get(name) for name in names)
    by = tuple(metrics.dimension(name) for name in query.by)
    where = tuple((one, metrics.dimension(one.dimension)) for one in query.where)
    used = (*by, *(dimension for _, dimension in where))
    for metric in (*asked, *counted):
        for dimension in used:
            if dimension.name not in metric.dimensions and metric.fact not in dimension.divides:
                raise Refused("dimension_not_of_metric", metric=metric.name, dimension=dimension.name)
    for name in (*query.metrics, *query.by, *(one.dimension for one in query.where)):
        if not metrics.are_open((name,), query.scope.closed):
            raise Refused("field_not_permitted", field=name)
    if query.sort and query.sort not in query.metrics:
        raise Refused("metric_unknown", name=query.sort)
    plan = _Plan(asked=asked, counted=counted, by=by, where=where, fine=any(d.fine for d in used))
    if "customers" in plan.facts and len(plan.facts) > 1:
        raise Refused("metrics_apart", names=", ".join(query.metrics))  # whose rows count is not the same for both
    return plan


def _rows(facts: Facts, query: MetricQuery, plan: _Plan, fact: str) -> Any:
    """The rows of a fact in question, with what has to stand beside them."""
    rows: Any = _base(facts, plan, fact)
    beside = plan.beside(fact)
    conditions = [*_days(rows, query), *_reach(rows, query.scope)]
    conditions += [_condition(rows, where, d) for where, d in plan.where if d.fact not in beside]
    rows = rows.filter(*conditions) if conditions else rows
    for other in beside:
        rows = _joined(rows, facts, plan, other)
    late = [_condition(rows, where, d) for where, d in plan.where if d.fact in beside]
    return rows.filter(*late) if late else rows


def _base(facts: Facts, plan: _Plan, fact: str) -> Any:
    """The rows that are counted; those of customers are of the day on which the customer was entered."""
    rows: Any = _table(facts, fact, (*_own(plan.used, fact), *_own_counted(plan, fact)))
    return rows.mutate(day=rows.created_day, customer_category=rows.category) if fact == "customers" else rows


def _joined(rows: Any, facts: Facts, plan: _Plan, other: str) -> Any:
    own = _own(plan.used, other)
    table: Any = _table(facts, other, own)
    columns = {d.column: table[d.column] for d in own}
    if other == "customers":
        known = {name: table[name] for name in ("segment", "grade", "first_day")}
        beside = table.select(known_key=table.customer_key, customer_category=table.category, **known, **columns)
        return rows.left_join(beside, rows.customer_key == beside.known_key)
    key, of_line = {"orders": ("own_order", "order_id"), "products": ("own_product", "product_id")}[other]
    beside = table.select(table[key], **columns)
    return rows.left_join(beside, rows[of_line] == beside[key])


def _own(used: Iterable[Dimension], fact: str) -> tuple[Dimension, ...]:
    """The dimensions of own fields of a fact, each once."""
    return tuple({d.column: d for d in used if d.fact == fact and is_own(d.name)}.values())


def _own_counted(plan: _Plan, fact: str) -> tuple[Metric, ...]:
    return tuple(metric for metric in plan.counted if metric.fact == fact and is_own(metric.name))


def _table(facts: Facts, name: str, needed: tuple[Dimension | Metric, ...]) -> Any:
    """A table of the lake; Refused("field_not_in_lake") while a column that is needed has not come."""
    table: Any = getattr(facts, name)
    for one in needed:
        if table is None or (one.column and one.column not in table.columns):
            raise Refused("field_not_in_lake", title=str(one.title))
    return table


def _days(rows: Any, query: MetricQuery) -> list[Any]:
    bounds = []
    if query.start is not None:
        bounds.append(rows.day >= ibis.literal(query.start))
    if query.end is not None:
        bounds.append(rows.day <= ibis.literal(query.end))
    return bounds


def _reach(rows: Any, scope: Reach) -> list[Any]:
    """The same rows as `Reach.q`; what is not understood reaches nothing."""
    if scope.kind == "all":
        return []
    if scope.user_id is None or scope.kind not in ("own", "teams") or scope.parent is not None:
        return [ibis.literal(False)]
    own = rows.owner_id == scope.user_id
    return [own | rows.team_id.isin(scope.team_ids) if scope.kind == "teams" and scope.team_ids else own]


def _condition(rows: Any, where: Where, dimension: Dimension) -> Any:
    column = dimension.of(rows)
    if where.op == "range":
        return _range(column, where)
    if where.op not in ("equals", "in") or (where.op == "equals" and len(where.values) != 1):
        raise Refused("filter_invalid", dimension=where.dimension)
    given = [value for value in where.values if value is not None]
    tests = [column.isin(given)] if given else []
    if len(given) < len(where.values):
        tests.append(column.isnull())
    return reduce(lambda left, right: left | right, tests) if tests else ibis.literal(False)


def _range(column: Any, where: Where) -> Any:
    if len(where.values) != 2:
        raise Refused("filter_invalid", dimension=where.dimension)
    low, high = where.values
    tests = [column >= ibis.literal(low)] if low is not None else []
    if high is not None:
        tests.append(column <= ibis.literal(high))
    return reduce(and_, tests) if tests else ibis.literal(True)


@dataclass(slots=True, kw_only=True)
class _Group:
    keys: tuple[Key, ...]
    labels: tuple[str, ...]
    values: Values


def _divided(rows: Mapping[str, Any], plan: _Plan, by: tuple[Dimension, ...]) -> dict[tuple[Key, ...], _Group]:
    """Groups by key, of all facts that are counted."""
    groups: dict[tuple[Key, ...], _Group] = {}
    for fact, those in rows.items():
        frame = those.mutate(**{f"k{n}": d.of(those) for n, d in enumerate(by)}) if by else those
        _count(groups, frame, plan, by, [metric for metric in plan.counted if metric.fact == fact])
    return groups


def _count(groups: dict[tuple[Key, ...], _Group], frame: Any, plan: _Plan, by: tuple[Dimension, ...], counted: list[Metric]) -> None:
    """One query for plain metrics, and one for each way of counting in two steps."""
    plain = [metric for metric in counted if not metric.per]
    if plain:
        values = {f"m{n}": _formula(metric, plan)(frame) for n, metric in enumerate(plain)}
        labels = {f"l{n}": frame[d.label].max() for n, d in enumerate(by) if d.label}
        _collect(groups, _grouped(frame, by, values | labels), by, plain)
    for metric in counted:
        if metric.per:
            each = metric.quick_each if metric.quick_each and not plan.fine else metric.each
            steps = frame.group_by(*_keys(by), *metric.per).aggregate(each=each(frame))  # type: ignore[misc]
            _collect(groups, _grouped(steps, by, {"m0": _formula(metric, plan)(steps)}), by, [metric])


def _formula(metric: Metric, plan: _Plan) -> Any:
    return metric.quick if metric.quick and not plan.fine else metric.formula


def _keys(by: tuple[Dimension, ...]) -> list[str]:
    return [f"k{n}" for n in range(len(by))]


def _grouped(frame: Any, by: tuple[Dimension, ...], values: dict[str, Any]) -> list[dict[str, Any]]:
    grouped = frame.group_by(*_keys(by)).aggregate(**values) if by else frame.aggregate(**values)
    return rows_of(grouped)


def _collect(
    groups: dict[tuple[Key, ...], _Group],
    answer: Iterable[dict[str, Any]],
    by: tuple[Dimension, ...],
    counted: list[Metric],
) -> None:
    for line in answer:
        keys = tuple(_plain(line[name]) for name in _keys(by))
        labels = tuple(str(line.get(f"l{n}") or "") for n in range(len(by)))
        group = groups.setdefault(keys, _Group(keys=keys, labels=labels, values={}))
        if any(labels):
            group.labels = labels
        for n, metric in enumerate(counted):
            group.values[metric.name] = _exact(line[f"m{n}"], metric)


def _plain(key: Any) -> Key:
    """Engines that truncate a date to a time give the date back here."""
    return key.date() if isinstance(key, dt.datetime) else key


def _exact(value: Any, metric: Metric) -> Decimal | None:
    """Counts of no row are 0; whole ten-thousandths become a Decimal with four places."""
    if value is None:
        return Decimal(0) if metric.unit == "count" else None
    return Decimal(int(value)).scaleb(-SCALE) if metric.unit in SCALED else Decimal(int(value))


def _ordered(groups: dict[tuple[Key, ...], _Group], plan: _Plan, sort: str) -> list[Row]:
    rows = [_row(group, plan) for group in groups.values()]
    rows.sort(key=lambda row: tuple((key is None, key if key is not None else 0) for key in row.keys))
    if sort:
        place = [metric.name for metric in plan.asked].index(sort)
        rows.sort(key=lambda row: _descending(row.values[place]))
    return rows


def _descending(value: Decimal | None) -> tuple[bool, Decimal]:
    return value is None, -(value or Decimal(0))


def _row(group: _Group, plan: _Plan) -> Row:
    values = tuple(_value(group.values, metric) for metric in plan.asked)
    return Row(keys=group.keys, labels=group.labels, values=values)


def _value(values: Values, metric: Metric) -> Decimal | None:
    if metric.over is None:
        return values.get(metric.name)
    top, bottom = (values.get(name) for name in metric.over)
    if top is None or not bottom:
        return None
    return (top / bottom).quantize(Decimal(1).scaleb(-SCALE), ROUND_HALF_UP)
