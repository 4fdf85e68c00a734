"""The overview: periods, comparison, and figures of the reader's own orders."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest

from tests.cast import actor, user_of
from zhike.analytics.overview import Span, buckets, picked, totals
from zhike.analytics.queries import reach_of
from zhike.kernel.errors import Refused
from zhike.kernel.testing.web import Web
from zhike.orders.models import Order

from .shop import day_ago, open_shop, score_here

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def shop(committed: object) -> object:
    open_shop()
    score_here("lake")
    return committed


def test_a_year_that_is_not_over_is_compared_with_the_same_days_of_the_last() -> None:
    chosen = picked({}, today=TODAY, latest=TODAY)
    assert (chosen.span, chosen.unit) == (Span(start=dt.date(2026, 1, 1), end=TODAY), "month")
    assert chosen.past == Span(start=dt.date(2025, 1, 1), end=dt.date(2025, 11, 20))


def test_a_finished_quarter_is_compared_whole() -> None:
    chosen = picked({"kind": "quarter", "at": "2026-Q1", "vs": "previous"}, today=TODAY, latest=TODAY)
    assert (chosen.span, chosen.past) == (
        Span(start=dt.date(2026, 1, 1), end=dt.date(2026, 3, 31)),
        Span(start=dt.date(2025, 10, 1), end=dt.date(2025, 12, 31)),
    )


def test_a_leap_day_is_compared_with_the_28th() -> None:
    chosen = picked({"kind": "custom", "start": "2024-02-01", "end": "2024-02-29"}, today=TODAY, latest=TODAY)
    assert chosen.past == Span(start=dt.date(2023, 2, 1), end=dt.date(2023, 2, 28))


def test_old_data_opens_at_its_own_last_year() -> None:
    assert picked({}, today=TODAY, latest=dt.date(2011, 12, 9)).span == Span(start=dt.date(2011, 1, 1), end=dt.date(2011, 12, 31))


@pytest.mark.parametrize(
    "params", [{"kind": "moon"}, {"kind": "year", "at": "x"}, {"kind": "custom", "start": "2024-02-30", "end": "2024-03-01"},
               {"kind": "custom", "start": "2024-03-02", "end": "2024-03-01"}],
)  # fmt: skip
def test_a_period_that_does_not_exist_is_refused(params: dict[str, str]) -> None:
    with pytest.raises(Refused, match="period_unknown"):
        picked(params, today=TODAY, latest=TODAY)


def test_figures_count_the_readers_orders_and_no_others(shop: object) -> None:
    start, end = day_ago(9).isoformat(), day_ago(0).isoformat()
    chosen = picked({"kind": "custom", "start": start, "end": end, "vs": "previous"}, today=day_ago(0), latest=day_ago(0))
    sold = {
        name: totals(chosen, reach_of(actor(name), Order, "analytics.overview"), "orders.sales")[0][0]
        for name in ("管理员", "林悦", "陈默")
    }
    assert sold == {"管理员": D("30000.617"), "林悦": D(5000), "陈默": D("25000.617")}
    days = buckets(chosen, reach_of(actor("林悦"), Order, "analytics.overview"), "orders.count")
    assert [bucket.now[0] for bucket in days] == [None] * 4 + [D(1)] * 5 + [None]


def test_cards_show_own_figures_with_doors(shop: object) -> None:
    days = f"kind=custom&start={day_ago(9)}&end={day_ago(0)}"
    mine, other = Web(user=user_of("林悦")), Web(user=user_of("陈默"))
    assert mine.get("/analytics/overview").status == 200
    places = mine.part(f"/analytics/overview/card/places?{days}").text
    assert ("5,000.00" in places, "华东" in places, "华南" in places) == (True, True, False)
    assert "5,000.12" in other.part(f"/analytics/overview/card/sales?{days}").text
    assert f"ordered_at.ge={day_ago(9)}" in mine.part(f"/analytics/overview/card/headline?{days}").text
    for card in ("orders", "buyers", "categories", "segments"):
        assert mine.part(f"/analytics/overview/card/{card}?{days}").status == 200
    found = other.get(f"/analytics/overview/new-buyers?start={day_ago(9)}&end={day_ago(0)}").text
    assert ("客户C1" in found, "客户L1" in found) == (True, False)


def test_who_has_no_grant_sees_no_figure(shop: object) -> None:
    guest = Web(user=user_of("访客"))
    for path in ("overview", "overview/card/headline", "overview/card/sales", f"overview/new-buyers?start={day_ago(9)}&end={day_ago(0)}"):
        answer = guest.get(f"/analytics/{path}")
        assert (answer.status, answer.refused) == (403, "not_permitted")


def test_before_the_first_export_the_page_says_so(committed: object) -> None:
    assert "还没有算过" in Web(user=user_of("管理员")).get("/analytics/overview").text
