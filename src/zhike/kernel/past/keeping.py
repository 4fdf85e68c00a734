"""How long history is kept: sizes by month, what would go, and the job that drops whole months."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from django.db import connection, transaction

from zhike.kernel.actions import change_record, the_only
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.past.tables import LEAST_MONTHS, RETENTION_ID, Retention, retention

CHUNK = 5_000
MONTH = re.compile(r"kernel_history_(\d{4})(\d{2})")
SQL_SIZES = """
select c.relname, pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint
from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'kernel_history'::regclass order by c.relname
"""
# Changes of dropped months have no rows left; those that wrote nothing (a look, a failed import) go with their month.
SQL_FORGET = """
delete from kernel_change where id in (
  select c.id from kernel_change c where c.at < %s and not exists (select 1 from kernel_history h where h.change_id = c.id)
  and not exists (select 1 from kernel_change u where u.undoes_id = c.id) order by c.at limit %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month of history: its table, first day, bytes, rows as the database estimates them, and whether it would go today."""

    table: str
    start: dt.date
    size: int
    rows: int
    goes: bool


def first_kept(kept: Retention, today: dt.date) -> dt.date | None:
    """The first day of the oldest month that stays; None when all of it stays."""
    if not kept.months:
        return None
    # Undo (30 days) and the bin need what is younger, whatever was arranged.
    months = max(kept.months, LEAST_MONTHS, kept.bin_days // 30 + 2)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return dt.date(year, month + 1, 1)


def months(today: dt.date, kept: Retention | None = None) -> list[Month]:
    """The months there are, oldest first."""
    limit = first_kept(kept or retention(), today)
    with connection.cursor() as cursor:
        cursor.execute(SQL_SIZES)
        rows = cursor.fetchall()
    found = []
    for table, size, count in rows:
        named = MONTH.fullmatch(table)
        if named:
            start = dt.date(int(named[1]), int(named[2]), 1)
            found.append(Month(table=table, start=start, size=size, rows=count, goes=limit is not None and start < limit))
    return found


def drop_old(today: dt.date) -> list[str]:
    """Drop the months that are not kept any more, each in a transaction of its own, and the changes they leave empty; the tables' names."""
    gone = [month for month in months(today) if month.goes]
    for month in gone:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '5s'")
            cursor.execute(f'drop table "{month.table}"')
    limit = first_kept(retention(), today)
    if limit is not None:
        _drop_rest(limit)
        _forget_changes(limit)
    return [month.table for month in gone]


def _drop_rest(limit: dt.date) -> None:
    """Rows that came before their month had a table."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "delete from kernel_history_rest where ctid = any(array(select ctid from kernel_history_rest where at < %s limit %s))",
                [limit, CHUNK],
            )
            if cursor.rowcount < CHUNK:
                return


def _forget_changes(limit: dt.date) -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute(SQL_FORGET, [limit, CHUNK])
            if cursor.rowcount < CHUNK:
                return


def arrange(months: int | None, bin_days: int, *, by: Actor) -> Retention:
    """Set how long history and bin are kept. Raises Refused: not_permitted, months_too_few, bin_days_range."""
    if months is not None and months < LEAST_MONTHS:
        raise Refused("months_too_few", least=LEAST_MONTHS)
    if not 30 <= bin_days <= 3_650:
        raise Refused("bin_days_range")
    return change_record(the_only(Retention, by=by, pk=RETENTION_ID), {"months": months, "bin_days": bin_days}, by=by)
