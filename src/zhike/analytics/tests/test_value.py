"""Customer value: scored, written back, and shown to each reader as far as he may see."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from tests.cast import actor, user_of
from zhike.analytics import jobs
from zhike.analytics.actions import change_setting
from zhike.analytics.models import ValueRun, ValueScore, ValueSetting
from zhike.analytics.queries import Value, current_run, moved_customers, reach_of, segment_cells, value_of
from zhike.customers.models import Customer
from zhike.kernel.models import HistoryEntry
from zhike.kernel.testing.proofs import refused
from zhike.kernel.testing.web import Web

from .shop import buy, count_up, day_ago, open_shop, score_here

BANDS = {"recency": ["30", "60", "90", "180"], "frequency": ["5", "4", "3", "2"], "monetary": ["4000", "2000", "1000", "100"]}
RULE = {"mode": "bands", "days": 365, "compare_days": 100, "high": 4, "bands": BANDS}


@pytest.fixture
def scored(committed: object) -> object:
    """The shop, scored by fixed bands."""
    open_shop()
    change_setting(RULE, by=actor("管理员"))
    score_here()
    return committed


def seen_by(name: str) -> Value:
    run = current_run()
    assert run is not None
    return value_of(reach_of(actor(name), Customer, "analytics.value"), run)


def by_segment(value: Value) -> dict[int, tuple[int, D]]:
    return {int(line.segment): (line.sums.customers, line.sums.sales) for line in value.segments if line.sums.customers}


def test_scores_stand_on_the_customers_and_leave_no_trace_in_their_history(scored: object) -> None:
    codes = dict(Customer.objects.exclude(rfm=0).values_list("code", "rfm"))
    assert (codes["L1"], codes["L2"], codes["C1"], codes["K0"], codes["K6"]) == (555, 155, 555, 511, 211)
    assert dict(Customer.objects.filter(code__in=["L1", "L2", "K0", "K6"]).values_list("code", "segment")) == {
        "L1": 1,
        "L2": 3,
        "K0": 6,
        "K6": 8,
    }
    assert set(Customer.objects.values_list("version", flat=True)) == {1}
    assert not HistoryEntry.objects.filter(object_id__in=Customer.objects.values("pk"), op="U").exists()


def test_a_run_says_as_of_when_by_which_rule_and_over_which_window(scored: object) -> None:
    run = ValueRun.objects.get(is_current=True)
    assert (run.as_of, run.compared_to, run.customers) == (day_ago(1), day_ago(101), 10)
    assert run.rule["bands"] == BANDS
    assert run.ranges["f"] == {"1": [1, 1], "5": [5, 5]}


def test_a_second_run_changes_nothing_and_becomes_the_current_one(scored: object) -> None:
    before = list(ValueScore.objects.order_by("pk").values())
    assert score_here()["changed"] == 0
    assert list(ValueScore.objects.order_by("pk").values()) == before
    assert ValueRun.objects.filter(is_current=True).count() == 1


def test_who_takes_all_back_goes_back_to_nothing(scored: object) -> None:
    large = Customer.objects.get(code="C1")
    large.orders.update(status="cancelled")
    count_up()
    score_here()
    large.refresh_from_db()
    assert (large.rfm, large.segment) == (0, 0)


def test_each_reader_sees_the_figures_of_his_customers_only(scored: object) -> None:
    assert by_segment(seen_by("管理员")) == {1: (2, D("30000.6170")), 3: (1, D("4500.0000")), 6: (3, D(33)), 8: (4, D(58))}
    assert by_segment(seen_by("林悦")) == {1: (1, D(5000)), 3: (1, D(4500)), 6: (3, D(33)), 8: (4, D(58))}
    assert by_segment(seen_by("陈默")) == {1: (1, D("25000.6170"))}
    assert by_segment(seen_by("周航")) == {}
    assert by_segment(seen_by("访客")) == {}


def test_stored_figures_of_all_equal_those_counted_by_customer(scored: object) -> None:
    everything, branch = seen_by("管理员"), seen_by("主管")
    assert everything.total.customers == branch.total.customers + 1
    assert {place: s.customers for place, s in everything.cells.items() if s.customers} == {
        (5, 5): 2, (1, 5): 1, (5, 1): 1, (4, 1): 2, (3, 1): 1, (2, 1): 3,
    }  # fmt: skip


def test_movements_lead_to_the_customers_who_moved(scored: object) -> None:
    moves = {(m.before, m.after): m.sums.customers for m in seen_by("林悦").moves}
    assert moves == {(0, 1): 1, (0, 6): 3, (0, 8): 2, (6, 8): 2}
    scores, count = moved_customers(reach_of(actor("林悦"), Customer, "analytics.value"), before=0, after=1, limit=10)
    assert ([score.customer.code for score in scores], count) == (["L1"], 1)


def test_cells_of_a_segment_follow_the_limit_of_high() -> None:
    assert segment_cells(1, 4) == {(4, 4), (4, 5), (5, 4), (5, 5)}
    assert segment_cells(4, 5) == {(r, f) for r in range(1, 5) for f in range(1, 5)}


def test_only_who_may_change_settings_changes_the_rule(committed: object) -> None:
    for name in ("林悦", "主管", "审计"):
        ValueSetting.objects.all().delete()
        change_setting(RULE, by=actor("管理员"))
        with refused("not_permitted"):
            change_setting(RULE | {"high": 5}, by=actor(name))
    with refused("bands_not_in_order"):
        change_setting(RULE | {"bands": BANDS | {"recency": ["30", "30", "90", "180"]}}, by=actor("管理员"))
    assert ValueSetting.objects.get().high == 4


def test_the_page_shows_a_reader_his_part_and_doors_to_it(scored: object) -> None:
    mine = Web(user=user_of("林悦")).get("/analytics/value")
    assert mine.status == 200
    assert "9 家" in mine.text
    assert "25,000" not in mine.text
    assert 'href="/customers/?rfm.in=551,552,553,554,555&amp;sort=-sales"' in mine.text
    assert Web(user=user_of("访客")).get("/analytics/value").status == 403
    assert "L1" in Web(user=user_of("林悦")).get("/analytics/value/moved?before=0&after=1").text
    assert "C1" not in Web(user=user_of("林悦")).get("/analytics/value/moved?before=0&after=1").text


def test_before_the_first_run_the_page_offers_to_compute(committed: object) -> None:
    admin = Web(user=user_of("管理员"))
    assert "还没有算过" in admin.get("/analytics/value").text
    asked = admin.post("/analytics/value/compute")
    assert (asked.status, "every 2s" in asked.text) == (200, True)
    assert not jobs.ask_for_value()
    assert "HX-Refresh" not in admin.part("/analytics/value/state?run=0").headers


def test_the_job_runs_in_a_process_of_its_own(committed: object) -> None:
    open_shop()
    report = jobs.refresh_all()
    assert (report["customers"], report["changed"]) == (10, 10)
    buy(Customer.objects.get(code="K0"), "K0-2", days_ago=0, amount="1")
    count_up()
    assert jobs.refresh_lake()["files"] > 0


def test_the_customer_page_tells_the_score(scored: object) -> None:
    good = Customer.objects.get(code="L1")
    text = Web(user=user_of("林悦")).get(f"/customers/{good.pk}/").text
    assert "5-5-5" in text
    assert "5 次" in text


def test_the_setting_dialog_refuses_bands_that_are_not_in_order(committed: object) -> None:
    form = {
        "days": "365",
        "compare_days": "90",
        "mode": "bands",
        "high": "4",
        "recency": "30,20,10,5",
        "frequency": "5,4,3,2",
        "monetary": "4,3,2,1",
    }
    admin = Web(user=user_of("管理员"))
    assert admin.post("/analytics/value/setting", form).status == 422
    assert admin.post("/analytics/value/setting", form | {"recency": "5，10，20，30"}).status == 204
    assert ValueSetting.objects.get().bands["recency"] == ["5", "10", "20", "30"]
    assert Web(user=user_of("林悦")).get("/analytics/value/setting").status == 403
