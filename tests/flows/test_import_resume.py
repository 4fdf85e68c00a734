"""kill -9 in the middle of an import or an undo: the next call goes on, and the end is that of an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection

from tests.flows.bringing_in import bring_in, picture, steady_picture, written
from zhike.kernel.actor import SYSTEM
from zhike.kernel.errors import Refused
from zhike.kernel.imports import running, staging
from zhike.kernel.imports.plans import plan_of
from zhike.kernel.imports.tables import ImportRun
from zhike.server.control import Company

ORDERS = 1500
KILLS = 10
WORKER = """
import django; django.setup()
import sys
from zhike.kernel.actor import SYSTEM
from zhike.kernel.imports import applying, plans, running
from zhike.kernel.imports.tables import ImportRun
from zhike.server.companies import use_company
plans.CHUNK = 200
with use_company("ceshi"):
    run = ImportRun.objects.get(pk=sys.argv[1])
    print("ready", flush=True)
    (running.undo(run, SYSTEM) if sys.argv[2] == "undo" else running.work(run))
"""


def order_file(folder: Path) -> Path:
    """Orders of 300 customers with 60 products, some of them known already and different."""
    random = np.random.default_rng(7)
    lines = ["订单编号,订单日期,客户编号,客户名称,产品编号,产品名称,数量,单价\n"]
    for number in range(ORDERS):
        buyer = int(random.integers(300))
        for _ in range(int(random.integers(1, 5))):
            good = int(random.integers(60))
            lines.append(
                f"S{number},2026-01-{number % 28 + 1:02d},K{buyer},客户{buyer},P{good},产品{good},{random.integers(1, 9)},{good + 1}.5\n"
            )
    return written(folder, "".join(lines))


def killed_after(run: ImportRun, verb: str, seconds: float) -> bool:
    """Let a process of its own work on the run and kill it; True when it was done before."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(run.pk), verb],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "zhike.server.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stdout.close()
    return process.returncode == 0


def finished(run: ImportRun, verb: str) -> None:
    """Go on in this process; the server may still be ending the killed session."""
    for _ in range(100):
        try:
            _go_on(run, verb)
        except Refused as no:
            if no.code not in ("import_busy", "undo_busy"):
                raise
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The killed process still holds the run.")


def _go_on(run: ImportRun, verb: str) -> None:
    if verb == "undo":
        running.undo(ImportRun.objects.get(pk=run.pk), SYSTEM)
    else:
        running.work(run)


def new(path: Path) -> ImportRun:
    return running.new_run(path, target="orders", mapping=running.propose(path, "orders").mapping, by=SYSTEM)


KNOWN = "客户编号,客户名称\n" + "".join(f"K{n},旧名{n}\n" for n in range(0, 300, 3))


@pytest.mark.slow
def test_killed_again_and_again_an_import_ends_as_if_nothing_had_been(committed: Company, tmp_path: Path) -> None:
    bring_in(written(tmp_path, KNOWN, "known.csv"), "customers")
    before = picture()
    path = order_file(tmp_path)
    first = running.work(new(path))
    wanted, counts = steady_picture(), first.counts
    running.undo(first, SYSTEM)
    assert picture() == before
    random = np.random.default_rng(11)
    run = new(path)
    kills = 0
    for _ in range(KILLS):
        if killed_after(run, "work", float(random.uniform(0.02, 0.15))):
            break
        kills += 1
    finished(run, "work")
    run.refresh_from_db()
    assert kills > 2
    assert run.counts == counts
    found = steady_picture()
    assert {name: found[name] for name in found if name != "history"} == {name: wanted[name] for name in wanted if name != "history"}
    assert of_run(run) == of_run(first)


def of_run(run: ImportRun) -> list[Any]:
    """How many history rows of each kind point to the run's change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select kind, op, count(*), count(distinct object_id) from kernel_history where change_id = %s group by 1, 2 order by 1, 2",
            [run.change_id],
        )
        return list(cursor.fetchall())


@pytest.mark.slow
def test_a_killed_undo_goes_on_and_leaves_nothing(committed: Company, tmp_path: Path) -> None:
    bring_in(written(tmp_path, KNOWN, "known.csv"), "customers")
    before = picture()
    run = running.work(new(order_file(tmp_path)))
    random = np.random.default_rng(13)
    for _ in range(5):
        if killed_after(run, "undo", float(random.uniform(0.05, 0.4))):
            break
    if ImportRun.objects.get(pk=run.pk).state != "undone":
        finished(run, "undo")
    assert picture() == before


def test_when_the_database_lost_the_staging_it_is_made_again(db: None, tmp_path: Path) -> None:
    path = order_file(tmp_path)
    run = new(path)
    stop_after_products(run)
    plan = plan_of(run)
    with connection.cursor() as cursor:
        cursor.execute(f'truncate "{plan.stage}"')  # what a crash of the database does to unlogged tables
    assert not staging.is_staged(plan, run.counts["good"])
    running.work(run)
    customers = run.counts["customer"]
    assert (run.state, customers["inserted"], run.counts["order"]["inserted"]) == ("done", customers["records"], ORDERS)
    assert run.counts["customer"]["unchanged"] == 0


class Stopped(Exception):
    """What stands for a crash inside this process."""


def stop_after_products(run: ImportRun) -> None:
    """Let the import die once products are in."""

    def told(phase: str, done: int, total: int) -> None:
        if phase == "product" and done == total:
            raise Stopped

    with pytest.raises(Stopped):
        running.work(run, told)
    run.refresh_from_db()
    assert run.counts["product"]["inserted"] == 60
