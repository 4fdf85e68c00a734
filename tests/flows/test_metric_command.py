"""`zhike metric`: exact figures as a table or JSON, and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal as D

import pytest

from zhike.analytics.tests.shop import open_shop, score_here
from zhike.server.cli.metric import exact
from zhike.server.control import Company


def zhike(*arguments: str) -> tuple[int, str, str]:
    """Run the command in a process of its own."""
    env = {**os.environ, "ZHIKE_LANG": "en"}
    done = subprocess.run(
        [sys.executable, "-m", "zhike.server.cli", "metric", *arguments], env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def shop(committed: Company) -> Company:
    open_shop()
    score_here("lake")
    return committed


def test_the_table_has_every_digit_and_a_total(shop: Company) -> None:
    code, out, _ = zhike("orders.sales", "orders.count", "--by", "region", "--company", "ceshi")
    assert (code, [line.split() for line in out.splitlines()]) == (
        0,
        [
            ["region", "orders.sales", "orders.count"], ["华东", "9500", "10"], ["华北", "91", "7"],
            ["华南", "25000.617", "5"], ["total", "34591.617", "22"],
        ],
    )  # fmt: skip


def test_json_where_sort_and_limit(shop: Company) -> None:
    _, out, _ = zhike(
        "orders.sales", "--by", "region", "--where", "region=华南,华北", "--sort", "orders.sales", "--limit", "1", "--no-refresh", "--json"
    )
    told = json.loads(out)
    assert [(row["region"], row["orders.sales"]) for row in told["rows"]] == [("华南", "25000.617")]
    assert (told["found"], told["total"]) == (2, {"orders.sales": "25091.617"})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("orders.sales", "--by", "moon", "--no-refresh"), 1, "There is no dimension moon"),
        (("orders.sales", "--period", "2024-Q9", "--no-refresh"), 1, "There is no such period"),
        ((), 2, "Which metric?"),
    ],
)
def test_what_cannot_be_answered_is_said_with_an_exit_code(committed: Company, arguments: tuple[str, ...], code: int, words: str) -> None:
    found, _, err = zhike(*arguments)
    assert (found, words in err) == (code, True)


def test_all_digits_and_no_zeros_behind_them() -> None:
    assert [exact(value) for value in (None, D("4684506.4420"), D("100"), D("0.0000"), D("-0.5000"))] == [
        "-",
        "4684506.442",
        "100",
        "0",
        "-0.5",
    ]
