"""Periods in Python and as an expression are the same."""

from __future__ import annotations

import datetime as dt

import ibis
import pytest

from zhike.analytics.periods import PERIODS, between, parse, period_of, start_of
from zhike.kernel.errors import Refused

DAY = dt.date(2024, 8, 31)


@pytest.mark.parametrize(
    ("kind", "start", "end", "code"),
    [
        ("day", "2024-08-31", "2024-08-31", "2024-08-31"),
        ("week", "2024-08-26", "2024-09-01", "2024-W35"),
        ("month", "2024-08-01", "2024-08-31", "2024-08"),
        ("quarter", "2024-07-01", "2024-09-30", "2024-Q3"),
        ("half_year", "2024-07-01", "2024-12-31", "2024-H2"),
        ("year", "2024-01-01", "2024-12-31", "2024"),
    ],
)
def test_a_day_lies_in_its_period(kind: str, start: str, end: str, code: str) -> None:
    period = period_of(DAY, kind)
    assert (period.start.isoformat(), period.end.isoformat(), period.code) == (start, end, code)
    assert parse(code) == period


def test_a_week_belongs_to_the_year_of_its_thursday() -> None:
    assert period_of(dt.date(2024, 12, 30), "week").code == "2025-W01"


def test_before_and_a_year_before() -> None:
    assert parse("2024-01").shifted(-1).code == "2023-12"
    assert parse("2024-Q4").shifted(1).code == "2025-Q1"
    assert parse("2024-H1").year_before().code == "2023-H1"
    assert parse("2024-W10").year_before().start == dt.date(2023, 3, 6)


def test_between_names_the_empty_periods_too() -> None:
    assert [p.code for p in between(dt.date(2023, 11, 30), dt.date(2024, 2, 1), "month")] == [
        "2023-11", "2023-12", "2024-01", "2024-02",
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["2024-13", "2024-02-30", "2023-W53", "2024-Q5", "", "soon"])
def test_what_is_no_period_is_refused(code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(code)
    assert refused.value.code == "period_unknown"


@pytest.mark.parametrize("kind", PERIODS)
def test_the_expression_cuts_as_the_calendar_does(kind: str) -> None:
    days = [dt.date(2023, 12, 25) + dt.timedelta(days=n) for n in range(400)]
    table = ibis.memtable({"day": days}, schema={"day": "date"})
    cut = ibis.duckdb.connect().to_pyarrow(table.mutate(start=start_of(table.day, kind)))
    assert cut["start"].to_pylist() == [period_of(day, kind).start for day in cut["day"].to_pylist()]
