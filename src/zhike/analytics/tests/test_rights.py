"""Whose figures: every way to a number gives a reader his own customers' part and nothing of the others."""

from __future__ import annotations

import re
from decimal import Decimal as D

import pytest

from tests.cast import actor, user_of
from zhike.analytics.compute import MetricQuery, behind, compute
from zhike.analytics.place import facts_here
from zhike.analytics.queries import Value, current_run, moved_customers, reach_of, value_of
from zhike.customers.models import Customer
from zhike.kernel.actor import Scope
from zhike.kernel.policy import Reach
from zhike.kernel.testing.web import Web
from zhike.orders.models import Order
from zhike.org.models import Grant, Role

from .shop import buy, count_up, customer_of, day_ago, score_here

DAYS = f"kind=custom&start={day_ago(29)}&end={day_ago(0)}&vs=previous"
VALUE, OVERVIEW = "analytics.value", "analytics.overview"
CARDS = ("sales", "orders", "buyers", "places", "categories", "segments")
# reader -> orders that count, sales, buyers, who they are
SEEN: dict[str, tuple[int, D, int, set[str]]] = {
    "林悦": (3, D("330.75"), 2, {"L1", "L2"}),
    "周航": (1, D("7000"), 1, {"Z1"}),
    "主管": (4, D("7330.75"), 3, {"L1", "L2", "Z1"}),
    "陈默": (0, D(0), 0, set()),
    "访客": (0, D(0), 0, set()),
    "审计": (5, D("7419.75"), 3, {"L1", "L2", "Z1"}),
}

# scope of the page, scope of the orders, sales seen by 林悦
GRANTS = (
    (Scope.OWN, Scope.ALL, D("330.75")),
    (Scope.ALL, Scope.OWN, D("330.75")),
    (Scope.TEAM, Scope.ALL, D("7330.75")),
    (Scope.ALL, Scope.ALL, D("7419.75")),
    (Scope.ALL, None, D(0)),
    (None, Scope.ALL, D(0)),
)


@pytest.fixture
def shop(committed: object) -> object:
    """林悦 has two customers, 周航 of the same team one; nobody has the passer-by; 陈默 of another branch has nothing."""
    first, second, large = customer_of("林悦", "L1"), customer_of("林悦", "L2"), customer_of("周航", "Z1")
    buy(first, "A1", days_ago=3, amount="100.5", region="华东")
    buy(first, "A2", days_ago=4, amount="200.25", region="华东")
    buy(second, "A3", days_ago=20, amount="50", region="华北")
    buy(second, "TH1", days_ago=9, amount="-20", region="华北")
    buy(large, "B1", days_ago=5, amount="7000", region="华南")
    buy(None, "W1", days_ago=6, amount="89", region="西北")
    count_up()
    score_here()
    return committed


def value_for(name: str) -> Value:
    run = current_run()
    assert run is not None
    return value_of(reach_of(actor(name), Customer, VALUE), run)


def sold(scope: Reach) -> tuple[D | None, ...]:
    """Orders, sales and buyers of all time."""
    query = MetricQuery(metrics=("orders.count", "orders.sales", "customers.buyers"), scope=scope)
    return compute(facts_here(), query).rows[0].values


def test_computed_figures_are_those_of_the_readers_customers(shop: object) -> None:
    for name, (orders, sales, buyers, codes) in SEEN.items():
        reach = reach_of(actor(name), Order, OVERVIEW)
        assert sold(reach) == (D(orders), sales, D(buyers)), name
        query = MetricQuery(metrics=("customers.buyers",), scope=reach)
        ids = behind(facts_here(), query, column="customer_id", limit=10)
        assert set(Customer.objects.filter(pk__in=ids).values_list("code", flat=True)) == codes, name


def test_groups_totals_and_filters_stay_within_the_reach(shop: object) -> None:
    mine = reach_of(actor("林悦"), Order, OVERVIEW)
    table = compute(facts_here(), MetricQuery(metrics=("orders.sales",), by=("region",), scope=mine, total=True))
    assert {row.keys[0]: row.values[0] for row in table.rows} == {"华东": D("300.75"), "华北": D(30)}
    assert (table.found, table.total.values if table.total else None) == (2, (D("330.75"),))
    owners = compute(facts_here(), MetricQuery(metrics=("orders.sales",), by=("owner",), scope=mine))
    assert [row.keys for row in owners.rows] == [(user_of("林悦").pk,)]


