"""Working days of mainland China: statutory holidays and moved workdays (调休) of the published years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar

_FIRST_YEAR = min(chinese_calendar.holidays).year
_LAST_YEAR = max(chinese_calendar.holidays).year
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workday:
    """Whether a day is worked, and whether the State Council has published that year (else weekdays are assumed)."""

    is_work: bool
    is_published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """A day reached by counting working days; `is_published` is false if any counted year was only assumed."""

    on: date
    is_published: bool


def is_workday(day: date) -> Workday:
    """Whether `day` is a working day; a year not yet published falls back to Monday to Friday and says so."""
    if _FIRST_YEAR <= day.year <= _LAST_YEAR:
        return Workday(is_work=bool(chinese_calendar.is_workday(day)), is_published=True)
    return Workday(is_work=day.weekday() < _SATURDAY, is_published=False)


def add_workdays(start: date, count: int) -> DueDay:
    """The `count`-th working day after `start` (before it when negative); 0 is `start` itself, worked or not."""
    step = timedelta(days=1 if count > 0 else -1)
    day, left, is_published = start, abs(count), _FIRST_YEAR <= start.year <= _LAST_YEAR
    while left:
        day += step
        found = is_workday(day)
        left -= found.is_work
        is_published = is_published and found.is_published
    return DueDay(on=day, is_published=is_published)


def workdays_between(start: date, end: date) -> int:
    """Working days after `start` up to and including `end`; 0 when `end` is not later."""
    days = (end - start).days
    return sum(is_workday(start + timedelta(days=step)).is_work for step in range(1, days + 1))
