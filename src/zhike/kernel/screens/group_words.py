"""Groupings and groups in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _

from ..actor import Actor
from ..lists.groups import PARTS, Grouping, Value
from ..spec import Filter
from ..templatetags.zhike_ui import MONTHS, page_language
from .names import names_of


def grouping_words(item: Grouping) -> str:
    """等级, 最近购买（按月）."""
    if not item.part:
        return str(item.filter.label)
    return _("%(field)s（%(part)s）") % {"field": item.filter.label, "part": PARTS[item.part]}


def values_in_words(actor: Actor, item: Grouping, values: Sequence[Value]) -> list[str]:
    """Groups as a reader knows them: names of people and choices, 2026年3月, 没有填. One query at most."""
    known = [value for value in values if value is not None and not isinstance(value, dt.date)]
    named = dict(zip(map(str, known), names_of(actor, item.filter, [str(value) for value in known]), strict=True)) if known else {}
    return [_word(item, value, named) for value in values]


def _word(item: Grouping, value: Value, named: dict[str, str]) -> str:
    if value is None:
        return missing_words(item.filter)
    if isinstance(value, dt.date):
        return part_in_words(item.part, value)
    return named[str(value)]


def missing_words(item: Filter) -> str:
    """What the group of those without a value is called."""
    return _("没有%(field)s") % {"field": item.label}


def part_in_words(part: str, day: dt.date) -> str:
    """2026年3月, 2026年第1季度, 2026年; Mar 2026, Q1 2026, 2026."""
    quarter = (day.month - 1) // 3 + 1
    if page_language() == "zh":
        return {"month": f"{day.year}年{day.month}月", "quarter": f"{day.year}年第{quarter}季度", "year": f"{day.year}年"}[part]
    return {"month": f"{MONTHS[day.month - 1]} {day.year}", "quarter": f"Q{quarter} {day.year}", "year": str(day.year)}[part]
