"""What happened to one field while somebody was editing it: what it held before, who changed it, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..actor import Actor
from ..fields import field_of
from ..models import Record
from ..past.entries import Step, of_record
from ..spec import ObjectSpec
from .history import who
from .past_words import told


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """The value in words before the first change that the editor did not know, and who made the last one."""

    before: str
    who: str
    at: dt.datetime


def meanwhile(spec: ObjectSpec, record: Record, name: str, *, since: int, by: Actor) -> Meanwhile | None:
    """The changes of a field after version `since`; None when the history has none of them any more."""
    column = name if spec.field(name).is_custom else field_of(record, name).attname
    chapters, _next = of_record(spec.model, record.pk)
    steps = [one.own for one in chapters if one.own is not None and _touches(one.own, column, since)]
    if not steps:
        return None
    first, last = steps[-1], steps[0]
    row = told([first], by).get(first.entry.hid)
    label = str(spec.field(name).label)
    line = next((line for line in row.lines if str(line.label) == label), None) if row else None
    return Meanwhile(before=line.old if line and not line.is_covered else "", who=who(last.change), at=last.entry.at)


def _touches(step: Step, column: str, since: int) -> bool:
    return step.entry.op == "U" and column in (step.entry.old or {}) and int((step.before or {}).get("version") or 0) >= since
