"""Put the last results of all benchmarks into results.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api
import list_grid
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
    rows += [(f"PSS of {name}", f"{size} MB, {facts['pss_mb_used'][name]} MB after pages") for name, size in facts["pss_mb"].items()]
    rows += [(f"page {name}", f"{page['kilobytes']} KB, visible in {page['visible_ms']} ms") for name, page in facts["pages"].items()]
    return table(("what", "value"), rows)


def grid(facts: dict[str, Any]) -> str:
    """Every order with every filter."""
    cells = [{**cell, "wall": tuple(cell["wall"])} for cell in facts["cells"]]
    return list_grid.summary([list_grid.Cell(**cell) for cell in cells])


def throughput(facts: dict[str, Any]) -> str:
    """List pages a second."""
    rows = [(name, one["per_second"], one["p50"], one["p95"]) for name, one in facts["measured"].items()]
    return table((f"{facts['clients']} clients, {facts['workers']} web processes", "answers a second", "p50 ms", "p95 ms"), rows)


def bulk(facts: dict[str, Any]) -> str:
    """A bulk change beside the bare UPDATE."""
    bare = facts["seconds"]["bare UPDATE"]
    rows = [(name, round(value, 1), round(value / bare, 2)) for name, value in facts["seconds"].items()]
    return table((f"{facts['rows']:,} of {facts['customers']:,} customers", "seconds", "x the bare UPDATE"), rows)


def as_of(facts: dict[str, Any]) -> str:
    """Lists as of a moment."""
    return table(
        (f"list, {facts['changed since']:,} records changed since", "p50 ms", "p95 ms"), [tuple(row.values()) for row in facts["lists"]]
    )


def kills(facts: dict[str, Any]) -> str:
    """kill -9 at random moments."""
    told = {name: value for name, value in facts.items() if name not in ("benchmark", "at", "machine", "load")}
    return table(("what", "value"), [(name, str(value)) for name, value in told.items()])


PARTS: tuple[tuple[str, str, Callable[[dict[str, Any]], str]], ...] = (
    ("demo", "A demo of 1,000,000 customers and 5,000,000 orders", demo),
    ("lists", "Lists, search and pages (milliseconds)", lists.summary),
    ("list_grid", "Every order of the customers with twelve filters, first and deep page, three people (milliseconds)", grid),
    ("throughput", "List pages a second at 1,000,000 customers", throughput),
    ("bulk", "A bulk change with history", bulk),
    ("as_of", "Lists as of a past moment, 1,000,000 customers", as_of),
    ("api", "The interface", api.summary),
    ("imports", "Import of new customers, and the same file again", imports),
    ("rfm", "RFM over all orders", rfm.summary),
    ("memory", "Memory, starts and the first page", memory),
    ("import_kill", "kill -9 during imports and their undo", kills),
    ("bulk_kill", "kill -9 during bulk changes and their undo", kills),
    ("hook_kill", "kill -9 while webhooks are delivered", kills),
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