def test_the_value_of_customers_is_that_of_the_readers_own(shop: object) -> None:
    for name, (_orders, sales, buyers, _codes) in SEEN.items():
        value = value_for(name)
        known = sales - 89 if name == "审计" else sales  # the passer-by is nobody's value
        assert (value.total.customers, value.total.sales) == (buyers, known), name
        assert sum(line.sums.customers for line in value.segments) == buyers, name
        assert sum((cell.sales for cell in value.cells.values()), D(0)) == known, name
        assert sum(move.sums.customers for move in value.moves) == buyers, name


def test_movements_open_own_customers_only(shop: object) -> None:
    for name, codes in (("林悦", {"L1", "L2"}), ("陈默", set()), ("审计", {"L1", "L2", "Z1"})):
        reach = reach_of(actor(name), Customer, VALUE)
        found = [moved_customers(reach, before=0, after=after, limit=10) for after in range(1, 9)]
        assert {score.customer.code for scores, _count in found for score in scores} == codes
        assert sum(count for _scores, count in found) == len(codes)


def test_the_value_page_writes_the_readers_figures_and_no_others(shop: object) -> None:
    mine, other, every = (Web(user=user_of(name)).get("/analytics/value") for name in ("林悦", "陈默", "审计"))
    assert [page.status for page in (mine, other, every)] == [200, 200, 200]
    assert ['title="330.75"' in page.text for page in (mine, other, every)] == [True, False, False]
    assert ['title="7,330.75"' in page.text for page in (mine, other, every)] == [False, False, True]
    assert "7,000" not in mine.text
    assert "330.75" not in other.text


def test_the_headline_counts_the_readers_orders(shop: object) -> None:
    texts = {name: Web(user=user_of(name)).part(f"/analytics/overview/card/headline?{DAYS}").text for name in SEEN if name != "访客"}
    for name, text in texts.items():
        exact = {"林悦": "330.75", "周航": "7,000", "主管": "7,330.75", "陈默": "0", "审计": "7,419.75"}[name]
        assert f'title="{exact}"><span class="zk-k">销售额</span>' in text, name


def test_no_card_tells_of_the_orders_of_others(shop: object) -> None:
    mine, other = Web(user=user_of("林悦")), Web(user=user_of("陈默"))
    for card in CARDS:
        hers, nothing = (web.part(f"/analytics/overview/card/{card}?{DAYS}") for web in (mine, other))
        assert (hers.status, nothing.status) == (200, 200), card
        assert [hidden for hidden in ("7,000", "7000", "华南", "西北", "89.00", "7,330") if hidden in hers.text] == [], card
        assert any(float(value) for value in re.findall(r'data-value="([\d.]+)"', hers.text)), card
        assert not any(float(value) for value in re.findall(r'data-value="([\d.]+)"', nothing.text)), card


def test_cards_without_any_figure_say_so(shop: object) -> None:
    other = Web(user=user_of("陈默"))
    silent = [card for card in CARDS if "这一段没有" not in other.part(f"/analytics/overview/card/{card}?{DAYS}").text]
    assert silent == []


def test_new_customers_behind_a_column_are_the_readers_own(shop: object) -> None:
    seen = {}
    for name in ("林悦", "陈默", "审计"):
        page = Web(user=user_of(name)).get(f"/analytics/overview/new-buyers?start={day_ago(29)}&end={day_ago(0)}")
        assert page.status == 200
        seen[name] = {code for code in ("L1", "L2", "Z1") if f"客户{code}" in page.text}
    assert seen == {"林悦": {"L1", "L2"}, "陈默": set(), "审计": {"L1", "L2", "Z1"}}


def test_the_narrower_of_the_grants_for_page_and_rows_decides(shop: object) -> None:
    user = user_of("林悦")
    for page, rows, sales in GRANTS:
        role = Role.objects.create(code=f"mixed-{page}-{rows}", name="混合")
        given = ((OVERVIEW, page), ("orders.order", rows))
        Grant.objects.bulk_create(Grant(role=role, label=label, verb="view", scope=scope) for label, scope in given if scope)
        user.roles.set([role])
        assert sold(reach_of(actor("林悦"), Order, OVERVIEW))[1] == sales, (page, rows)
