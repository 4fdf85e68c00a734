"""Founding a demo company: it appears in the list of companies only when everything is in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from zhike.demo.load import Say, load_demo
from zhike.demo.logins import DEMO_COMPANY
from zhike.demo.size import DemoSize, today
from zhike.server.companies import Company, use_company
from zhike.server.founding import create_company

SMALL_CUSTOMERS, SMALL_ORDERS, SEED = 2000, 9000, 7


def create_demo(
    name: str = DEMO_COMPANY,
    *,
    size: DemoSize | None = None,
    say: Say = lambda step, done, total: None,
    refresh: Callable[[], object] | None = None,
) -> Company:
    """Create a company full of generated data; `refresh` runs in it at the end, for what is worked out from data.

    Raises what `create_company` raises, and Refused("demo_failed").
    """
    chosen = size or small_demo()
    company = create_company(name, demo=True, fill=lambda draft: load_demo(draft.conninfo(), chosen, say=say))
    if refresh is not None:
        say("refresh", 0, 1)
        with use_company(company):
            refresh()
        say("refresh", 1, 1)
    return company


def small_demo(customers: int = SMALL_CUSTOMERS, orders: int = SMALL_ORDERS, seed: int = SEED, end: date | None = None) -> DemoSize:
    """The size of the demo that the first start makes, unless told otherwise; ends today."""
    return DemoSize(customers=customers, orders=orders, seed=seed, end=end or today())
