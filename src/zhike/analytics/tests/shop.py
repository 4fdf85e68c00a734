"""A small shop of several sellers, committed, so that the lake can read it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from tests.cast import user_of
from zhike.analytics.own import columns_here
from zhike.analytics.place import kinds_here, lake_here, uri_here
from zhike.analytics.run import Work, run
from zhike.customers.models import Customer
from zhike.orders.models import Order, OrderLine
from zhike.orders.totals import refresh_facts, refresh_totals

NOON = dt.time(12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


def day_ago(days: int) -> dt.date:
    """A day counted back from today in Shanghai."""
    return timezone.localdate() - dt.timedelta(days=days)


def customer_of(owner: str, code: str) -> Customer:
    """A customer in the care of somebody of the cast."""
    user = user_of(owner)
    team = user.memberships.get(is_home=True).team_id
    return Customer.objects.create(code=code, name=f"客户{code}", owner_id=user.pk, team_id=team)


def buy(customer: Customer | None, number: str, *, days_ago: int, amount: str, **more: str) -> Order:
    """One order of one line; a negative amount is a return."""
    owner = {"owner_id": customer.owner_id, "team_id": customer.team_id} if customer else {}
    order = Order.objects.create(
        number=number, customer=customer, ordered_at=dt.datetime.combine(day_ago(days_ago), NOON), **owner, **more
    )  # fmt: skip
    OrderLine.objects.create(order=order, line_key="1", quantity=1, amount=Decimal(amount))
    return order


def count_up() -> None:
    """What an import does at its end: totals of orders, facts of customers."""
    with connection.cursor() as cursor:
        refresh_totals(cursor, "select id from orders_order")
        refresh_facts(cursor, "select id from customers_customer")


def score_here(what: str = "value") -> Mapping[str, object]:
    """The nightly work, in this process."""
    kinds = kinds_here()
    numbers = {"order": kinds.order, "line": kinds.line, "product": kinds.product}
    return run(Work(what=what, uri=uri_here(), lake=str(lake_here()), kinds=numbers, own=asdict(columns_here())))  # type: ignore[arg-type]


def open_shop() -> None:
    """林悦: two good customers, one of them long silent, and ten small ones; 陈默: one large customer."""
    good, silent, large = customer_of("林悦", "L1"), customer_of("林悦", "L2"), customer_of("陈默", "C1")
    for n in range(5):
        buy(good, f"G{n}", days_ago=1 + n, amount="1000", region="华东")
        buy(silent, f"S{n}", days_ago=200 + n, amount="900", region="华东")
        buy(large, f"B{n}", days_ago=2 + n, amount="5000.1234", region="华南")
    for n in range(7):
        buy(customer_of("林悦", f"K{n}"), f"K{n}", days_ago=20 + 20 * n, amount=f"{10 + n}", region="华北")
    count_up()
