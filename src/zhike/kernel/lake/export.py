"""Export by change: only months that history says were touched are read again; a manifest makes them count."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from zhike.kernel.errors import Refused

from .manifest import EMPTY, GRACE, Manifest, Part, read_manifest, sweep, write_manifest
from .source import ReadFrom, Source, open_source
from .spool import Spool, finish

FORMAT = 1
OVERLAP = dt.timedelta(minutes=10)  # clocks and hand-set times; history itself is covered by the watermark
SPOOL = ".spool"
Say = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeTable:
    """What one table of the lake is made of.

    `columns` name each column of the query with its Arrow type; `rows_sql` gives the PostgreSQL query for some months
    ("2024-01") or, with None, for all; `finish_sql` is a DuckDB query over `spool` that adds derived columns and sorts.
    With `month_of` (a date column) the table is kept by month and `touched_sql` gives months changed since a time;
    without it the table is one file, written again when the answer of `print_sql` differs from last time.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    rows_sql: Callable[[tuple[str, ...] | None], str]
    finish_sql: str
    month_of: str = ""
    touched_sql: Callable[[dt.datetime], str] | None = None
    print_sql: str = ""

    def __post_init__(self) -> None:
        """ValueError when it is not said how changes are found."""
        if bool(self.month_of) != (self.touched_sql is not None) or bool(self.month_of) == bool(self.print_sql):
            raise ValueError(f"{self.name} needs month_of with touched_sql, or print_sql alone.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export did: `months` touched by table, `rows` and files written, files that turned out equal."""

    full: bool
    months: dict[str, tuple[str, ...]]
    rows: int
    written: int
    kept: int
    removed: int
    watermark: dt.datetime
    seconds: float


@dataclass(slots=True, kw_only=True)
class _Run:
    source: Source
    lake: Path
    old: Manifest | None
    since: dt.datetime | None
    say: Say
    months: dict[str, tuple[str, ...]] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)
    touched: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by the query that found them
    rows: int = 0

    def before(self, table: LakeTable) -> Manifest | None:
        """The former state, where this table is in it as it is declared now."""
        return self.old if self.old is not None and self.old.schemas.get(table.name) == schema_of(table) else None


def export_changes(
    uri: str | ReadFrom,
    lake: Path,
    *,
    tables: tuple[LakeTable, ...],
    since: dt.datetime | None = None,
    full: bool = False,
    say: Say = lambda table, rows: None,
) -> ExportReport:
    """Bring the lake up to date with the database at `uri` (libpq URI), or with a primary by reading its replica.

    Everything is exported where there is no usable manifest, or `full`, and a table whose declaration changed as a whole;
    else what changed since the manifest's watermark (or `since`), less an overlap of ten minutes.
    `say(table, rows)` hears of progress. Refused("lake_export_running") when another export works on this lake.
    """
    started = time.monotonic()
    lake.mkdir(parents=True, exist_ok=True)
    with _alone(lake), open_source(uri) as source:
        old = None if full else _usable(lake)
        run = _Run(source=source, lake=lake, old=old, since=(since or old.watermark) if old else None, say=say)
        parts = {table.name: _export_table(run, table) for table in tables}
        now = dt.datetime.now(dt.UTC)
        manifest = _next(run, parts, schemas={table.name: schema_of(table) for table in tables}, now=now)
        write_manifest(lake, manifest)
        before = old.named() if old else frozenset()
        return ExportReport(
            full=not any(run.before(table) for table in tables),
            months=run.months,
            rows=run.rows,
            written=len(manifest.named() - before),
            kept=len(manifest.named() & before),
            removed=sweep(lake, manifest, now=now),
            watermark=source.watermark,
            seconds=time.monotonic() - started,
        )


def schema_of(table: LakeTable) -> str:
    """A mark that changes whenever the columns or the meaning of a lake table change."""
    told = f"{FORMAT}|{table.name}|{table.columns}|{table.finish_sql}|{table.rows_sql(None)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@contextmanager
def _alone(lake: Path) -> Iterator[None]:
    with (lake / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("lake_export_running", lake=str(lake)) from error
        shutil.rmtree(lake / SPOOL, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(lake / SPOOL, ignore_errors=True)


def _usable(lake: Path) -> Manifest | None:
    try:
        found = read_manifest(lake)
    except Refused:
        return None
    return found if found is not None and all((lake / file).exists() for file in found.named()) else None


def _export_table(run: _Run, table: LakeTable) -> dict[str, Part]:
    """The parts of one table after this run."""
    old = run.before(table)
    kept = dict(old.tables[table.name]) if old else {}
    if table.print_sql:
        run.prints[table.name] = str(run.source.column(table.print_sql)[0])
        if old and old.prints.get(table.name) == run.prints[table.name]:
            return kept
        return _write(run, table, None)
    months = _touched(run, table)
    if months == ():
        return kept
    fresh = _write(run, table, months)
    if months is None:
        return fresh
    return {month: part for month, part in kept.items() if month not in months} | fresh


def _touched(run: _Run, table: LakeTable) -> tuple[str, ...] | None:
    if run.since is None or table.touched_sql is None or run.before(table) is None:
        return None
    sql = table.touched_sql(run.since - OVERLAP)
    if sql not in run.touched:
        run.touched[sql] = tuple(sorted({str(month) for month in run.source.column(sql) if month is not None}))
    run.months[table.name] = run.touched[sql]
    return run.touched[sql]


def _write(run: _Run, table: LakeTable, months: tuple[str, ...] | None) -> dict[str, Part]:
    folder = run.lake / SPOOL / table.name
    folder.mkdir(parents=True)

    def told() -> Iterator[Any]:
        for batch in run.source.batches(table.rows_sql(months)):
            run.rows += batch.num_rows
            run.say(table.name, run.rows)
            yield batch

    spooled = Spool(folder, columns=table.columns, month_of=table.month_of).fill(told())
    if months is None and table.month_of:
        run.months[table.name] = tuple(one.month for one in spooled if one.month != EMPTY)
    work = partial(finish, lake=run.lake, table=table.name, sql=table.finish_sql)
    return {one.month: work(one) for one in spooled}


def _next(run: _Run, parts: dict[str, dict[str, Part]], *, schemas: dict[str, str], now: dt.datetime) -> Manifest:
    named = {part.file for of_table in parts.values() for part in of_table.values()}
    before = run.old or _or_none(run.lake)
    retired: dict[str, dt.datetime] = {}
    if before is not None:
        retired = dict.fromkeys(before.named() - named, now)
        retired |= {file: at for file, at in before.retired.items() if file not in named and now - at <= 2 * GRACE}
    return Manifest(
        schemas=schemas, watermark=run.source.watermark, made_at=now, tables=parts, prints=run.prints, retired=retired
    )  # fmt: skip


def _or_none(lake: Path) -> Manifest | None:
    try:
        return read_manifest(lake)
    except Refused:
        return None
