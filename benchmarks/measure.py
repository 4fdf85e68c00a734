"""What all benchmarks share: the machine, times, processor time of processes, results as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """Processor, memory and versions."""
    info = Path("/proc/cpuinfo")
    models = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def save(name: str, facts: dict[str, Any]) -> Path:
    """Write the result of a benchmark with date, machine and load; the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    whole = {"benchmark": name, "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z", "machine": machine(), "load": os.getloadavg(), **facts}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    return path


def tell(text: str) -> None:
    """Progress for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, int(share * len(ranked) + 0.999999) - 1))]


@dataclass(slots=True)
class Clock:
    """Wall seconds of a block, and processor seconds of the processes given."""

    wall: float = 0.0
    busy: float = 0.0


@contextmanager
def clock(processes: Callable[[], Sequence[psutil.Process]] = lambda: [psutil.Process()]) -> Iterator[Clock]:
    """Measure a block."""
    found = Clock()
    before, began = processor_seconds(processes()), time.perf_counter()
    yield found
    found.wall = time.perf_counter() - began
    found.busy = processor_seconds(processes()) - before


def processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system seconds of live processes together."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def busy_milliseconds(processes: Sequence[psutil.Process]) -> float:
    """Processor time of all threads of the processes so far, to the microsecond where Linux tells it.

    What other programs on the machine do hardly changes it, so it compares runs better than the clock on the wall.
    """
    total = 0
    for process in processes:
        for file in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(file.read_text().split()[0])
    return total / 1_000_000


def database_processes(database: str) -> list[psutil.Process]:
    """The server processes that work for a database."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if f" {database} " in " ".join(one.info["cmdline"] or []) and "postgres:" in " ".join(one.info["cmdline"])
    ]


def family(pid: int) -> list[psutil.Process]:
    """A process with all below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])
