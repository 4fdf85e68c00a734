"""Filters as they stand in an address (`city.in=苏州,无锡`, `sales.ge=50000`), as rows, and as words."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from ..actor import Actor
from ..errors import Refused
from ..policy import shares_of
from ..spec import Filter, ObjectSpec, Words
from ..text.spans import span

OPERATORS = ("is", "in", "not", "ge", "le", "between", "within", "before", "this", "last", "none", "any")  # of the product's own filters
VALUELESS = ("none", "any", "twice")
LARGEST = Decimal(10) ** 14  # what an amount column can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One filter that a reader set: its declaration, the operator and the values as typed."""

    filter: Filter
    op: str
    values: tuple[str, ...]

    @property
    def param(self) -> str:
        return f"{self.filter.name}.{self.op}"

    @property
    def text(self) -> str:
        return ",".join(self.values)


def chosen_from(spec: ObjectSpec, params: Mapping[str, str]) -> list[Chosen]:
    """The filters named in an address; unknown names and operators raise Refused("unknown_filter")."""
    found = []
    for key, value in params.items():
        name, dot, op = key.partition(".")
        if not dot:
            continue
        declared = spec.filter(name)
        if declared is None or op not in (declared.ops or OPERATORS):
            raise Refused("unknown_filter", name=key)
        values = tuple(v.strip() for v in value.split(",") if v.strip())
        if values or op in VALUELESS:
            found.append(Chosen(filter=declared, op=op, values=values))
    return found


def condition(chosen: Chosen, actor: Actor) -> Q:
    """The rows that one filter keeps; Refused("filter_value") when a value is not of its kind."""
    if chosen.filter.build is not None:
        return chosen.filter.build(chosen.op, chosen.values)
    if chosen.filter.where is not None:
        return chosen.filter.where(chosen.op, chosen.values, actor)
    return _KINDS[chosen.filter.kind](chosen, actor)


def _choice(chosen: Chosen, actor: Actor) -> Q:
    del actor
    path = chosen.filter.column
    if chosen.op == "none":
        return Q(**{path: ""})
    if chosen.op == "any":
        return ~Q(**{path: ""})
    keep = Q(**{f"{path}__in": list(chosen.values)})
    return ~keep if chosen.op == "not" else keep


def _number_choice(chosen: Chosen, actor: Actor) -> Q:
    del actor
    path = chosen.filter.column
    if chosen.op in ("none", "any"):
        return Q(**{path: 0}) if chosen.op == "none" else ~Q(**{path: 0})
    try:
        keep = Q(**{f"{path}__in": [int(v) for v in chosen.values]})
    except ValueError as wrong:
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text) from wrong
    return ~keep if chosen.op == "not" else keep


def _person(chosen: Chosen, actor: Actor) -> Q:
    path = chosen.filter.column
    if chosen.op in ("none", "any"):
        return Q(**{f"{path}__isnull": chosen.op == "none"})
    try:
        ids = [actor.user_id if v == "me" else int(v) for v in chosen.values]
    except ValueError as wrong:
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text) from wrong
    keep = Q(**{f"{path}__in": ids})
    return ~keep if chosen.op == "not" else keep


def _range(chosen: Chosen, actor: Actor) -> Q:
    del actor
    path = chosen.filter.column
    if chosen.op in ("none", "any"):
        return Q(**{f"{path}__isnull": chosen.op == "none"})
    numbers = [_number(chosen, text) for text in chosen.values]
    if len(numbers) != (2 if chosen.op == "between" else 1) or chosen.op not in ("ge", "le", "is", "in", "not", "between"):
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text)
    if chosen.op == "between":
        return Q(**{f"{path}__gte": min(numbers), f"{path}__lte": max(numbers)})
    look = {"ge": "__gte", "le": "__lte"}.get(chosen.op, "")
    keep = Q(**{f"{path}{look}": numbers[0]})
    return ~keep if chosen.op == "not" else keep


def _number(chosen: Chosen, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as wrong:
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text) from wrong
    if not number.is_finite() or abs(number) >= LARGEST:
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text)
    return number


def _dates(chosen: Chosen, actor: Actor) -> Q:
    """Days are those of the company's time zone; `within` and `before` count whole days back from today."""
    del actor
    path = chosen.filter.column
    if chosen.op == "none":
        return Q(**{f"{path}__lt": EARLY}) | Q(**{f"{path}__isnull": True})
    if chosen.op == "any":
        return Q(**{f"{path}__gte": EARLY})
    try:
        start, end = span(chosen.op, chosen.values, timezone.localdate())
    except (ValueError, OverflowError, IndexError, KeyError) as wrong:
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text) from wrong
    keep = Q(**{f"{path}__gte": midnight(start) if start else EARLY})
    return keep & Q(**{f"{path}__lt": midnight(end)}) if end else keep


