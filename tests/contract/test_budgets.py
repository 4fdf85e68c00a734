"""Queries of each screen: within the budget of budgets.json, and no more for thirty rows than for one.

A reviewer sees a budget change. `ZHIKE_WRITE_BUDGETS=1 pytest tests/contract/test_budgets.py -p no:xdist` writes them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.made import make
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import queries
from zhike.kernel.testing.web import Web

FILE = Path(__file__).with_name("budgets.json")
LogIn = Callable[[str], Web]
LISTS = {"list": "/{slug}/", "rows": "/{slug}/rows", "search": "/search/suggest?q=恒"}
PAGES = {"page": "/{slug}/{pk}/", "peek": "/{slug}/{pk}/peek", "row": "/{slug}/{pk}/row"}


def _spent(client: Web, path: str) -> list[str]:
    client.part(path)  # what is read once a process (kinds of tables, the company) is not the screen's
    with queries() as spent:
        answer = client.part(path)
    assert answer.status == 200
    return spent.statements


def _check(name: str, spent: list[str]) -> None:
    budgets = json.loads(FILE.read_text())
    if os.environ.get("ZHIKE_WRITE_BUDGETS"):
        FILE.write_text(json.dumps(budgets | {name: len(spent)}, indent=2, sort_keys=True) + "\n")
        return
    assert name in budgets, f"{name} needs {len(spent)} queries and has no budget yet"
    listed = "\n".join(f"{number}. {sql[:200]}" for number, sql in enumerate(spent, 1))
    assert len(spent) <= budgets[name], f"{len(spent)} queries instead of {budgets[name]}:\n{listed}"


@pytest.mark.parametrize("screen", sorted(LISTS))
def test_a_list_costs_no_more_for_thirty_rows_than_for_one(screen: str, spec: ObjectSpec, web: LogIn) -> None:
    client, path = web("管理员"), LISTS[screen].format(slug=spec.slug)
    make(spec.label, "恒0")
    one = _spent(client, path)
    for number in range(1, 30):
        make(spec.label, f"恒{number}")
    thirty = _spent(client, path)
    assert len(thirty) <= len(one), f"one row: {len(one)}\n" + "\n".join(sql[:200] for sql in thirty)
    _check(f"{spec.slug}.{screen}", thirty)


@pytest.mark.parametrize("screen", sorted(PAGES))
def test_a_page_keeps_its_budget(screen: str, spec: ObjectSpec, web: LogIn) -> None:
    record = make(spec.label, "恒远")
    _check(f"{spec.slug}.{screen}", _spent(web("管理员"), PAGES[screen].format(slug=spec.slug, pk=record.pk)))


@pytest.mark.parametrize(("name", "path"), [("today", "/"), ("imports", "/imports/")])
def test_a_place_keeps_its_budget(name: str, path: str, web: LogIn) -> None:
    _check(name, _spent(web("管理员"), path))
