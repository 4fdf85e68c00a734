"""What follows from changed facts (totals, sums on a customer) is worked out set-wise after imports and undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from . import history

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Derived columns of one table.

    `touched` is SQL that selects the `id`s to look at for the change %(change)s, read from the history;
    `apply` writes those of `table` (n bigint, id uuid) with lo < n <= hi, only where a value differs.
    """

    name: str
    touched: Callable[[], str]
    apply: Callable[[Any, str, int, int], int]
    done_by_import: bool = False
    labels: tuple[str, ...] = ()  # object types whose single changes it follows at once


_followups: list[FollowUp] = []


def add_followup(followup: FollowUp) -> None:
    """Declare a follow-up; they run in the order of the domains, lower ones first."""
    _followups.append(followup)


def all_followups() -> Sequence[FollowUp]:
    return tuple(_followups)


def settle(change_id: str, label: str) -> None:
    """Work out, in the transaction of a single change, what follows from it."""
    for followup in _followups:
        if label not in followup.labels:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"select array_agg(distinct id) from ({followup.touched()}) x where id is not null", {"change": change_id})
            ids = (cursor.fetchone() or [None])[0]
            if not ids:
                continue
            cursor.execute("create temporary table zhike_followup (n bigint, id uuid) on commit drop")
            cursor.execute("insert into zhike_followup select row_number() over (), u from unnest(%s::uuid[]) u", [ids])
            followup.apply(cursor, "zhike_followup", 0, len(ids))
            cursor.execute("drop table zhike_followup")


def collect(followup: FollowUp, change_id: str, table: str) -> int:
    """Fill the work table of a follow-up (it is made anew) and answer how many records it has."""
    with connection.cursor() as cursor:
        cursor.execute(f'drop table if exists "{table}"')
        cursor.execute(
            f'create unlogged table "{table}" as select row_number() over (order by id) as n, id from ({followup.touched()}) x '
            "where id is not null group by id",
            {"change": change_id},
        )
        cursor.execute(f'create index on "{table}" (n)')
        cursor.execute(f'select count(*) from "{table}"')
        return int(cursor.fetchone()[0])


def follow_up(change_id: str, prefix: str, on_progress: OnProgress, *, is_import: bool, chunk: int = 20_000) -> None:
    """Work out what follows from a change; writing only what differs, it may run any number of times."""
    for followup in all_followups():
        if is_import and followup.done_by_import:
            continue
        table = f"{prefix}_f"
        total = collect(followup, change_id, table)
        for lo in range(0, total, chunk):
            hi = min(lo + chunk, total)
            with transaction.atomic():
                history.continue_change(uuid.UUID(change_id))
                with connection.cursor() as cursor:
                    followup.apply(cursor, table, lo, hi)
                on_progress(followup.name, hi, total)
        with connection.cursor() as cursor:
            cursor.execute(f'drop table if exists "{table}"')
