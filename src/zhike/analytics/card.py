"""What a card of the overview is made of, and the doors behind its figures."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from zhike.kernel.screens.web import with_params

from .overview import Span

Words = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column of a card's table: its name, what it is to the chart, and its class."""

    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One figure of a table: exact for the chart, written for the reader, with its door."""

    exact: str
    shown: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A headline figure with its unit, how it changed, and its door."""

    label: Words
    figure: str
    unit: str
    full: str
    note: str
    tone: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picker:
    """A choice that the reader has on a card: name of the parameter, label, what is chosen, and (value, words)."""

    name: str
    label: str
    now: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All that the template of a card reads."""

    title: str
    note: str
    chart: str
    unit: str
    figure: Figure | None
    legend: tuple[tuple[str, str], ...]
    first: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, str, tuple[Value, ...]], ...]
    pickers: tuple[Picker, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()  # parameters that go along when something else is chosen

    @property
    def is_empty(self) -> bool:
        return not any(value.exact.strip("0.") for _label, _url, values in self.rows for value in values)


def query(params: dict[str, str]) -> str:
    """Parameters as the query part of an address."""
    return with_params(params)


def orders_url(span: Span, **more: str) -> str:
    """The orders that count in some days."""
    days = {"ordered_at.ge": span.start.isoformat(), "ordered_at.le": span.end.isoformat(), "status.not": "cancelled"}
    return f"/orders/{with_params(days | {name.replace('__', '.'): value for name, value in more.items()})}"
