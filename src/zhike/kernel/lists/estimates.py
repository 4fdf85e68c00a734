"""What the database expects of a condition, kept for a moment: the same list is asked for many times a minute.

An expectation decides how a page is found and stands beside a list as "about so many". It comes from statistics that
are hours old, so that it may be some seconds older still.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from ..places import database_here

KEPT = 2_000
SECONDS = 20.0

_plans: OrderedDict[tuple[str, str, str], tuple[float, Mapping[str, Any]]] = OrderedDict()


def plan_of(sql: str, params: Sequence[Any]) -> Mapping[str, Any]:
    """The planner's topmost node for a statement, at most `SECONDS` old; nothing is read of the table."""
    key = (database_here(), sql, repr(params))
    now = time.monotonic()
    known = _plans.get(key)
    if known is not None and now - known[0] < SECONDS:
        return known[1]
    with connection.cursor() as cursor:
        cursor.execute(f"explain (format json) {sql}", params)
        plan = cursor.fetchone()[0]
    found: Mapping[str, Any] = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    _plans[key] = (now, found)
    _plans.move_to_end(key)
    while len(_plans) > KEPT:
        _plans.popitem(last=False)
    return found


def forget_plans() -> None:
    """Ask anew from here on (between tests)."""
    _plans.clear()
