"""Moments are read as Django has them, the rare ones too."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DataError, connection


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-01 08:00:00+08", dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        ("2024-01-01 00:00:00.5+00", dt.datetime(2024, 1, 1, microsecond=500_000, tzinfo=dt.UTC)),
        ("1969-12-31 23:59:59.123456+00", dt.datetime(1969, 12, 31, 23, 59, 59, 123_456, tzinfo=dt.UTC)),
        ("0001-01-01 00:00:00+00", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        ("9999-12-31 23:59:59+00", dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
    ],
)
def test_a_moment_is_read_in_utc(written: str, moment: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select %s::timestamptz", [written])
        (found,) = cursor.fetchone()
    assert (found, found.tzinfo) == (moment, dt.UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["infinity", "0044-03-15 00:00:00+00 BC"])
def test_what_python_has_no_moment_for_is_refused(written: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select %s::timestamptz", [written])
        with pytest.raises(DataError):
            cursor.fetchone()
