"""kill -9 of the worker or the database at random moments of a bulk change and of its undo; the end must equal an undisturbed one."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np
from import_kill import House, prepare
from measure import save, tell

ROWS, CHUNK = 3_000, 150
STORY = """
import sys, uuid
import django
django.setup()
from zhike.kernel.actor import SYSTEM
from zhike.kernel.bulk import running
from zhike.kernel.bulk.tables import BulkRun
from zhike.kernel.undo import undo_change
from zhike.server.companies import use_company
with use_company("ceshi"):
    run = BulkRun.objects.get(pk=uuid.UUID(sys.argv[1]))
    print("ready", flush=True)
    if sys.argv[2] == "work":
        running.work(run, chunk=int(sys.argv[3]))
    else:
        undo_change(run.change_id, by=SYSTEM, chunk=int(sys.argv[3]))
"""


def disturb(house: House, run: Any, verb: str, kills: int, random: np.random.Generator) -> None:
    """Kill `kills` times, or until it is done."""
    for _ in range(kills):
        argv = [sys.executable, "-c", STORY, str(run.pk), verb, str(CHUNK)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=float(random.uniform(0.02, 0.5)))
        except subprocess.TimeoutExpired:
            if random.random() < 0.4:
                house.kill_database()
                process.wait(timeout=60)
            else:
                process.kill()
                process.wait()
                house.kills_of_worker += 1
        process.stdout.close()
        if process.returncode == 0:
            return


def main() -> int:
    """Run the story; 1 when anything differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=40)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    house = prepare()
    databases, made, cast, running, choosing, tables, models, actor, undo = (
        import_module(name)
        for name in (
            "tests.databases", "tests.made", "tests.cast", "zhike.kernel.bulk.running", "zhike.kernel.bulk.choosing", "zhike.kernel.bulk.tables",
            "zhike.customers.models", "zhike.kernel.actor", "zhike.kernel.undo",
        )
    )  # fmt: skip
    connection = import_module("django.db").connection
    customer = models.Customer
    random = np.random.default_rng(chosen.seed)
    differing: list[str] = []
    began, rounds = time.monotonic(), 0
    databases.prepare_control()

    def picture() -> Any:
        rows = customer.objects.order_by("pk").values_list("pk", "name", "city", "grade")
        return list(rows)

    def entries(run: Any) -> int:
        history = import_module("zhike.kernel.models").HistoryEntry
        return int(history.objects.filter(change_id=run.change_id).count())

    with databases.fresh_copy():
        owner = cast.actor("林悦")
        for number in range(ROWS):
            made.customer(f"客户{number}", owner.user_id, owner.home_team, city="苏州")
        before = picture()
        while house.kills_of_database + house.kills_of_worker < chosen.kills:
            rounds += 1
            run = tables.BulkRun(label="customers.customer", verb="set", values={"city": "无锡"}, actor=running.kept(actor.SYSTEM), actor_name="x")
            run.total = choosing.write_down(customer.objects.all(), run.table)
            run.save(force_insert=True)
            disturb(house, run, "work", 8, random)
            connection.close()
            run.refresh_from_db()
            if run.state in running.WORKING:
                running.work(run, chunk=CHUNK)
            run.refresh_from_db()
            wanted = [(pk, who, "无锡", grade) for pk, who, _city, grade in before]
            differing += ["rows"] * (picture() != wanted) + ["history"] * (entries(run) != ROWS) + ["counts"] * (run.counts != {"changed": ROWS})
            disturb(house, run, "undo", 8, random)
            connection.close()
            if running.change_of(run).undone_at is None:
                undo.undo_change(run.change_id, by=actor.SYSTEM, chunk=CHUNK)
            differing += ["undo"] * (picture() != before)
        connection.close()
    facts = {
        "kills of the worker": house.kills_of_worker, "kills of the database": house.kills_of_database, "bulk changes and undos": rounds,
        "rows": ROWS, "seconds": round(time.monotonic() - began), "different": sorted(set(differing)),
    }  # fmt: skip
    tell(f"{facts}; saved in {save('bulk_kill', facts)}")
    house.server.stop()
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