EARLY = dt.datetime(1971, 1, 1, tzinfo=dt.UTC)  # earlier means: never
_KINDS: dict[str, Callable[[Chosen, Actor], Q]] = {
    "choice": _choice,
    "number": _number_choice,
    "person": _person,
    "range": _range,
    "dates": _dates,
    "shared": lambda chosen, actor: _shared(chosen, actor),
}


def midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def shared_filter() -> Filter:
    """Records that were shared with the reader, or with a team of his."""
    return Filter(name="shared", label=_lazy("共享"), kind="shared", path="id", choices=lambda: [("me", _("共享给我的"))])


def _shared(chosen: Chosen, actor: Actor) -> Q:
    if chosen.op not in ("is", "in") or chosen.values != ("me",):
        raise Refused("filter_value", name=chosen.filter.name, value=chosen.text)
    return Q(pk__in=shares_of(actor, "view"))


def batch_filter() -> Filter:
    """Records that one import made; set by links from the import's page, not offered in the menu."""
    return Filter(name="batch", label=_lazy("导入批次"), build=_of_batch, in_menu=False)


def _of_batch(op: str, values: tuple[str, ...]) -> Q:
    del op
    try:
        return Q(batch_id__in=[uuid.UUID(value) for value in values])
    except ValueError as wrong:
        raise Refused("filter_value", name="batch", value=",".join(values)) from wrong


SPANS: dict[tuple[str, str], Words] = {
    ("this", "day"): _lazy("今天"),
    ("this", "week"): _lazy("本周"),
    ("this", "month"): _lazy("本月"),
    ("this", "quarter"): _lazy("本季度"),
    ("this", "year"): _lazy("今年"),
    ("last", "day"): _lazy("昨天"),
    ("last", "week"): _lazy("上周"),
    ("last", "month"): _lazy("上月"),
    ("last", "quarter"): _lazy("上季度"),
    ("last", "year"): _lazy("去年"),
}


def operators(item: Filter, *, may_be_empty: bool) -> list[str]:
    """What can be asked of a filter, in the order in which it is offered."""
    if item.ops:
        return [op for op in item.ops if op not in item.unoffered]
    if item.kind == "shared":
        return ["in"]
    if item.build is not None or item.kind in ("choice", "number", "person"):
        return ["in", "not", "any", "none"]
    if item.kind == "range":
        return ["ge", "le", "between", "is", "not", *(["any", "none"] if may_be_empty else [])]
    return ["within", "before", "this", "last", "between", "ge", "le", "is", "any", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter in words: 负责人 是 我."""

    label: str
    verb: str
    value: str
    param: str
    text: str


def chips(chosen: Iterable[Chosen], names: Callable[[Filter, Sequence[str]], list[str]]) -> list[Chip]:
    """The chosen filters in words; `names` puts stored values (ids, codes) into what a reader knows."""
    return [Chip(label=str(c.filter.label), verb=_verb(c), value=_value(c, names), param=c.param, text=c.text) for c in chosen]


def _verb(chosen: Chosen) -> str:
    words = {
        "is": _("是"),
        "in": _("在"),
        "not": _("不是"),
        "ge": "≥",
        "le": "≤",
        "between": _("在"),
        "this": _("是"),
        "last": _("是"),
        "within": _("在最近"),
        "before": _("早于"),
        "starts": _("开头是"),
        "twice": _("有重复"),
        "none": _("没有填"),
        "any": _("已填"),
    }
    if chosen.op == "in" and len(chosen.values) == 1:
        return words["is"]
    return words[chosen.op]


def _value(chosen: Chosen, names: Callable[[Filter, Sequence[str]], list[str]]) -> str:
    if chosen.op in VALUELESS:
        return ""
    if chosen.op == "within":
        return _("%(days)s 天") % {"days": chosen.values[0]}
    if chosen.op == "before":
        return _("%(days)s 天前") % {"days": chosen.values[0]}
    if chosen.op in ("this", "last"):
        return str(SPANS.get((chosen.op, chosen.values[0]), chosen.text))
    shown = names(chosen.filter, chosen.values)
    if chosen.op == "between":
        return _("%(from)s 到 %(to)s") % {"from": shown[0], "to": shown[-1]} + str(chosen.filter.unit)
    if len(shown) > 3:
        return _("%(first)s 等 %(count)s 个") % {"first": shown[0], "count": len(shown)}
    return _("、").join(shown) + str(chosen.filter.unit)
