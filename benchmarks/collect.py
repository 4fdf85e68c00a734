"""Put the last results of all benchmarks into results.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api
import lists
import rfm
from measure import RESULTS, table

TARGET = Path(__file__).resolve().parent / "results.md"


def demo(facts: dict[str, Any]) -> str:
    """`zhike demo … --json`, kept as results/demo.json."""
    rows = [(name, seconds) for name, seconds in facts["steps"].items()]
    return table(("step of the demo", "seconds"), [*rows, ("all", facts["seconds"])])


def imports(facts: dict[str, Any]) -> str:
    """The import benchmark."""
    rows = [(name, facts[name]["seconds"], facts[name]["rows_a_second"], facts[name]["peak_mb"]) for name in ("new", "unchanged")]
    return table(
        (f"{facts['rows']:,} rows, {facts['megabytes']} MB", "seconds", "rows a second", "peak MB"),
        [("raw COPY", facts["raw_copy"], facts["raw_rows_a_second"], ""), *rows],
    )


def memory(facts: dict[str, Any]) -> str:
    """Memory, starts, first page."""
    rows = [(name.replace("_", " "), f"{facts[name]} s") for name in ("first_start", "second_start", "stop")]
    rows += [(f"PSS of {name}", f"{size} MB") for name, size in facts["pss_mb"].items()]
    rows += [(f"page {name}", f"{page['kilobytes']} KB, visible in {page['visible_ms']} ms") for name, page in facts["pages"].items()]
    return table(("what", "value"), rows)


PARTS: tuple[tuple[str, str, Callable[[dict[str, Any]], str]], ...] = (
    ("demo", "A demo of 1,000,000 customers and 5,000,000 orders", demo),
    ("lists", "Lists, search and pages (milliseconds)", lists.summary),
    ("api", "The interface", api.summary),
    ("imports", "Import of new customers, and the same file again", imports),
    ("rfm", "RFM over all orders", rfm.summary),
    ("memory", "Memory, starts and the first page", memory),
)


def main() -> None:
    """Write results.md from what is there."""
    parts = [
        "# Results\n\nMade by `python benchmarks/collect.py` from the last run of each benchmark; times depend on what else the machine did."
    ]
    for name, title, draw in PARTS:
        path = RESULTS / f"{name}.json"
        if path.exists():
            facts = json.loads(path.read_text(encoding="utf-8"))
            machine = facts.get("machine", {})
            told = f"{facts.get('at', '')}, {machine.get('processor', '')}, {machine.get('cores', '')} cores, load {facts.get('load', ['?'])[0]}"
            parts.append(f"## {title}\n\n{told}\n\n{draw(facts)}")
    TARGET.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
