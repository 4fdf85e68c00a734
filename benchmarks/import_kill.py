"""kill -9 of the worker or the database at random moments of an import and of its undo; the end must equal an undisturbed one."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from measure import save, tell

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
tests_database = import_module("tests.database")


@dataclass(slots=True)
class House:
    """The database server of this run, which is killed and started again on the same data."""

    server: Any
    kills_of_database: int = 0
    kills_of_worker: int = 0

    def kill_database(self) -> None:
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.kills_of_database += 1
        for _ in range(200):
            try:
                programs = Path(self.server.process.args[0]).parent
                self.server = tests_database._started(self.server.folder, programs, tests_database.service_user(create=True))
            except RuntimeError:
                time.sleep(0.1)  # sessions of the killed server are still ending
            else:
                return
        raise RuntimeError("The database did not come back.")


def prepare() -> House:
    """Start a server and point this process and its children at it."""
    server = tests_database.start_server()
    os.environ |= {
        "ZHIKE_TEST_URL": server.url, "ZHIKE_TEST_RUN": secrets.token_hex(4), "ZHIKE_HOME": tempfile.mkdtemp(prefix="zhike-kill-", dir="/tmp"),
        "DJANGO_SETTINGS_MODULE": "zhike.server.settings",
    }  # fmt: skip
    os.environ["DATABASE_URL"] = server.url.format(name=f"zt_{os.environ['ZHIKE_TEST_RUN']}_control_main")
    import_module("django").setup()
    return House(server=server)


def disturb(house: House, argv: Sequence[str], kills: int, random: np.random.Generator) -> None:
    """Start a program that says when it is ready, and kill it or the database under it: `kills` times, or until it is done."""
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", *argv], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=float(random.uniform(0.02, 0.6)))
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
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--seed", type=int, default=5)
    chosen = options.parse_args()
    house = prepare()
    databases, story, bringing, running = (
        import_module(name)
        for name in ("tests.databases", "tests.flows.test_import_resume", "tests.flows.bringing_in", "zhike.kernel.imports.running")
    )
    system = import_module("zhike.kernel.actor").SYSTEM
    connection = import_module("django.db").connection
    random = np.random.default_rng(chosen.seed)
    differing: list[str] = []
    began = time.monotonic()
    databases.prepare_control()
    with databases.fresh_copy(), tempfile.TemporaryDirectory() as folder:
        bringing.bring_in(bringing.written(Path(folder), story.KNOWN, "known.csv"), "customers")
        before, path = bringing.picture(), story.order_file(Path(folder))
        first = running.work(story.new(path))
        wanted, history, counts = bringing.steady_picture(), story.of_run(first), first.counts
        running.undo(first, system)
        rounds = 0
        while house.kills_of_database + house.kills_of_worker < chosen.kills:
            rounds += 1
            run = story.new(path)
            disturb(house, (story.WORKER, str(run.pk), "work"), 6, random)
            connection.close()
            story.finished(run, "work")
            run.refresh_from_db()
            found = bringing.steady_picture()
            differing += [name for name in found if name != "history" and found[name] != wanted[name]]
            differing += ["history"] * (story.of_run(run) != history) + ["counts"] * (run.counts != counts)
            disturb(house, (story.WORKER, str(run.pk), "undo"), 4, random)
            connection.close()
            run.refresh_from_db()
            if run.state != "undone":
                story.finished(run, "undo")
            differing += ["undo"] * (bringing.picture() != before)
        connection.close()
    facts = {
        "kills of the worker": house.kills_of_worker, "kills of the database": house.kills_of_database, "imports and undos": rounds,
        "seconds": round(time.monotonic() - began), "different": sorted(set(differing)),
    }  # fmt: skip
    tell(f"{facts}; saved in {save('import_kill', facts)}")
    house.server.stop()
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
