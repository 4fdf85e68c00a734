"""Cells of lists and values of pages, drawn in Python: a page of 50 rows draws some 500 of them.

The kinds that stand in every list escape what they put in by themselves, which is four times as fast as `format_html`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from ..addresses import url_of
from ..fields import field_of
from ..spec import Column, ObjectSpec
from ..templatetags.zhike_ui import day_said, initial, mask_phone, money, num, reader_time, wan
from .own import Names, draw_own, own_of

Draw = Callable[[Any, Any, "Reader"], str]
EMPTY = mark_safe('<span class="mut">—</span>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom cells are drawn: names of people and teams on this page, who reads, and on which day."""

    user_id: int | None
    people: dict[int, str] = field(default_factory=dict)
    teams: dict[int, str] = field(default_factory=dict)
    own: Names = field(default_factory=Names)
    today: dt.date = field(default_factory=timezone.localdate)


def value_at(record: Any, path: str) -> Any:
    """The value at a path of joined records; None where a link is empty."""
    for step in path.split("__"):
        record = getattr(record, step, None)
        if record is None:
            return None
    return record


def drawer(column: Column, spec: ObjectSpec, reader: Reader) -> Callable[[Any], str]:
    """How the cells of a column are drawn on a page: what is the same in every row is found out once."""
    own_field = own_of(spec, column.path)
    if own_field is not None:
        if column.path in spec.covered:
            return lambda record: _covered(own_field.value(record), record, reader)
        return lambda record: draw_own(own_field, record, reader.own, is_cell=True)
    own = (spec.cells or {}).get(column.cell)
    if own is not None:
        return lambda record: own(record, reader)
    if column.cell == "choice":
        return lambda record: _choice(value_at(record, column.path), record, column.path)
    value_of = _value_of(f"{column.path}_id" if column.cell in ("person", "team") else column.path)
    draw_value = _DRAW[column.cell]
    if column.cell in ("name", "record"):
        return lambda record: draw_value(value_of(record), record, reader)
    drawn: dict[Any, str] = {}  # an owner, a city, a day stand in many rows

    def draw_again(record: Any) -> str:
        value = value_of(record)
        found = drawn.get(value)
        if found is None:
            found = drawn[value] = draw_value(value, record, reader)
        return found

    return draw_again


def _value_of(path: str) -> Callable[[Any], Any]:
    if "__" in path:
        return lambda record: value_at(record, path)
    return lambda record: getattr(record, path, None)  # a link that is closed to the reader has no record behind it


def _text(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return conditional_escape(str(value)) if value not in (None, "") else ""


def _name(value: Any, record: Any, reader: Reader) -> str:
    del reader
    name = escape(str(value or ""))
    return SafeString(f'<a class="clip" href="{url_of(record)}" title="{name}">{name or _("未命名")}</a>')


def _money(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return "" if value is None else conditional_escape(money(value))


def _number(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return "" if value is None else conditional_escape(num(value))


def _wan(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return "" if value is None else SafeString(f'<span title="{money(value)}">{wan(value)}</span>')


def _date(value: Any, record: Any, reader: Reader) -> str:
    del record
    if value is None or value.year < 1971:
        return ""
    local = reader_time(value)
    return SafeString(f'<span title="{local.isoformat()[:16].replace("T", " ")}">{day_said(local, reader.today)}</span>')


def _person(value: Any, record: Any, reader: Reader) -> str:
    del record
    if value is None:
        return EMPTY
    name = reader.people.get(value, str(value))
    me = " me" if value == reader.user_id else ""
    return SafeString(f'<span class="row-f"><span class="zk-av{me}" aria-hidden="true">{escape(initial(name))}</span>{escape(name)}</span>')


def _covered(value: Any, record: Any, reader: Reader) -> str:
    """A masked value: a text shows what the veil left of it, anything else only that there may be something."""
    del record, reader
    shown = value if isinstance(value, str) else "***"
    return format_html('<span class="mut" title="{}">{}</span>', _("无权查看完整内容"), shown) if shown else ""


def _team(value: Any, record: Any, reader: Reader) -> str:
    del record
    return EMPTY if value is None else SafeString(escape(reader.teams.get(value, str(value))))


def _phone(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return conditional_escape(mask_phone(value)) if value else ""


def _boolean(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return conditional_escape(pgettext("answer", "是") if value else pgettext("answer", "否"))


def _choice(value: Any, record: Any, name: str) -> str:
    return conditional_escape(getattr(record, f"get_{name}_display")()) if value not in ("", None) else ""


def _record(value: Any, record: Any, reader: Reader) -> str:
    del record, reader
    return EMPTY if value is None else format_html('<a class="clip" href="{}">{}</a>', url_of(value), str(value))


_DRAW: dict[str, Draw] = {
    "text": _text,
    "name": _name,
    "money": _money,
    "number": _number,
    "wan": _wan,
    "date": _date,
    "person": _person,
    "team": _team,
    "phone": _phone,
    "boolean": _boolean,
    "record": _record,
    "covered": _covered,
}
NUMERIC = {"money", "number", "wan", "own_number"}


def badge(text: object, tone: str = "") -> SafeString:
    """A class or state in one or two words."""
    return format_html('<span class="zk-badge {}">{}</span>', tone, text)


def show(record: Any, name: str, spec: ObjectSpec, reader: Reader) -> str:
    """A field's value on a page or peek; empty text where nothing is known."""
    own_field = own_of(spec, name)
    if own_field is not None:
        return _covered(own_field.value(record), record, reader) if name in spec.covered else draw_own(own_field, record, reader.own)
    if name in spec.covered:
        return _covered(getattr(record, field_of(record, name).attname), record, reader)
    column = spec.column(name)
    if column is not None and column.cell not in ("name", "text"):
        return drawer(column, spec, reader)(record)
    model_field = record._meta.get_field(name)
    value = getattr(record, model_field.attname)
    if model_field.choices:
        return _choice(value, record, name)
    return _DRAW[_cell_of(model_field)](value if not model_field.is_relation else getattr(record, name), record, reader)


def _cell_of(model_field: Any) -> str:
    kinds: dict[type[Any], str] = {
        models.DateField: "date",
        models.DecimalField: "number",
        models.BooleanField: "boolean",
        models.ForeignKey: "record",
    }
    return next((cell for kind, cell in kinds.items() if isinstance(model_field, kind)), "text")


def plain(value: Any) -> Any:
    """A value for a spreadsheet: local time without zone, exact decimals."""
    if isinstance(value, Decimal):
        return value
    if hasattr(value, "tzinfo") and value.tzinfo is not None:
        return None if value.year < 1971 else timezone.localtime(value).replace(tzinfo=None)
    return value
