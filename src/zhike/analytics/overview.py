"""The overview: a period and what it is compared with, and the figures of each card for one reader."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zhike.kernel.errors import Refused
from zhike.kernel.lake.engine import rows_of
from zhike.kernel.places import database_here
from zhike.kernel.policy import Reach

from .compute import MetricQuery, Row, Table, compute
from .facts import Facts
from .periods import Period, between, parse, period_of
from .place import facts_here

KINDS = ("month", "quarter", "half_year", "year")
COMPARED = ("year", "previous")
UNITS = {"month": "day", "quarter": "month", "half_year": "month", "year": "month"}
LONGEST = ((62, "day"), (183, "week"), (1_120, "month"))
ROWS = 8
KEEP = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days from start to end, both included."""

    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The period a reader looks at, cut at today, what it is compared with, and the unit of its columns."""

    kind: str
    span: Span
    past: Span
    unit: str
    vs: str
    period: Period | None

    @property
    def params(self) -> dict[str, str]:
        """The period as parameters of an address."""
        if self.period:
            return {"kind": self.kind, "at": self.period.code, "vs": self.vs}
        return {"kind": self.kind, "start": self.span.start.isoformat(), "end": self.span.end.isoformat(), "vs": self.vs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One column of a chart: its period cut to the span, the figures in it, and those of the past one beside it."""

    span: Span
    kind: str
    now: tuple[Decimal | None, ...]
    past: tuple[Decimal | None, ...] | None


def picked(params: Mapping[str, str], *, today: dt.date, latest: dt.date) -> Picked:
    """The period that an address names, else the year of the latest sale; Refused("period_unknown")."""
    vs = params.get("vs", "") if params.get("vs") in COMPARED else COMPARED[0]
    if params.get("kind") == "custom":
        return _custom(params, vs)
    kind = params.get("kind", "year")
    if kind not in KINDS:
        raise Refused("period_unknown", period=kind)
    period = parse(params["at"]) if params.get("at") else period_of(min(today, latest), kind)
    if period.kind != kind:
        period = period_of(min(period.end, today), kind)
    span = Span(start=period.start, end=max(period.start, min(period.end, today)))
    other = period.year_before() if vs == "year" else period.shifted(-1)
    end = other.end if span.end == period.end else min(other.end, _moved(span, other, vs))
    return Picked(kind=kind, span=span, past=Span(start=other.start, end=end), unit=UNITS[kind], vs=vs, period=period)


def _moved(span: Span, other: Period, vs: str) -> dt.date:
    """The day in the other period up to which to compare, when the period is not over yet."""
    return _year_before(span.end) if vs == "year" else other.start + dt.timedelta(days=span.days - 1)


def _year_before(day: dt.date) -> dt.date:
    last_of_february = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if last_of_february else day.day)


def _custom(params: Mapping[str, str], vs: str) -> Picked:
    try:
        start, end = (dt.date.fromisoformat(params.get(name, "")) for name in ("start", "end"))
        span = Span(start=start, end=end)
        if vs == "year":
            past = Span(start=_year_before(start), end=_year_before(end))
        else:
            past = Span(start=start - dt.timedelta(days=span.days), end=start - dt.timedelta(days=1))
    except (ValueError, OverflowError) as wrong:
        raise Refused("period_unknown", period=f"{params.get('start')} {params.get('end')}") from wrong
    if end < start:
        raise Refused("period_unknown", period=f"{start} {end}")
    unit = next((unit for days, unit in LONGEST if span.days <= days), "year")
    return Picked(kind="custom", span=span, past=past, unit=unit, vs=vs, period=None)


def buckets(chosen: Picked, reach: Reach, *metrics: str) -> list[Bucket]:
    """The figures by the columns of the period; empty columns are there too."""
    now, past = (_by_unit(chosen, span, reach, metrics) for span in (chosen.span, chosen.past))
    others = list(between(chosen.past.start, chosen.past.end, chosen.unit))
    found = []
    for at, period in enumerate(between(chosen.span.start, chosen.span.end, chosen.unit)):
        beside = past.get(others[at].start, (None,) * len(metrics)) if at < len(others) else None
        span = Span(start=max(period.start, chosen.span.start), end=min(period.end, chosen.span.end))
        values = now.get(period.start, (None,) * len(metrics))
        found.append(Bucket(span=span, kind=period.kind, now=values, past=beside))
    return found


def _by_unit(chosen: Picked, span: Span, reach: Reach, metrics: tuple[str, ...]) -> dict[Any, tuple[Decimal | None, ...]]:
    query = MetricQuery(metrics=metrics, by=(chosen.unit,), start=span.start, end=span.end, scope=reach)
    return {row.keys[0]: row.values for row in answer(query).rows}


def totals(chosen: Picked, reach: Reach, *metrics: str) -> tuple[tuple[Decimal | None, ...], tuple[Decimal | None, ...]]:
    """The figures of the whole period and of the one compared with."""
    now, past = (
        answer(MetricQuery(metrics=metrics, start=span.start, end=span.end, scope=reach)).rows[0].values
        for span in (chosen.span, chosen.past)
    )
    return now, past


def divided(chosen: Picked, reach: Reach, metric: str, dimension: str) -> Table:
    """A figure by one dimension, largest first, all of it."""
    query = MetricQuery(metrics=(metric,), by=(dimension,), start=chosen.span.start, end=chosen.span.end, scope=reach, sort=metric)
    return answer(query)


def first_told(chosen: Picked, reach: Reach, metric: str, dimensions: Sequence[str]) -> Table:
    """By the first of the dimensions with several values that are filled in, else by the first with any."""
    best, most = divided(chosen, reach, metric, dimensions[0]), 0
    for dimension in dimensions:
        table = divided(chosen, reach, metric, dimension)
        filled = min(2, sum(1 for row in table.rows if row.keys[0]))
        if filled > most:
            best, most = table, filled
        if most > 1:
            break
    return best


def cut(table: Table, size: int = ROWS) -> tuple[list[Row], Decimal, int]:
    """The largest rows, the sum of all others, and how many those are: nothing is left out in silence."""
    rows, rest = list(table.rows[:size]), table.rows[size:]
    return rows, sum((row.values[0] or Decimal(0) for row in rest), Decimal(0)), len(rest)


def latest_day(facts: Facts) -> dt.date | None:
    """The last day with a sale; None for a lake without sales."""
    key = ("latest", database_here(), facts.watermark)
    found = _kept.get(key)
    if found is None:
        sales: Any = facts.sales
        [row] = rows_of(sales.filter(sales.gross > 0).aggregate(last=sales.day.max()))
        found = _kept.put(key, (row["last"],))
    day: dt.date | None = found[0]
    return day


def answer(query: MetricQuery) -> Table:
    """`compute` over the company's lake, kept in memory until the lake changes; Refused("lake_missing") and as there."""
    facts = facts_here()
    key = (database_here(), facts.watermark, query)
    found: Table | None = _kept.get(key)
    return found if found is not None else _kept.put(key, compute(facts, query))


class _Kept:
    """The newest answers; a watermark in the key makes old ones unreachable, so they fall out by age."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: Any, value: Any) -> Any:
        with self._lock:
            self._found[key] = value
            while len(self._found) > KEEP:
                self._found.popitem(last=False)
        return value


_kept = _Kept()
