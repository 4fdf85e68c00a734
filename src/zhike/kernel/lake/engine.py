"""One DuckDB in a process reads every lake; each thread has its own cursor on it."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhike.kernel.errors import Refused
from zhike.kernel.later import Later

from .manifest import Manifest, read_manifest

if TYPE_CHECKING:
    import duckdb
    import ibis.expr.types as ir
else:
    duckdb = Later("duckdb")

backend: Any = Later("ibis.backends.duckdb")

MEMORY = os.environ.get("ZHIKE_LAKE_MEMORY", "1GB")
THREADS = int(os.environ.get("ZHIKE_LAKE_THREADS", "2"))
KEEP = 8  # lakes, or states of one lake, that a thread holds open


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """The tables of a lake at one moment, as Ibis tables; valid in the thread that opened it."""

    manifest: Manifest
    tables: Mapping[str, ir.Table]


class _Engine:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._root: Any = None

    def cursor(self) -> Any:
        with self._lock:
            if self._root is None:
                spill = os.path.join(tempfile.gettempdir(), f"zhike-lake-{os.getpid()}")
                config: dict[str, str | bool | int | float | list[str]] = {
                    "memory_limit": MEMORY,
                    "threads": THREADS,
                    "temp_directory": spill,
                }
                self._root = duckdb.connect(":memory:", config=config)
                self._root.execute("set parquet_metadata_cache = true")  # no file ever changes
            return self._root.cursor()


class _Local(threading.local):
    def __init__(self) -> None:
        self.connection: Any = None
        self.open: OrderedDict[tuple[str, str], Lake] = OrderedDict()
        self.count = 0


_engine = _Engine()
_local = _Local()


def open_lake(folder: Path) -> Lake:
    """The lake as its manifest names it now; Refused("lake_missing") before the first export."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise Refused("lake_missing", lake=str(folder))
    key = (str(folder), manifest.made_at.isoformat())
    if key not in _local.open:
        _local.open[key] = _load(folder, manifest)
        while len(_local.open) > KEEP:
            _, old = _local.open.popitem(last=False)
            for table in old.tables.values():
                _local.connection.drop_view(table.get_name(), force=True)
    _local.open.move_to_end(key)
    return _local.open[key]


def warm_up() -> None:
    """Load the engine ahead of the first question, which then does not wait for it: some seconds, some 75 MB."""
    connection = backend.Backend.from_connection(_engine.cursor())
    _answer(connection, connection.sql("select 1 as one"))


def rows_of(table: Any) -> list[dict[str, Any]]:
    """The rows of an Ibis table of a lake that this thread opened, as Python values by column.

    For the few rows of a page: Ibis's own ways load pandas and Arrow first, a second and 80 MB in each web process.
    """
    return _answer(table.get_backend(), table)


def _answer(connection: Any, table: Any) -> list[dict[str, Any]]:
    found = connection.con.execute(connection.compile(table))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _load(folder: Path, manifest: Manifest) -> Lake:
    if _local.connection is None:
        _local.connection = backend.Backend.from_connection(_engine.cursor())
    _local.count += 1
    tables = {
        name: _local.connection.read_parquet(
            [str(folder / file) for file in manifest.files(name)],
            table_name=f"lake{_local.count}_{name}",
            hive_partitioning=False,
        )
        for name in manifest.tables
    }
    return Lake(manifest=manifest, tables=tables)
