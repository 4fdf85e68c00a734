"""Metrics and dimensions: declared once, read by reports, dashboards, plans, alerts and the API.

Formulas take an Ibis table and give an Ibis value, so the same declaration runs on every engine. They are typed
loosely because Ibis gives a column its type only when the expression is bound; this module does not load Ibis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .errors import Refused
from .veil import CUSTOM

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Formula = Callable[[Any], Any]
Unit = Literal["money", "quantity", "count", "ratio"]
Kind = Literal["text", "number", "period", "yes_no", "choice", "user", "team", "product"]
SCALED: frozenset[Unit] = frozenset({"money", "quantity"})  # kept in the lake as whole ten-thousandths


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A way to divide a fact: a column of it or of a table joined to it, or an expression (`key`) over it.

    `fine` says that one record of the metric's grain can fall into several values (an order into several
    categories); `label` names a column that is shown in place of the key, `choices` what keys are called.
    A period has its `unit`. `divides` names facts whose metrics it divides without being named by them.
    """

    name: str
    title: StrOrPromise
    fact: str
    column: str = ""
    key: Formula | None = None
    label: str = ""
    kind: Kind = "text"
    fine: bool = False
    tells: tuple[str, ...] = ()  # fields ("label.field") that its values are
    choices: tuple[tuple[Any, StrOrPromise], ...] = ()
    unit: str = ""
    divides: frozenset[str] = frozenset()

    def of(self, rows: Any) -> Any:
        """The value of this dimension for each row of an Ibis table."""
        return self.key(rows) if self.key else rows[self.column]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure with one meaning: unit, grain, formula for the machine and in words, and what may divide it.

    Money and quantity formulas give whole ten-thousandths. Exactly one form is given:
    `formula` over the rows; `formula` over groups, when `per` names the columns to group by first and `each` what is
    counted in every group (column `each`); or `over`, a ratio of two other metrics divided exactly.
    `quick` gives the same figure faster where no fine dimension is used. `counted` keeps the rows that the figure
    stands for, so that it can be opened. `joins` names tables that the formula needs beside its fact.
    """

    name: str
    title: StrOrPromise
    unit: Unit
    grain: str
    fact: str
    formula_text: StrOrPromise
    dimensions: tuple[str, ...]
    formula: Formula | None = None
    quick: Formula | None = None
    per: tuple[str, ...] = ()
    each: Formula | None = None
    quick_each: Formula | None = None
    over: tuple[str, str] | None = None
    counted: Formula | None = None
    joins: tuple[str, ...] = ()
    decimals: int = 0
    column: str = ""  # of the fact, where the formula reads one that may not be there
    tells: tuple[str, ...] = ()  # fields ("label.field") that the figure is made of

    def __post_init__(self) -> None:
        """ValueError when the metric has not exactly one form."""
        if (self.formula is None) == (self.over is None) or bool(self.per) != (self.each is not None):
            raise ValueError(f"{self.name} needs either a formula or a ratio, and `per` together with `each`.")


Own = Callable[[], Iterable[Metric | Dimension]]


def is_own(name: str) -> bool:
    """Whether a metric or dimension of this name is made of a company's own field: `customer.cf_industry`."""
    return f".{CUSTOM}" in name


class Registry:
    """Metrics and dimensions by name, in the order they were declared; behind them those of a company's own fields."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._dimensions: dict[str, Dimension] = {}
        self._own: list[Own] = []

    def offer(self, own: Own) -> None:
        """Ask `own` for what is made of the own fields of the company at hand, whenever such a name is used."""
        self._own.append(own)

    def own(self) -> list[Metric | Dimension]:
        """What the company at hand has beside the product's own."""
        return [one for ask in self._own for one in ask()]

    def _named(self, name: str) -> Metric | Dimension | None:
        return next((one for one in self.own() if one.name == name), None) if is_own(name) else None

    def add(self, *declared: Metric | Dimension) -> None:
        """Register; ValueError for a name declared twice or a metric that names something unknown."""
        for one in declared:
            known: dict[str, Any] = self._metrics if isinstance(one, Metric) else self._dimensions
            if one.name in known:
                raise ValueError(f"{one.name} is declared twice.")
            if isinstance(one, Metric):
                self._check(one)
            known[one.name] = one

    def _check(self, metric: Metric) -> None:
        missing = [name for name in metric.dimensions if name not in self._dimensions]
        missing += [name for name in metric.over or () if name not in self._metrics]
        if missing:
            raise ValueError(f"{metric.name} names what is not declared: {', '.join(missing)}.")

    def get(self, name: str) -> Metric:
        """The metric; Refused("metric_unknown")."""
        found = self._metrics.get(name) or self._named(name)
        if not isinstance(found, Metric):
            raise Refused("metric_unknown", name=name)
        return found

    def dimension(self, name: str) -> Dimension:
        """The dimension; Refused("dimension_unknown")."""
        found = self._dimensions.get(name) or self._named(name)
        if not isinstance(found, Dimension):
            raise Refused("dimension_unknown", name=name)
        return found

    def are_open(self, names: Iterable[str], closed: frozenset[str]) -> bool:
        """Whether metrics and dimensions of these names tell none of the closed fields."""
        return not any(closed.intersection(self.told_by(name)) for name in names) if closed else True

    def told_by(self, name: str) -> frozenset[str]:
        """The fields that a metric (with those it is a ratio of) or a dimension tells."""
        found = self._metrics.get(name) or self._named(name) or self.dimension(name)
        over = found.over or () if isinstance(found, Metric) else ()
        return frozenset(found.tells).union(*(self.told_by(part) for part in over))

    def told(self) -> frozenset[str]:
        """Every field that some figure tells."""
        every = (*self._metrics.values(), *self._dimensions.values(), *self.own())
        return frozenset().union(*(one.tells for one in every))

    def dimensions(self) -> tuple[Dimension, ...]:
        """Those that the product declares."""
        return tuple(self._dimensions.values())

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics.values())


metrics = Registry()
