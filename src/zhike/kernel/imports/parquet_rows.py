"""Parquet by batches of a row group, so that a big file never is in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zhike.kernel.errors import Refused
from zhike.kernel.imports.batches import Piece, row_numbers
from zhike.kernel.imports.cells import as_text
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    pl = Later("polars")
    pa = Later("pyarrow")
    pq = Later("pyarrow.parquet")

_ROWS = 50_000
_INDEX = "__index_level_"


def parquet_head(path: Path) -> tuple[tuple[str, ...], int]:
    """Return column names (nested ones with dots) and the number of rows; raises `file_unreadable`."""
    try:
        with pq.ParquetFile(path) as file:
            empty = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table()))
            return tuple(as_text(_without_index(empty)).columns), int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        raise Refused("file_unreadable", why="parquet") from error


def parquet_pieces(path: Path) -> Iterator[Piece]:
    """Yield the rows as text; raises `file_unreadable`."""
    row = 1
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
                frame = as_text(_without_index(pl.DataFrame(pl.from_arrow(batch))))
                yield Piece(frame=frame, rows=row_numbers(range(row, row + frame.height)))
                row += frame.height
    except (pa.ArrowException, OSError) as error:
        raise Refused("file_unreadable", why="parquet", row=row) from error


def _without_index(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select([name for name in frame.columns if not name.startswith(_INDEX)])
