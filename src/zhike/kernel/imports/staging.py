"""From the file to the staging table: parsed and validated by column, good rows by COPY, refused rows to their file."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection

from zhike.kernel.imports.batches import Batch
from zhike.kernel.imports.own import lookup_frame
from zhike.kernel.imports.plans import SQL_TYPES, Plan, check_columns, quoted
from zhike.kernel.imports.reading import Source, Told, open_source
from zhike.kernel.imports.refusals import RefusedRow, RefusedRows, Words
from zhike.kernel.imports.targets import ImportField
from zhike.kernel.imports.values import ColumnEvidence, Kind, file_evidence, parse_column
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

_EVIDENCED = (Kind.DATE, Kind.DATETIME, Kind.DECIMAL, Kind.RATE, Kind.INTEGER)
_AHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What staging found: rows read, rows that are good, refusals by code, the first refused rows, warnings."""

    read: int
    good: int
    refused: int
    codes: Mapping[str, int]
    first: list[dict[str, Any]]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A file column on its way to a staged one."""

    file: str
    name: str
    one: ImportField
    entity: str
    lookup: pl.DataFrame | None = None


@dataclass(slots=True, kw_only=True)
class _Parsed:
    """A batch ready for COPY."""

    rows: int
    good: int
    csv: bytes


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Parses batch after batch in a thread of its own, while the database takes the one before."""

    plan: Plan
    source: Source
    refused: RefusedRows
    evidence: Mapping[str, ColumnEvidence]
    columns: list[_Column]
    out: queue.Queue[_Parsed | BaseException | None] = field(default_factory=lambda: queue.Queue(maxsize=_AHEAD))
    stopped: bool = False

    def run(self) -> None:
        try:
            for batch in self.source.batches(self.plan.batch):
                if self.stopped:
                    return
                self.out.put(self._parse(batch))
            self.out.put(None)
        except BaseException as error:  # told to the thread that waits
            self.out.put(error)

    def parsed(self) -> Iterator[_Parsed]:
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            while (item := self.out.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.stopped = True
            while thread.is_alive():
                _drain(self.out)
                thread.join(0.05)

    def _parse(self, batch: Batch) -> _Parsed:
        frame, errors, staged = batch.frame, {}, {"row_no": batch.rows}
        for column in self.columns if frame.height else ():
            values, wrong = parse_column(frame, column.file, column.one.shape, self.evidence.get(column.file, ColumnEvidence()))
            if column.lookup is not None:
                found, wrong = _looked_up(values, column, wrong)
                staged |= found
            staged[column.name] = values
            errors[column.file] = wrong
            if column.one.raw:
                staged[f"{column.entity}.{column.one.raw}"] = frame[column.file].str.strip_chars().str.slice(0, 60)
        for entity, made in self.plan.made() if frame.height else ():
            staged[f"{entity.name}.{made}"] = entity.makes[made][1](staged)
        self.refused.add_broken(batch.broken)
        if not frame.height:
            return _Parsed(rows=len(batch.broken), good=0, csv=b"")
        wrong_columns = {name: found for name, found in errors.items() if found.null_count() < found.len()}
        ready = pl.DataFrame([staged[name].alias(name) for name in _staged_types(self.plan)])
        if wrong_columns:
            ready = ready.filter(self.refused.add_errors(frame, batch.rows, wrong_columns))
        return _Parsed(rows=frame.height + len(batch.broken), good=ready.height, csv=ready.write_csv(include_header=False).encode())


def _drain(out: queue.Queue[Any]) -> None:
    try:
        out.get_nowait()
    except queue.Empty:
        return


def _looked_up(values: pl.Series, column: _Column, wrong: pl.Series) -> tuple[dict[str, pl.Series], pl.Series]:
    lookup, table = column.one.lookup, column.lookup
    assert lookup is not None
    assert table is not None
    joined = values.alias("word").to_frame().join(table, on="word", how="left", maintain_order="left")
    marker = next(iter(lookup.writes))
    is_unknown = joined["word"].is_not_null() & joined[marker].is_null() & wrong.is_null()
    codes = pl.select(pl.when(is_unknown).then(pl.lit(lookup.code)).otherwise(wrong)).to_series()
    return {f"{column.entity}.{name}": joined[name].cast(pl.String) for name in lookup.writes}, codes


def _staged_types(plan: Plan) -> dict[str, str]:
    """Columns of the staging table with their SQL types."""
    types = {"row_no": "bigint"}
    for path in plan.mapping.values():
        entity, one = plan.target.found(path)
        types[path] = SQL_TYPES.get(one.shape.kind, "text")
        if one.raw:
            types[f"{entity.name}.{one.raw}"] = "text"
        if one.lookup:
            types |= {f"{entity.name}.{name}": kind for name, kind in one.lookup.writes.items()}
    types |= {f"{entity.name}.{made}": "text" for entity, made in plan.made()}
    return types


def open_for(plan: Plan, path: Path) -> Source:
    """Open the file as the plan says; raises what `open_source` raises and `column_unknown`."""
    told = Told(sheet=plan.options.sheet, encoding=plan.options.encoding, delimiter=plan.options.delimiter)
    source = open_source(path, sheet=plan.options.sheet, told=told)
    try:
        check_columns(plan.mapping, source.columns)
    except BaseException:
        source.close()
        raise
    return source


def is_staged(plan: Plan, rows: int) -> bool:
    """Whether the staging table is there with all its rows; a database crash empties unlogged tables."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", [plan.stage])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"select count(*) from {quoted(plan.stage)}")
        return bool(cursor.fetchone()[0] == rows)


def stage(plan: Plan, path: Path, refused_path: Path, words: Words, on_batch: Callable[[int, int], None]) -> Staged:
    """Fill the staging table anew; `on_batch` hears rows read and the estimate. Always gives the same for the same file."""
    with open_for(plan, path) as source:
        columns = _columns(plan)
        dated = [column.file for column in columns if column.one.shape.kind in _EVIDENCED]
        evidence = file_evidence(source.batches(plan.batch), dated) if _needs_evidence(source, dated) else {}
        drop_tables(plan)
        types = _staged_types(plan)
        with connection.cursor() as cursor:
            cursor.execute(f"create unlogged table {quoted(plan.stage)} (" + ", ".join(f"{quoted(n)} {t}" for n, t in types.items()) + ")")
        read = good = 0
        headings = tuple(words(code, {}) for code in ("refused_row", "refused_column", "refused_reason"))
        with RefusedRows(refused_path, source.columns, words=words, headings=headings) as refused:  # type: ignore[arg-type]
            reader = _Reader(plan=plan, source=source, refused=refused, evidence=evidence, columns=columns)
            for batch in reader.parsed():
                _copy(plan, types, batch.csv)
                read, good = read + batch.rows, good + batch.good
                on_batch(read, max(source.row_estimate, read))
            refused.state()
            first = [shown_row(row) for row in refused.first]
            counts, bad = dict(refused.counts), refused.rows
        ambiguous = [name for name in dated if evidence.get(name, ColumnEvidence()).is_date_ambiguous]
        warnings = (*source.warnings, *(f"date_ambiguous:{name}" for name in ambiguous))
    _finish(plan)
    return Staged(read=read, good=good, refused=bad, codes=counts, first=first, warnings=warnings)


def _columns(plan: Plan) -> list[_Column]:
    found: list[_Column] = []
    for file, path in plan.mapping.items():
        entity, one = plan.target.found(path)
        table = lookup_frame(one.lookup, plan.actor) if one.lookup else None
        found.append(_Column(file=file, name=path, one=one, entity=entity.name, lookup=table))
    return found


def _needs_evidence(source: Source, dated: list[str]) -> bool:
    """A second reading is worth it only where the first rows leave the way of writing open."""
    if not dated:
        return False
    sample = source.sample(200)
    return any(
        sample[name].str.contains(r"^\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|^[^.]*\d,\d|\d\.\d{3},").any()
        for name in dated
        if name in sample.columns
    )


def shown_row(row: RefusedRow) -> dict[str, Any]:
    """A refused row as it is kept with the run."""
    problems = [{"column": one.column, "code": one.code, "facts": dict(one.facts)} for one in row.problems]
    return {"row": row.row, "cells": list(row.cells)[:60], "problems": problems}


def _copy(plan: Plan, types: Mapping[str, str], csv: bytes) -> None:
    if not csv:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy {quoted(plan.stage)} ({', '.join(map(quoted, types))}) from stdin (format csv)") as copy,
    ):
        copy.write(csv)


def _finish(plan: Plan) -> None:
    """Work out what needs the neighbours of a row, and let the planner know the table."""
    numbered = plan.target.numbering(frozenset(plan.mapping.values()))
    table = quoted(plan.stage)
    with connection.cursor() as cursor:
        if numbered:
            extra = ", ".join(f"{sql} as {quoted(name)}" for name, sql in numbered.items())
            cursor.execute(f"create unlogged table {quoted(plan.stage + '_n')} as select s.*, {extra} from {table} s order by s.row_no")
            cursor.execute(f"drop table {table}")
            cursor.execute(f"alter table {quoted(plan.stage + '_n')} rename to {table}")
        cursor.execute(f"alter table {table} add column dead boolean not null default false")
        cursor.execute(f"analyze {table}")


def drop_tables(plan: Plan) -> None:
    """Remove everything staged for this run."""
    drop_tables_of(plan.hex)


def drop_tables_of(run_hex: str) -> None:
    """Remove everything staged for the run with this id."""
    with connection.cursor() as cursor:
        for name in _stage_tables(f"zhike_stage_{run_hex}"):
            cursor.execute(f"drop table if exists {quoted(name)}")


def drop_tables_but(needed: set[str]) -> None:
    """Remove staging tables of all runs but these (ids as hex)."""
    prefix = "zhike_stage_"
    found = {name[len(prefix) : len(prefix) + 32] for name in _stage_tables(prefix)}
    for run_hex in found - needed:
        drop_tables_of(run_hex)


def _stage_tables(prefix: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = current_schema() and starts_with(tablename, %s)", [prefix])
        return [row[0] for row in cursor.fetchall()]
