"""From a stream of batches to one sorted Parquet file a month, in bounded memory."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhike.kernel.later import Later

from .manifest import EMPTY, Part, sync_folder

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa
else:
    duckdb, np, pa = Later("duckdb"), Later("numpy"), Later("pyarrow")

compute: Any = Later("pyarrow.compute")
parquet: Any = Later("pyarrow.parquet")

BUFFER_BYTES = 48 * 1024 * 1024
SORT_MEMORY = "280MB"  # a month of 170,000 lines sorts without going to disk, which halves the time
WHOLE = "all"
MONTH = re.compile(r"^\d{4,6}-\d\d$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """Raw rows of one month on disk, waiting to be sorted."""

    month: str
    path: Path
    rows: int


class Spool:
    """Collects rows by month in memory and moves all of them to disk when they outgrow the buffer."""

    def __init__(self, folder: Path, *, columns: tuple[tuple[str, str], ...], month_of: str = "") -> None:
        self._folder = folder
        self._schema = pa.schema([(name, pa.type_for_alias(alias)) for name, alias in columns])
        self._month_of = month_of
        self._waiting: dict[str, list[pa.Table]] = {}
        self._bytes = 0
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, int] = {}

    def fill(self, batches: Iterable[pa.RecordBatch]) -> tuple[Spooled, ...]:
        """Take all rows; gives the months found, in order, after the empty part."""
        self._append(EMPTY, self._schema.empty_table())
        for batch in batches:
            self._take(pa.Table.from_batches([batch]).cast(self._schema))
            if self._bytes > BUFFER_BYTES:
                self._flush()
        self._flush()
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        pa.default_memory_pool().release_unused()
        months = sorted(self._rows, key=lambda month: (month != EMPTY, month))
        return tuple(Spooled(month=month, path=self._path(month), rows=self._rows[month]) for month in months)

    def _take(self, rows: pa.Table) -> None:
        self._bytes += rows.nbytes
        if not self._month_of:
            self._append(WHOLE, rows)
            return
        day = rows[self._month_of]
        number = compute.add(compute.multiply(compute.year(day), 12), compute.subtract(compute.month(day), 1))
        order = compute.sort_indices(number)
        rows, number = rows.take(order), number.take(order).to_numpy()
        starts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)] if len(number) else [0]
        for start, end in pairwise(starts):
            year, month = divmod(int(number[start]), 12)
            self._append(f"{year:04d}-{month + 1:02d}", rows.slice(start, end - start))

    def _append(self, month: str, rows: pa.Table) -> None:
        self._waiting.setdefault(month, []).append(rows)
        self._rows[month] = self._rows.get(month, 0) + rows.num_rows

    def _flush(self) -> None:
        for month, tables in self._waiting.items():
            if month not in self._writers:
                self._writers[month] = parquet.ParquetWriter(
                    self._path(month), self._schema, compression="lz4", use_dictionary=False, write_statistics=False
                )
            self._writers[month].write_table(pa.concat_tables(tables))
        self._waiting.clear()
        self._bytes = 0

    def _path(self, month: str) -> Path:
        return self._folder / f"{month}.parquet"


def finish(spooled: Spooled, *, lake: Path, table: str, sql: str) -> Part:
    """Sort one month by `sql` (over `spool`) into its final file, named by its content and safely on disk."""
    made = spooled.path.with_suffix(".final")
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": SORT_MEMORY}) as engine:
        engine.execute(f"set temp_directory = {_quoted(spooled.path.parent / f'{spooled.month}.tmp')}")
        engine.execute(f"create view spool as from read_parquet({_quoted(spooled.path)}, hive_partitioning = false)")
        engine.execute(f"copy ({sql}) to {_quoted(made)} (format parquet, compression zstd, row_group_size 122880)")
    spooled.path.unlink()
    with made.open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
        os.fsync(content.fileno())
    folder = lake / table / f"month={spooled.month}" if MONTH.match(spooled.month) else lake / table
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"{spooled.month}-{checksum[:20]}.parquet"
    size = made.stat().st_size
    made.replace(final)
    sync_folder(folder)
    return Part(file=final.relative_to(lake).as_posix(), rows=spooled.rows, size=size, checksum=checksum)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
