"""One job of analytics in a process of its own, which gives all its memory back: `python -m zhike.analytics.run`.

Reads what to do from standard input and prints a report, both JSON; ends with code 3 and the refusal when refused.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from zhike.kernel.errors import Refused
from zhike.kernel.lake.export import ExportReport
from zhike.kernel.lake.source import ReadFrom

from .facts import Kinds, Own, export_facts, open_facts
from .scoring import score_all

REFUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to do ("lake": export what changed; "value": that, then score and write back) and for which company.

    `uri` is the primary; where there is a `replica`, the export reads that one, and the primary only when it is away or behind.
    """

    what: Literal["lake", "value"]
    uri: str
    lake: str
    kinds: dict[str, int]
    own: dict[str, Any] = field(default_factory=dict)
    full: bool = False
    replica: str = ""


def run(work: Work) -> dict[str, Any]:
    """Do it here and now; gives rows, files, seconds. Refused as `export_facts` and `score_all`."""
    lake = Path(work.lake)
    what: dict[str, Any] = {"kinds": Kinds(**work.kinds), "own": Own.read(work.own)}
    exported, read = _exported(work, lake, what)
    report: dict[str, Any] = {
        "rows": exported.rows,
        "files": exported.written,
        "seconds": {"export": round(exported.seconds, 2)},
        "read": read,
    }
    if work.what == "lake":
        return report
    value = score_all(work.uri, open_facts(lake))
    # Figures by segment read the segment from the lake.
    again = export_facts(work.uri, lake, **what)
    report["seconds"] |= {**value.seconds, "export_again": round(again.seconds, 2)}
    return report | {"as_of": value.as_of, "customers": value.customers, "changed": value.changed}


def _exported(work: Work, lake: Path, what: dict[str, Any]) -> tuple[ExportReport, str]:
    """The report of the export, and what was read: replica or primary."""
    if work.replica:
        try:
            where = ReadFrom(uri=work.replica, primary=work.uri)
            return export_facts(where, lake, **what, full=work.full), "replica"
        except Refused as refusal:
            if refusal.code not in ("replica_behind", "replica_lost"):
                raise
    return export_facts(work.uri, lake, **what, full=work.full), "primary"


def main() -> int:
    """Read, work, report."""
    work = Work(**json.load(sys.stdin))
    try:
        print(json.dumps(run(work)))  # noqa: T201
    except Refused as refusal:
        print(json.dumps({"code": refusal.code}))  # noqa: T201
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
