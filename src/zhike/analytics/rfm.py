"""RFM: how recently, how often and for how much each customer buys, as scores from 1 to 5 and eight segments.

Recency is days from the last purchase to `as_of`; frequency the number of orders with something sold; monetary net
sales; the last two within the window. With quintiles customers are ranked and cut into five groups of equal size
(ties by customer code, then id, ascending: the later one counts as better). With bands the limits are given.
A score is high from `high` (4) on. Segments: recency, frequency and money high or low in the order of `SEGMENTS`.
Expressions only, so DuckDB and Spark give the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zhike.kernel.errors import Refused
from zhike.kernel.later import Later

from .facts import Facts

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
else:
    ibis, pa = Later("ibis"), Later("pyarrow")

SCORES = 5
# segment number: (recency, frequency, money is high)
SEGMENTS: dict[int, tuple[bool, bool, bool]] = {
    1: (True, True, True),
    2: (True, False, True),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, True, False),
    6: (True, False, False),
    7: (False, True, False),
    8: (False, False, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Four limits each, for the scores 5 to 2: days at most (rising), orders and money (yuan) at least (falling)."""

    recency: tuple[int, int, int, int]
    frequency: tuple[int, int, int, int]
    monetary: tuple[Decimal, Decimal, Decimal, Decimal]

    def __post_init__(self) -> None:
        """Refused("bands_not_in_order")."""
        rising: tuple[tuple[int | Decimal, ...], ...] = (self.recency, self.frequency[::-1], self.monetary[::-1])
        if any(not low < high for limits in rising for low, high in pairwise(limits)):
            raise Refused("bands_not_in_order")


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmRule:
    """As of which day (included), over how many days (None: all), cut by `bands` or by quintiles, what is high."""

    as_of: dt.date
    days: int | None = 365
    bands: Bands | None = None
    high: int = 4

    def __post_init__(self) -> None:
        """Refused("rfm_rule_invalid")."""
        if not 2 <= self.high <= SCORES or (self.days is not None and self.days < 1):
            raise Refused("rfm_rule_invalid", high=self.high, days=self.days)

    @property
    def start(self) -> dt.date | None:
        """First day of the window; None when all days count."""
        return None if self.days is None else self.as_of - dt.timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLine:
    """One segment: customers and net sales (yuan), both with their share (0 to 1, four places), sales a customer."""

    segment: int
    customers: int
    share: Decimal
    sales: Decimal
    sales_share: Decimal
    average: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """Customers and net sales (yuan) of one recency and frequency score."""

    r: int
    f: int
    customers: int
    sales: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How many customers went from one segment to another; 0 stands for none (had not bought, or no longer counts)."""

    before: int
    after: int
    customers: int


def scored(facts: Facts, rule: RfmRule) -> Any:
    """Ibis table of customers who bought in the window: customer_id, code, recency_days, frequency, monetary
    (ten-thousandths), r, f, m, segment."""
    people = _measured(facts, rule)
    cut = _banded(people, rule.bands) if rule.bands else _ranked(people)
    high_r, high_f, high_m = (cut[name] >= rule.high for name in "rfm")
    segment = high_m.ifelse(1, 5) + high_r.ifelse(0, 2) + high_f.ifelse(0, 1)
    return cut.mutate(segment=segment.cast("int16")).select(
        "customer_id", "code", "recency_days", "frequency", "monetary", "r", "f", "m", "segment"
    )


def score(facts: Facts, rule: RfmRule) -> pa.Table:
    """The scores worked out, as an Arrow table with the columns of `scored`, in no order."""
    return scored(facts, rule).to_pyarrow()


def _measured(facts: Facts, rule: RfmRule) -> Any:
    sales: Any = facts.sales
    inside = [sales.customer_id.notnull(), sales.day <= ibis.literal(rule.as_of)]
    if rule.start is not None:
        inside.append(sales.day >= ibis.literal(rule.start))
    lines = sales.filter(*inside)
    people = lines.group_by("customer_id").aggregate(
        last_day=lines.day.max(where=lines.gross > 0), frequency=lines.first_sale.sum(), monetary=lines.sales.sum()
    )
    people = people.filter(people.frequency > 0)
    names: Any = facts.customers
    names = names.select(known_id=names.customer_id, known_code=names.code)
    people = people.left_join(names, people.customer_id == names.known_id)
    return people.mutate(code=people.known_code.fill_null(""), recency_days=ibis.literal(rule.as_of).delta(people.last_day, unit="day"))


def _ranked(people: Any) -> Any:
    ties = (people.code.asc(), people.customer_id.asc())
    keys = {"r": people.recency_days.desc(), "f": people.frequency.asc(), "m": people.monetary.asc()}
    orders = {name: ibis.window(order_by=[key, *ties]) for name, key in keys.items()}
    # ntile counts from 0; the first fifth is the worst
    return people.mutate(**{name: (ibis.ntile(SCORES).over(order) + 1).cast("int16") for name, order in orders.items()})


def _banded(people: Any, bands: Bands) -> Any:
    money = tuple(int((limit * 10000).to_integral_value()) for limit in bands.monetary)
    cuts = {
        "r": [people.recency_days <= limit for limit in bands.recency],
        "f": [people.frequency >= limit for limit in bands.frequency],
        "m": [people.monetary >= limit for limit in money],
    }
    return people.mutate(
        **{n: ibis.cases(*zip(tests, range(SCORES, 1, -1), strict=True), else_=1).cast("int16") for n, tests in cuts.items()}
    )


def summary(scores: pa.Table) -> tuple[SegmentLine, ...]:
    """All eight segments in their order, also the empty ones."""
    found = _sums(scores, ["segment"])
    people = sum(count for count, _ in found.values())
    money = sum((sales for _, sales in found.values()), Decimal(0))
    lines = []
    for segment in SEGMENTS:
        count, sales = found.get((segment,), (0, Decimal(0)))
        lines.append(
            SegmentLine(
                segment=segment,
                customers=count,
                share=_part(Decimal(count), Decimal(people)),
                sales=sales,
                sales_share=_part(sales, money),
                average=_part(sales, Decimal(count)),
            )
        )
    return tuple(lines)


def heat(scores: pa.Table) -> tuple[HeatCell, ...]:
    """All 25 cells, recency 5 to 1 and in it frequency 1 to 5."""
    found = _sums(scores, ["r", "f"])
    nothing = (0, Decimal(0))
    return tuple(
        HeatCell(r=r, f=f, customers=found.get((r, f), nothing)[0], sales=found.get((r, f), nothing)[1])
        for r in range(SCORES, 0, -1)
        for f in range(1, SCORES + 1)
    )


def movement(before: pa.Table, after: pa.Table) -> tuple[Move, ...]:
    """From which segment to which, by two tables with customer_id and segment (0 is as good as absent); in order."""
    old = before.select(["customer_id", "segment"]).rename_columns(["customer_id", "before"])
    new = after.select(["customer_id", "segment"]).rename_columns(["customer_id", "after"])
    both = old.join(new, "customer_id", join_type="full outer").group_by(["before", "after"]).aggregate([([], "count_all")])
    counts: dict[tuple[int, int], int] = {}
    for line in both.to_pylist():
        key = (line["before"] or 0, line["after"] or 0)
        counts[key] = counts.get(key, 0) + line["count_all"]
    return tuple(Move(before=b, after=a, customers=n) for (b, a), n in sorted(counts.items()) if b or a)


def _sums(scores: pa.Table, keys: list[str]) -> dict[tuple[int, ...], tuple[int, Decimal]]:
    sums = scores.group_by(keys).aggregate([([], "count_all"), ("monetary", "sum")])
    return {tuple(line[key] for key in keys): (line["count_all"], Decimal(line["monetary_sum"]).scaleb(-4)) for line in sums.to_pylist()}


def _part(top: Decimal, bottom: Decimal) -> Decimal:
    return (top / bottom).quantize(Decimal("0.0001"), ROUND_HALF_UP) if bottom else Decimal(0)
