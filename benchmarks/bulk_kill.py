"""kill -9 of the worker or the database at random moments of a bulk change and of its undo; the end must equal an undisturbed one."""

from __future__ import annotations

import argparse
import time
from importlib import import_module
from typing import Any

import numpy as np
from import_kill import House, disturb, prepare
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


class Story:
    """Customers that a bulk change moves to another city and its undo moves back."""

    def __init__(self) -> None:
        named = (
            "tests.databases", "tests.made", "tests.cast", "zhike.kernel.bulk.running", "zhike.kernel.bulk.choosing", "zhike.kernel.bulk.tables",
            "zhike.customers.models", "zhike.kernel.actor", "zhike.kernel.undo", "zhike.kernel.models", "django.db",
        )  # fmt: skip
        modules = {name.rpartition(".")[2]: import_module(name) for name in named[:6]}
        self.databases, self.made, self.cast, self.running, self.choosing, self.tables = modules.values()
        self.customer, self.system = import_module(named[6]).Customer, import_module(named[7]).SYSTEM
        self.undo_change, self.entries_of = import_module(named[8]).undo_change, import_module(named[9]).HistoryEntry
        self.connection = import_module(named[10]).connection
        self.before: Any = None

    def fill(self) -> None:
        owner = self.cast.actor("林悦")
        for number in range(ROWS):
            self.made.customer(f"客户{number}", owner.user_id, owner.home_team, city="苏州")
        self.before = self.picture()

    def picture(self) -> Any:
        return list(self.customer.objects.order_by("pk").values_list("pk", "name", "city", "grade"))

    def ordered(self) -> Any:
        kept = self.running.kept(self.system)
        run = self.tables.BulkRun(label="customers.customer", verb="set", values={"city": "无锡"}, actor=kept, actor_name="x")
        run.total = self.choosing.write_down(self.customer.objects.all(), run.table)
        run.save(force_insert=True)
        return run

    def round(self, house: House, random: np.random.Generator) -> list[str]:
        """One change and its undo, disturbed; what differs from an undisturbed one."""
        run = self.ordered()
        disturb(house, (STORY, str(run.pk), "work", str(CHUNK)), 8, random)
        self.connection.close()
        run.refresh_from_db()
        if run.state in self.running.WORKING:
            self.running.work(run, chunk=CHUNK)
        run.refresh_from_db()
        wanted = [(pk, who, "无锡", grade) for pk, who, _city, grade in self.before]
        told = self.entries_of.objects.filter(change_id=run.change_id).count()
        found = ["rows"] * (self.picture() != wanted) + ["history"] * (told != ROWS) + ["counts"] * (run.counts != {"changed": ROWS})
        disturb(house, (STORY, str(run.pk), "undo", str(CHUNK)), 8, random)
        self.connection.close()
        if self.running.change_of(run).undone_at is None:
            self.undo_change(run.change_id, by=self.system, chunk=CHUNK)
        return found + ["undo"] * (self.picture() != self.before)


def main() -> int:
    """Run the story; 1 when anything differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=40)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    house = prepare()
    story, random = Story(), np.random.default_rng(chosen.seed)
    differing: list[str] = []
    began, rounds = time.monotonic(), 0
    story.databases.prepare_control()
    with story.databases.fresh_copy():
        story.fill()
        while house.kills_of_database + house.kills_of_worker < chosen.kills:
            rounds += 1
            differing += story.round(house, random)
        story.connection.close()
    facts = {
        "kills of the worker": house.kills_of_worker, "kills of the database": house.kills_of_database, "bulk changes and undos": rounds,
        "rows": ROWS, "seconds": round(time.monotonic() - began), "different": sorted(set(differing)),
    }  # fmt: skip
    tell(f"{facts}; saved in {save('bulk_kill', facts)}")
    house.server.stop()
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
