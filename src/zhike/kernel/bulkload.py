"""Filling whole tables fast: indexes, constraints and history triggers are put aside and made again at the end.

What was put aside is kept in the table `kernel_bulkload_kept`, in the same transaction that drops it, so a load that
was killed leaves nothing missing for good: `repair` makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

Say = Callable[[str, int, int], None]

LOCK = "hashtextextended('zhike.bulkload', 0)"
MEMORY = "1GB"
WORKERS = 2
SLICE = 1 << 18
SQL_TABLE = """
create table if not exists kernel_bulkload_kept (
  position int generated always as identity primary key,
  rank smallint not null,
  name text not null,
  putting_back text not null,
  putting_aside text not null
)
"""
# In the order in which things are put back; putting aside goes the other way round.
SQL_FIND: LiteralString = """
with chosen as (select to_regclass(name) as id from unnest(%(tables)s::text[]) name),
found as (
  select 1 as rank, c.conname::text as name, c.conrelid as relation,
    format('alter table %%s add constraint %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as back,
    format('alter table %%s drop constraint %%I', c.conrelid::regclass, c.conname) as aside
  from pg_constraint c where c.contype in ('p', 'u') and c.conrelid in (select id from chosen)
  union all
  select 2, i.relname::text, x.indrelid, pg_get_indexdef(x.indexrelid), format('drop index %%s', x.indexrelid::regclass)
  from pg_index x join pg_class i on i.oid = x.indexrelid
  where x.indrelid in (select id from chosen) and not exists (select from pg_constraint c where c.conindid = x.indexrelid and c.contype in ('p', 'u', 'x'))
  union all
  select 3, c.conname::text, c.conrelid,
    format('alter table %%s add constraint %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)),
    format('alter table %%s drop constraint %%I', c.conrelid::regclass, c.conname)
  from pg_constraint c
  where c.contype = 'f' and (c.conrelid in (select id from chosen) or c.confrelid in (select id from chosen))
  union all
  select 4, t.tgname::text, t.tgrelid,
    format('alter table %%s enable trigger %%I', t.tgrelid::regclass, t.tgname),
    format('alter table %%s disable trigger %%I', t.tgrelid::regclass, t.tgname)
  from pg_trigger t where t.tgrelid in (select id from chosen) and not t.tgisinternal and t.tgenabled <> 'D'
)
insert into kernel_bulkload_kept (rank, name, putting_back, putting_aside)
select rank, name, back, aside from found order by rank, relation::text, name
"""


@contextmanager
def bulk_load(connection: psycopg.Connection, tables: Sequence[str], *, say: Say = lambda name, done, total: None) -> Iterator[None]:
    """Put aside what slows loading of `tables` down, and make it again after the block, also when the block failed.

    Needs an autocommit connection. Rows loaded meanwhile have no history, and nobody else may use the tables. `say`
    hears the name of each index or constraint that was made again, how many are done, and of how many.
    """
    connection.execute(f"select pg_advisory_lock({LOCK})")
    try:
        _put_aside(connection, tables)
        try:
            yield
        finally:
            _put_back(connection, say)
    finally:
        connection.execute(f"select pg_advisory_unlock({LOCK})")


def repair(connection: psycopg.Connection) -> list[str]:
    """Make again what a killed load left aside; the names, none when all is well or a load is at work right now.

    Needs an autocommit connection; costs a millisecond when there is nothing to do.
    """
    if not left_aside(connection):
        return []
    row = connection.execute(f"select pg_try_advisory_lock({LOCK})").fetchone()
    if row is None or not row[0]:
        return []
    try:
        return _put_back(connection, lambda name, done, total: None)
    finally:
        connection.execute(f"select pg_advisory_unlock({LOCK})")


def left_aside(connection: psycopg.Connection) -> int:
    """How many indexes, constraints and triggers are aside: of a load at work, or of one that was killed."""
    row = connection.execute("select to_regclass('kernel_bulkload_kept') is not null").fetchone()
    if row is None or not row[0]:
        return 0
    counted = connection.execute("select count(*) from kernel_bulkload_kept").fetchone()
    return int(counted[0]) if counted else 0


def _put_aside(connection: psycopg.Connection, tables: Sequence[str]) -> None:
    with connection.transaction():
        connection.execute(SQL_TABLE)
        connection.execute(SQL_FIND, {"tables": list(tables)})
        for (aside,) in connection.execute("select putting_aside from kernel_bulkload_kept order by position desc").fetchall():
            connection.execute(aside)


def _put_back(connection: psycopg.Connection, say: Say) -> list[str]:
    """One transaction for each, so that a kill in between loses nothing and repeats nothing."""
    kept = connection.execute("select position, name, putting_back from kernel_bulkload_kept order by position").fetchall()
    names = []
    for done, (position, name, back) in enumerate(kept, start=1):
        with connection.transaction():
            connection.execute(f"set local maintenance_work_mem = '{MEMORY}'")
            connection.execute(f"set local max_parallel_maintenance_workers = {WORKERS}")
            connection.execute(back)
            connection.execute("delete from kernel_bulkload_kept where position = %s", [position])
        names.append(name)
        say(name, done, len(kept))
    return names


def copy_frame(connection: psycopg.Connection, table: str, frame: pl.DataFrame, *, freeze: bool = False) -> int:
    """Append a frame to the columns of a table that have its names; the number of rows.

    `freeze` spares the first vacuum; the table must have been truncated in the same transaction.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    options = sql.SQL("format csv, freeze") if freeze else sql.SQL("format csv")
    command = sql.SQL("copy {} ({}) from stdin ({})").format(sql.Identifier(table), columns, options)
    # Nulls are bare and empty texts quoted, which is how COPY tells them apart.
    text = frame.write_csv(include_header=False, null_value="", datetime_format="%Y-%m-%d %H:%M:%S%.6f+00").encode()
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for start in range(0, len(text), SLICE):
            copy.write(text[start : start + SLICE])
    return frame.height


def truncate(connection: psycopg.Connection, tables: Sequence[str]) -> None:
    """Empty tables, so that `copy_frame(…, freeze=True)` may follow in the same transaction."""
    connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
