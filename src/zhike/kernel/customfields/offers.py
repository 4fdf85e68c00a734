"""What an own field offers beside its value: a column, a filter, an order, a place on the page and in the form."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, In, LessThan, LessThanOrEqual
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.fielddefs import FieldDef
from zhike.kernel.models import Record
from zhike.kernel.spec import Column, Filter, Sort
from zhike.kernel.text.spans import span

from .catalogue import FIRST_DAY
from .kinds import arranged
from .sql import LOWEST, OwnSql, text_of

ALWAYS = ("none", "any", "twice")  # asked by links of the settings, also where no index serves them
LARGEST = Decimal(10) ** 14
NUMERIC = ("number", "money")
CELLS: Mapping[str, str] = {"number": "own_number", "money": "own_number"}


def column(field: FieldDef) -> Column:
    """The column of a list."""
    return Column(path=field.name, label=field.label, cell=CELLS.get(arranged(field).shown_as, "own"), phone="")


def sort(field: FieldDef) -> Sort | None:
    """The order by this field, once its indexes are there."""
    own = arranged(field)
    if not own.sort_sql:
        return None
    return Sort(key=field.name, label=field.label, sql=own.sort_sql, read=_reader_of(field))


def _reader_of(field: FieldDef) -> Callable[[str], Any]:
    own = arranged(field)
    if own.shown_as in NUMERIC:
        return _number_text
    if field.kind == "choice" or (field.kind == "formula" and own.shown_as == "date"):
        return int
    return str


def _number_text(text: str) -> Decimal:
    return Decimal(text)


def filter_of(field: FieldDef) -> Filter | None:
    """The filter; without an index it only answers what is empty, filled, or there twice."""
    kind = _filter_kind(field)
    if not kind:
        return None
    choices = [(choice.code, choice.label) for choice in arranged(field).choices]
    offered: Sequence[tuple[str, Any]] = [("true", _("是")), ("false", _("否"))] if _shown(field) == "yes_no" else choices
    return Filter(
        name=field.name,
        path=f"{field.name}" if kind in ("range", "dates") else f"{field.name}__word",
        label=field.label,
        kind=kind,
        choices=(lambda: offered) if offered else None,
        where=lambda op, values, actor: _where(field, op, values, actor),
        ops=_OPS[kind],
        unoffered=_UNOFFERED.get(kind, frozenset({"is", "twice"})),
        model=field.target if isinstance(field.target, type) and issubclass(field.target, Record) else None,
        names=_link_names(field) if kind == "link" else None,
        in_menu=bool(arranged(field).filter_sql),
    )


_OPS: Mapping[str, tuple[str, ...]] = {
    "text": ("in", "not", "starts", "any", "none", "is", "twice"),
    "choice": ("in", "not", "any", "none", "is", "twice"),
    "range": ("ge", "le", "between", "is", "not", "any", "none", "in", "twice"),
    "dates": ("within", "before", "this", "last", "between", "ge", "le", "is", "any", "none", "in", "twice"),
    "person": ("in", "not", "any", "none", "is", "twice"),
    "link": ("in", "not", "any", "none", "is", "twice"),
}
_UNOFFERED: Mapping[str, frozenset[str]] = {"range": frozenset({"in", "twice"}), "dates": frozenset({"in", "twice"})}


def _shown(field: FieldDef) -> str:
    return arranged(field).shown_as if field.kind == "formula" else field.kind


def _filter_kind(field: FieldDef) -> str:
    return {
        "text": "text", "number": "range", "money": "range", "date": "dates", "moment": "dates", "choice": "choice", "choices": "choice",
        "yes_no": "choice", "person": "person", "link": "link",
    }.get(_shown(field), "")  # fmt: skip


def _where(field: FieldDef, op: str, values: tuple[str, ...], actor: Actor) -> Q:
    """The rows that a filter keeps; Refused("filter_value"), or ("filter_not_ready") while no index serves it."""
    if op in ALWAYS and field.kind != "formula":
        return _always(field, op)
    own = arranged(field)
    if not own.filter_sql:
        raise Refused("filter_not_ready", name=str(field.label))
    if not values and op not in ALWAYS:
        raise _wrong(field, values)
    if field.kind == "choices":
        return _several(field, op, values)
    kind = _filter_kind(field)
    if kind == "range":
        return _range(field, op, values)
    if kind == "dates":
        return _days(field, op, values)
    return _words(field, op, values, actor)


def _wrong(field: FieldDef, values: Sequence[str]) -> Refused:
    return Refused("filter_value", name=str(field.label), value=",".join(values))


def _always(field: FieldDef, op: str) -> Q:
    own = arranged(field)
    if op == "twice":
        value = OwnSql(text_of(field.key), models.TextField())
        assert own.model is not None
        rows = own.model._default_manager.annotate(own_value=value).filter(own_value__isnull=False)
        twice = rows.values("own_value").annotate(n=models.Count("pk")).filter(n__gt=1).values("own_value")
        return Q(In(OwnSql(text_of(field.key), models.TextField()), twice))
    if own.filter_sql and field.kind != "choices":
        lowest: Any = _lowest() if field.kind in NUMERIC else ""
        key = _key(field)
        return Q(Exact(key, lowest)) if op == "none" else Q(GreaterThan(key, lowest))
    there = Q(custom__has_key=field.key)
    return there if op == "any" else ~there


def _lowest() -> OwnSql:
    """What the key of an empty number is."""
    return OwnSql(f"'{LOWEST}'::numeric", models.DecimalField())


def _key(field: FieldDef) -> OwnSql:
    own = arranged(field)
    numeric = own.shown_as in NUMERIC
    output: models.Field[Any, Any] = models.DecimalField(max_digits=60, decimal_places=20) if numeric else models.TextField()
    if field.kind == "formula" and own.shown_as == "date":
        output = models.IntegerField()
    return OwnSql(own.filter_sql, output)


def _range(field: FieldDef, op: str, values: tuple[str, ...]) -> Q:
    key, filled = _key(field), Q(GreaterThan(_key(field), _lowest()))
    if op in ALWAYS:
        return Q(Exact(key, _lowest())) if op == "none" else filled
    numbers = [_number(field, values, text) for text in values]
    if len(numbers) != (2 if op == "between" else 1):
        raise _wrong(field, values)
    if op == "between":
        return Q(GreaterThanOrEqual(key, min(numbers))) & Q(LessThanOrEqual(key, max(numbers)))
    if op == "ge":
        return Q(GreaterThanOrEqual(key, numbers[0]))
    if op == "le":
        return filled & Q(LessThanOrEqual(key, numbers[0]))
    return ~Q(Exact(key, numbers[0])) if op == "not" else Q(Exact(key, numbers[0]))


def _number(field: FieldDef, values: tuple[str, ...], text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as no:
        raise _wrong(field, values) from no
    if not number.is_finite() or abs(number) >= LARGEST:
        raise _wrong(field, values)
    return number


def _days(field: FieldDef, op: str, values: tuple[str, ...]) -> Q:
    """Days are those of the company's time zone, as in filters of the product's own fields."""
    key, empty = _key(field), (-1 if field.kind == "formula" else "")
    filled = Q(GreaterThan(key, empty))
    if op in ALWAYS:
        return Q(Exact(key, empty)) if op == "none" else filled
    try:
        start, end = span(op, values, timezone.localdate())
        keep = Q(GreaterThanOrEqual(key, _day_key(field, start))) if start else filled
        return keep & Q(LessThan(key, _day_key(field, end))) if end else keep
    except (ValueError, OverflowError, IndexError, KeyError) as no:
        raise _wrong(field, values) from no


def _day_key(field: FieldDef, day: dt.date) -> Any:
    """The beginning of a day as the field's key has it."""
    if field.kind == "formula":
        return (day - dt.date.fromisoformat(FIRST_DAY)).days
    if field.kind == "date":
        return day.isoformat()
    midnight = timezone.make_aware(dt.datetime.combine(day, dt.time.min)).astimezone(dt.UTC)
    return f"{midnight:%Y-%m-%dT%H:%M:%S}Z"


