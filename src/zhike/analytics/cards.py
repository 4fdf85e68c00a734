"""The cards of the overview: a headline figure, a chart with its table, and a door behind each figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.metrics import metrics
from zhike.kernel.policy import Reach
from zhike.kernel.templatetags.zhike_ui import money, num, page_language, pct, wan_figure, wan_unit

from .card import Card, Figure, Head, Value, Words, orders_url, query
from .compute import Key, Table
from .overview import Bucket, Picked, Span, buckets, cut, first_told, totals
from .periods import period_of
from .words import key_names, name_of

PLACES = ("region", "province", "city", "country")


CARDS: tuple[tuple[str, Words], ...] = (
    ("sales", gettext_lazy("销售额")),
    ("orders", gettext_lazy("订单数")),
    ("buyers", gettext_lazy("老客户和新客户")),
    ("places", gettext_lazy("按地区")),
    ("categories", gettext_lazy("按产品类别")),
    ("segments", gettext_lazy("按客户价值")),
)
# What each card is made of; without one of it there is no card.
NEEDS: dict[str, tuple[str, ...]] = {
    "sales": ("orders.sales",),
    "orders": ("orders.count", "orders.average"),
    "buyers": ("customers.returning_buyers", "customers.new_buyers"),
    "places": ("orders.sales",),
    "categories": ("orders.sales",),
    "segments": ("orders.sales", "segment"),
}
BY_CATEGORY = ("category", "sub_category")


def cards_for(reach: Reach) -> list[tuple[str, Words]]:
    """The cards whose figures the reader may see."""
    divided = {"places": _open(PLACES, reach), "categories": _open(BY_CATEGORY, reach)}
    return [(name, title) for name, title in CARDS if metrics.are_open(NEEDS[name], reach.closed) and divided.get(name, True)]


def _open(names: tuple[str, ...], reach: Reach) -> tuple[str, ...]:
    return tuple(name for name in names if metrics.are_open((name,), reach.closed))


def compared_words(chosen: Picked) -> str:
    """去年同期, 上一期 …, to stand after 比."""
    if chosen.vs == "year":
        return _("去年同期")
    return {"month": _("上月"), "quarter": _("上季"), "half_year": _("上个半年"), "year": _("上一年")}.get(chosen.kind, _("前一段"))


def change_words(now: Decimal | None, past: Decimal | None, chosen: Picked) -> tuple[str, str]:
    """How a figure changed in words, and its tone; nothing to compare with is said too."""
    than = compared_words(chosen)
    if now is None or not past:
        return (_("%(than)s没有") % {"than": than}, "") if now is not None else ("", "")
    change = (now - past) / abs(past)
    words = _("比%(than)s多 %(share)s") if change > 0 else _("比%(than)s少 %(share)s")
    if not change:
        return _("和%(than)s一样") % {"than": than}, ""
    return words % {"than": than, "share": pct(abs(change), 1)}, "up" if change > 0 else "down"


def _points(now: Decimal | None, past: Decimal | None, chosen: Picked) -> tuple[str, str]:
    """How a share changed, in points: a share of a share says nothing."""
    if now is None or past is None:
        return "", ""
    change = (now - past) * 100
    than = {"than": compared_words(chosen), "points": num(abs(change), 1)}
    if not round(change, 1):
        return _("和%(than)s一样") % than, ""
    return (_("比%(than)s高 %(points)s 个点") if change > 0 else _("比%(than)s低 %(points)s 个点")) % than, "up" if change > 0 else "down"


def headline(chosen: Picked, reach: Reach) -> list[Figure]:
    """The figures above the cards."""
    known = ("orders.sales", "orders.count", "orders.average", "customers.buyers", "customers.repeat_rate", "orders.profit")
    words = (_("销售额"), _("订单数"), _("客单价"), _("购买客户"), _("复购率"), _("利润"))
    labels = [label for name, label in zip(known, words, strict=True) if metrics.are_open((name,), reach.closed)]
    names = _open(known, reach)
    now, past = totals(chosen, reach, *names)
    door = orders_url(chosen.span)
    found = []
    for name, label, value, before in zip(names, labels, now, past, strict=True):
        if name == "orders.profit" and value is None:
            continue
        is_share = name.endswith("rate")
        note, tone = (_points if is_share else change_words)(value, before, chosen)
        found.append(
            Figure(
                label=label, figure=pct(value, 1).rstrip("%") if is_share else wan_figure(value) or "—", unit="%" if is_share else wan_unit(value),
                full=num(value), note=note, tone=tone, url=door,
            )
        )  # fmt: skip
    return found


def _figure(value: Decimal | None, past: Decimal | None, chosen: Picked) -> Figure:
    note, tone = change_words(value, past, chosen)
    return Figure(
        label="", figure=wan_figure(value) or "—", unit=wan_unit(value), full=num(value), note=note, tone=tone,
        url=orders_url(chosen.span),
    )  # fmt: skip


def _now_past(chosen: Picked) -> tuple[str, str]:
    if chosen.kind == "year":
        is_this = chosen.span.end.year == timezone.localdate().year
        return (_("今年"), _("去年")) if is_this else (str(chosen.span.end.year), str(chosen.past.end.year))
    return _("本期"), compared_words(chosen)


def _legend(chosen: Picked) -> tuple[tuple[str, str], ...]:
    now, past = _now_past(chosen)
    return ("", now), ("c3", past)


def _sales(chosen: Picked, reach: Reach) -> Card:
    found = buckets(chosen, reach, "orders.sales")
    (now,), (past,) = totals(chosen, reach, "orders.sales")
    return Card(
        title=_("销售额"), note=_("元，减去退货"), chart="bars", unit=_("元"), figure=_figure(now, past, chosen), legend=_legend(chosen),
        first=unit_words(chosen.unit), heads=_two(chosen), rows=tuple(_pair(bucket, 0, _money) for bucket in found),
    )  # fmt: skip


def _orders(chosen: Picked, reach: Reach) -> Card:
    found = buckets(chosen, reach, "orders.count", "orders.average")
    (now,), (past,) = totals(chosen, reach, "orders.count")
    rows = tuple(
        (label, url, (*values, _money(bucket.now[1]))) for bucket, (label, url, values) in ((b, _pair(b, 0, _count)) for b in found)
    )
    return Card(
        title=_("订单数"), note=_("单"), chart="bars", unit=_("单"), legend=_legend(chosen),
        figure=_figure(now, past, chosen),
        first=unit_words(chosen.unit), heads=(*_two(chosen), Head(name=_("客单价"), role="skip")), rows=rows,
    )  # fmt: skip


def _buyers(chosen: Picked, reach: Reach) -> Card:
    names = ("customers.returning_buyers", "customers.new_buyers")
    found = buckets(chosen, reach, *names)
    (old, new), (old_before, new_before) = totals(chosen, reach, *names)
    share, before = _part(old, new), _part(old_before, new_before)
    note = (
        _("老客户占比，%(than)s %(share)s") % {"than": compared_words(chosen), "share": pct(before)}
        if before is not None
        else _("老客户占比")
    )
    figure = Figure(
        label="", figure=pct(share).rstrip("%") or "—", unit="%" if share is not None else "", full=num(old), note=note, tone="",
        url=orders_url(chosen.span),
    )  # fmt: skip
    rows = []
    for bucket in found:
        door = f"/analytics/overview/new-buyers?start={bucket.span.start}&end={bucket.span.end}"
        fresh = _count(bucket.now[1])
        values = (_count(bucket.now[0]), Value(exact=fresh.exact, shown=fresh.shown, url=door))
        rows.append((label_of(bucket), orders_url(bucket.span), values))
    return Card(
        title=_("老客户和新客户"), note=_("有购买的，家"), chart="stack", unit=_("家"), figure=figure,
        legend=(("", _("老客户")), ("c3", _("新客户"))), first=unit_words(chosen.unit),
        heads=(Head(name=_("老客户"), role="main"), Head(name=_("新客户"), role="past")), rows=tuple(rows),
    )  # fmt: skip


def _part(part: Decimal | None, rest: Decimal | None) -> Decimal | None:
    whole = (part or 0) + (rest or 0)
    return (part or Decimal(0)) / whole if whole else None


def _places(chosen: Picked, reach: Reach) -> Card:
    table = first_told(chosen, reach, "orders.sales", _open(PLACES, reach))
    name = table.by[0].name
    return _ranked(chosen, table, _("按地区"), lambda key: orders_url(chosen.span, **{f"{name}__in": str(key)}) if key else "")


def _categories(chosen: Picked, reach: Reach) -> Card:
    table = first_told(chosen, reach, "orders.sales", _open(BY_CATEGORY, reach))
    name = table.by[0].name
    return _ranked(chosen, table, _("按产品类别"), lambda key: f"/products/?{name}.in={key}" if key else "")


def _segments(chosen: Picked, reach: Reach) -> Card:
    table = first_told(chosen, reach, "orders.sales", ("segment",))
    return _ranked(chosen, table, _("按客户价值"), lambda key: f"/customers/?segment.in={key}&sort=-sales" if key else "")


def _ranked(chosen: Picked, table: Table, title: str, door: Callable[[Key], str]) -> Card:
    rows, rest, others = cut(table)
    total = sum((row.values[0] or Decimal(0) for row in table.rows), Decimal(0))
    names = key_names(table, 0)
    drawn = [(name_of(names, row.keys[0]), door(row.keys[0]), row.values[0] or Decimal(0)) for row in rows]
    if others:
        drawn.append((_("其余 %(count)s 个") % {"count": others}, "", rest))
    lines = tuple((name, url, (_money(value), _share(value, total))) for name, url, value in drawn)
    top = drawn[0] if drawn else None
    figure = None
    if top and total:
        note = _("%(name)s，占销售额") % {"name": top[0]}
        figure = Figure(label="", figure=pct(top[2] / total).rstrip("%"), unit="%", full=money(top[2]), note=note, tone="", url=top[1])
    return Card(
        title=title, note=_("销售额，元"), chart="rows", unit=_("元"), figure=figure, legend=(), first=str(table.by[0].title),
        heads=(Head(name=_("销售额"), role="main"), Head(name=_("占比 %"), role="note")), rows=lines,
    )  # fmt: skip


DRAW: dict[str, Callable[[Picked, Reach], Card]] = {
    "sales": _sales, "orders": _orders, "buyers": _buyers, "places": _places, "categories": _categories, "segments": _segments,
}  # fmt: skip


def unit_words(unit: str) -> str:
    """Name of the first column of a table by time."""
    return {"day": _("日"), "week": _("周"), "month": _("月"), "year": _("年")}[unit]


def label_of(bucket: Bucket) -> str:
    """1月, 11-05, 2024: short, for the axis."""
    day = bucket.span.start
    if bucket.kind == "year":
        return str(day.year)
    if bucket.kind == "month":
        return f"{day.month}月" if page_language() == "zh" else f"{day:%b}"
    return f"{day.month}-{day.day:02d}"


def _two(chosen: Picked) -> tuple[Head, ...]:
    now, past = _now_past(chosen)
    return Head(name=now, role="main"), Head(name=past, role="past")


def _pair(bucket: Bucket, at: int, draw: Callable[[Decimal | None], Value]) -> tuple[str, str, tuple[Value, ...]]:
    past = draw(bucket.past[at]) if bucket.past else Value(exact="", shown="")
    return label_of(bucket), orders_url(bucket.span), (draw(bucket.now[at]), past)


def _money(value: Decimal | None) -> Value:
    return Value(exact=f"{value or 0:f}", shown=money(value or 0))


def _count(value: Decimal | None) -> Value:
    return Value(exact=f"{value or 0:f}", shown=num(value or 0))


def _share(value: Decimal, total: Decimal) -> Value:
    share = pct(value / total).rstrip("%") if total else ""
    return Value(exact=share, shown=share)


def picker(chosen: Picked, today: dt.date) -> dict[str, object]:
    """Tabs of the period's length, the step back and forward, and the choices of comparison."""
    names = (("month", _("月")), ("quarter", _("季")), ("half_year", _("半年")), ("year", _("年")))
    end = chosen.span.end
    tabs = [(label, query({"kind": kind, "at": period_of(end, kind).code, "vs": chosen.vs}), kind == chosen.kind) for kind, label in names]
    steps = {}
    if chosen.period:
        for name, count in (("back", -1), ("forward", 1)):
            period = chosen.period.shifted(count)
            if period.start <= today:
                steps[name] = query({"kind": chosen.kind, "at": period.code, "vs": chosen.vs})
    return {"tabs": tabs, "steps": steps, "days": span_words(chosen.span), "past_days": span_words(chosen.past), **_versus(chosen)}


def _versus(chosen: Picked) -> dict[str, object]:
    choices: Iterable[tuple[str, str]] = (("year", _("去年同期")), ("previous", _("前一期")))
    listed = [(label, query(chosen.params | {"vs": vs}), vs == chosen.vs) for vs, label in choices]
    return {"versus": listed, "versus_label": next(label for label, _url, is_current in listed if is_current)}


def span_words(span: Span) -> str:
    """2026年1月1日 – 11月20日."""
    if page_language() == "zh":
        head = f"{span.start.year}年{span.start.month}月{span.start.day}日"
        year = "" if span.start.year == span.end.year else f"{span.end.year}年"
        return f"{head} – {year}{span.end.month}月{span.end.day}日"
    return f"{span.start:%b} {span.start.day}, {span.start.year} – {span.end:%b} {span.end.day}, {span.end.year}"
