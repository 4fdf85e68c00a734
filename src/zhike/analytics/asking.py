"""One figure by one dimension, both chosen by the reader: what is offered to him, and the card that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.metrics import Dimension, Metric, is_own, metrics
from zhike.kernel.policy import Reach
from zhike.kernel.templatetags.zhike_ui import money, num, pct, wan_figure, wan_unit

from .card import Card, Figure, Head, Picker, Value, orders_url, query
from .compute import Key, MetricQuery, Row, Table
from .overview import ROWS, Picked, answer
from .own import filtered_by
from .queries import OVERVIEW, reach_of_fact
from .words import key_names, name_of

FIGURE = "orders.sales"  # where nothing was chosen
BY_LISTS: Mapping[str, str] = {
    "segment": "/customers/", "grade": "/customers/", "category": "/products/", "sub_category": "/products/",
    **dict.fromkeys(("region", "province", "city", "country", "channel", "owner", "team"), "/orders/"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was chosen, and whose rows answer it."""

    metric: Metric
    by: Dimension
    reach: Reach


def offered(actor: Actor) -> dict[str, tuple[Metric, list[Dimension]]]:
    """The figures that a reader may ask for, each with what may divide it; periods have cards of their own."""
    own = metrics.own()
    dimensions = [one for one in (*metrics.dimensions(), *own) if isinstance(one, Dimension) and not (one.unit and not is_own(one.name))]
    figures = [one for one in (*metrics, *own) if isinstance(one, Metric)]
    closed = {fact: reach_of_fact(actor, fact).closed for fact in {metric.fact for metric in figures}}
    found = {}
    for metric in figures:
        open_ones = [d for d in dimensions if _divides(d, metric) and not closed[metric.fact].intersection(d.tells)]
        tells = metric.tells if is_own(metric.name) else metrics.told_by(metric.name)
        if open_ones and not closed[metric.fact].intersection(tells):
            found[metric.name] = (metric, open_ones)
    return found


def _divides(dimension: Dimension, metric: Metric) -> bool:
    return dimension.name in metric.dimensions or metric.fact in dimension.divides


def asked(params: Mapping[str, str], actor: Actor) -> tuple[Asked, tuple[Picker, Picker]]:
    """What an address asks for, the company's own fields first where it says nothing; Refused("gone") when nothing is open."""
    choices = offered(actor)
    if not choices:
        raise Refused("gone", label=OVERVIEW)
    usual = FIGURE if FIGURE in choices else next(iter(choices))
    metric, dimensions = choices.get(params.get("figure", ""), choices[usual])
    first = next((d for d in dimensions if is_own(d.name)), dimensions[0])
    by = next((d for d in dimensions if d.name == params.get("by")), first)
    pickers = (
        Picker(name="figure", label=_("指标"), now=metric.name, options=_options(metric for metric, _by in choices.values())),
        Picker(name="by", label=_("按什么分"), now=by.name, options=_options(dimensions)),
    )
    return Asked(metric=metric, by=by, reach=reach_of_fact(actor, metric.fact)), pickers


def _options(those: Iterable[Metric | Dimension]) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, str(one.title)) for one in those)


def ask(chosen: Picked, params: Mapping[str, str], actor: Actor) -> Card:
    """The card: the largest values first, the others in one line."""
    one, pickers = asked(params, actor)
    span = chosen.span
    table = answer(
        MetricQuery(
            metrics=(one.metric.name,), by=(one.by.name,), start=span.start, end=span.end, scope=one.reach, sort=one.metric.name, total=True
        )
    )
    assert table.total is not None
    return Card(
        title=_("自己挑"), note=str(one.metric.formula_text), chart="rows", unit=_unit(one.metric), figure=_headline(one, table.total),
        legend=(), first=str(one.by.title), heads=_heads(one.metric), rows=_lines(one, table, chosen), pickers=pickers,
        kept=tuple(chosen.params.items()),
    )  # fmt: skip


def _is_sum(metric: Metric) -> bool:
    """Whether what is left out may be added up: not what is counted once in several groups, and no ratio."""
    return metric.over is None and metric.unit != "count"


def _unit(metric: Metric) -> str:
    return {"money": _("元"), "ratio": "%"}.get(metric.unit, "")


def _heads(metric: Metric) -> tuple[Head, ...]:
    main = Head(name=str(metric.title), role="main")
    return (main,) if metric.over else (main, Head(name=_("占比 %"), role="note"))


def _headline(one: Asked, total: Row) -> Figure:
    value = total.values[0]
    is_share = one.metric.unit == "ratio"
    figure = pct(value, 1).rstrip("%") if is_share else wan_figure(value)
    unit = "%" if is_share else wan_unit(value)
    return Figure(label="", figure=figure or "—", unit=unit, full=_shown(one.metric, value), note=str(one.metric.title), tone="", url="")


def _lines(one: Asked, table: Table, chosen: Picked) -> tuple[tuple[str, str, tuple[Value, ...]], ...]:
    names, total = key_names(table, 0), table.total.values[0] if table.total else None
    rows = [
        (name_of(names, row.keys[0]), door(one.by, row.keys[0], chosen), _values(one.metric, row.values[0], total))
        for row in table.rows[:ROWS]
    ]
    others = table.rows[ROWS:]
    if others:
        rest = sum((row.values[0] or Decimal(0) for row in others), Decimal(0)) if _is_sum(one.metric) else None
        rows.append((_("其余 %(count)s 个") % {"count": len(others)}, "", _values(one.metric, rest, total)))
    return tuple(rows)


def _values(metric: Metric, value: Decimal | None, total: Decimal | None) -> tuple[Value, ...]:
    exact = "" if value is None else f"{value * 100 if metric.unit == 'ratio' else value:f}"
    main = Value(exact=exact, shown=_shown(metric, value))
    if metric.over:
        return (main,)
    share = pct(value / total, 1).rstrip("%") if total and value is not None else ""
    return main, Value(exact=share, shown=share)


def _shown(metric: Metric, value: Decimal | None) -> str:
    if value is None:
        return "—"
    if metric.unit == "ratio":
        return str(pct(value, 1))
    return str(money(value) if metric.unit == "money" else num(value))


def door(by: Dimension, key: Key, chosen: Picked) -> str:
    """The list that a value opens, where that list can be filtered by it."""
    if key in (None, ""):
        return ""
    word = str(key).lower() if isinstance(key, bool) else str(key)
    path, name = filtered_by(by) if is_own(by.name) else (BY_LISTS.get(by.name, ""), by.name)
    if path == "/orders/":
        return orders_url(chosen.span, **{f"{name}__in": word})
    return f"{path}{query({f'{name}.in': word})}" if path else ""
