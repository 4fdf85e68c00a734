"""kill -9 of who changes records and of who delivers, at random moments: every committed change is told, doubles have equal ids and bodies."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from importlib import import_module
from typing import Any

import numpy as np
from import_kill import prepare
from measure import save, tell

START = """
import os, sys
import django
django.setup()
from tests import databases
databases.use_database(sys.argv[1])
from zhike.kernel.hooks import delivering
delivering.LEASE = 1
"""
CHANGER = (
    START
    + """
from tests.cast import actor
from zhike.customers.models import Customer
from zhike.kernel.actions import change_record, create_record
by = actor("管理员")
print("ready", flush=True)
number = 0
while True:
    made = create_record(Customer, {"name": f"{sys.argv[2]}-{number}", "kind": "company"}, by=by)
    change_record(made, {"city": "无锡"}, by=by)
    number += 1
"""
)
WORKER = (
    START
    + """
import time, uuid
print("ready", flush=True)
while True:
    delivering.work(uuid.UUID(sys.argv[2]))
    time.sleep(0.02)
"""
)


def run(code: str, database: str, argument: str) -> subprocess.Popen[str]:
    """A process at its work; it is ready when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, database, argument], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def check(receiver: Any, tables: Any, customers: set[str]) -> dict[str, Any]:
    """What came against what was committed."""
    bodies: dict[str, set[str]] = defaultdict(set)
    told: set[str] = set()
    for headers, body in receiver.heard:
        bodies[headers["webhook-id"]].add(body)
        event = json.loads(body)
        if event["type"].endswith("created"):
            told |= {record["id"] for record in event["data"]["records"]}
    messages = tables.HookMessage.objects
    return {
        "customers made": len(customers),
        "not told": len(customers - told),
        "told but not made": len(told - customers),
        "messages": messages.count(),
        "left over": messages.exclude(state="sent").count(),
        "received": len(receiver.heard),
        "doubles": len(receiver.heard) - len(bodies),
        "ids with two bodies": sum(len(found) > 1 for found in bodies.values()),
        "unknown ids": len(set(bodies) - {str(pk) for pk in messages.values_list("id", flat=True)}),
    }


def kill_at_random(times: int, random: np.random.Generator, database: str, hook: str) -> dict[str, int]:
    """Kill who changes or who delivers, and start it again, until it was done so many times; how often each."""
    kills = {"who changes": 0, "who delivers": 0}
    changer, worker, turn = run(CHANGER, database, "0"), run(WORKER, database, hook), 0
    while sum(kills.values()) < times:
        time.sleep(float(random.uniform(0.05, 0.7)))
        turn += 1
        if random.random() < 0.5:
            kill(changer)
            kills["who changes"] += 1
            changer = run(CHANGER, database, str(turn))
        else:
            kill(worker)
            kills["who delivers"] += 1
            worker = run(WORKER, database, hook)
    kill(changer)
    kill(worker)
    return kills


def main() -> int:
    """Kill, then let everything be told in peace; 1 when anything is lost or differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--seed", type=int, default=5)
    chosen = options.parse_args()
    os.environ |= {"ZHIKE_HOOK_NETWORKS": "127.0.0.0/8", "ZHIKE_HOOK_PLAIN": "1", "ZHIKE_LOG": "CRITICAL"}
    house = prepare()
    databases, cast, actions, tables, events, delivering, receiving, models, integrations, org = (
        import_module(name)
        for name in (
            "tests.databases", "tests.cast", "zhike.kernel.hooks.actions", "zhike.kernel.links.tables", "zhike.kernel.events",
            "zhike.kernel.hooks.delivering", "zhike.kernel.hooks.tests.receiver", "zhike.customers.models", "zhike.kernel.links.integrations",
            "zhike.org.models",
        )
    )  # fmt: skip
    connection = import_module("django.db").connection
    began = time.monotonic()
    databases.prepare_control()
    with databases.fresh_copy() as company, receiving.receiving() as receiver:
        admin = cast.actor("管理员")
        row = tables.Integration(name="仓库", role_id=org.Role.objects.get(code="admin").pk)
        integrations.save_integration(row, by=admin)
        hook = tables.Hook(name="仓库", url=receiver.url, integration=row, events={"customers.customer": ["created", "changed"]})
        actions.save_hook(hook, by=admin)
        kills = kill_at_random(chosen.kills, np.random.default_rng(chosen.seed), company.database, str(hook.pk))
        time.sleep(1.5)  # leases of the killed run out
        while events.tell_waiting():
            continue
        delivering.ROUND = 600.0
        delivering.work(hook.pk)
        found = check(receiver, tables, {str(pk) for pk in models.Customer.objects.values_list("pk", flat=True)})
        connection.close()
    facts = {"kills": kills, "seconds": round(time.monotonic() - began), **found}
    tell(f"{facts}; saved in {save('hook_kill', facts)}")
    house.server.stop()
    bad = ("not told", "told but not made", "left over", "ids with two bodies", "unknown ids")
    return 1 if any(found[name] for name in bad) else 0


if __name__ == "__main__":
    raise SystemExit(main())