def _words(field: FieldDef, op: str, values: tuple[str, ...], actor: Actor) -> Q:
    key = _key(field)
    if op in ALWAYS:
        return Q(Exact(key, "")) if op == "none" else Q(GreaterThan(key, ""))
    kept = [_word(field, value, actor) for value in values]
    if op == "starts":
        first = kept[0]
        return Q(GreaterThanOrEqual(key, first)) & Q(LessThan(key, first + "\U0010ffff"))
    keep = Q(In(key, kept)) if len(kept) > 1 else Q(Exact(key, kept[0]))
    return ~keep if op == "not" else keep


def _word(field: FieldDef, value: str, actor: Actor) -> str:
    try:
        if field.kind == "person":
            return str(actor.user_id if value == "me" else int(value))
        return str(uuid.UUID(value)) if field.kind == "link" else value[:200]
    except ValueError as no:
        raise _wrong(field, [value]) from no


def _several(field: FieldDef, op: str, values: tuple[str, ...]) -> Q:
    """Records that have one of the codes."""
    has = Q()
    for value in values:
        has |= Q(
            _Holds(OwnSql(arranged(field).filter_sql, models.JSONField()), Value(json.dumps([value])), output_field=models.BooleanField())
        )
    return ~(Q(custom__has_key=field.key) & has) if op == "not" else has


class _Holds(Func):
    """Whether a JSON list holds a text, as a GIN index answers it."""

    conditional = True

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        del connection, extra
        left, params = compiler.compile(self.source_expressions[0])
        right, more = compiler.compile(self.source_expressions[1])
        return f"({left} @> {right}::jsonb)", [*params, *more]


def _link_names(field: FieldDef) -> Callable[[Actor, Sequence[str]], list[str]]:
    def names(actor: Actor, values: Sequence[str]) -> list[str]:
        target = field.target
        if not (isinstance(target, type) and issubclass(target, Record)):
            return list(values)
        known = {str(row.pk): str(row) for row in target.objects.visible_to(actor).filter(pk__in=list(values)[:20])}
        return [known.get(value, "—") for value in values]

    return names
