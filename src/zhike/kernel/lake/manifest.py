"""The manifest names the files that are the lake right now; replacing it is the only commit there is."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from zhike.kernel.errors import Refused

FILE = "manifest.json"
EMPTY = "empty"  # the part that has the columns and no rows
GRACE = dt.timedelta(hours=6)  # longer than any query may read files that a newer manifest no longer names


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One immutable Parquet file, named by its content; `file` is relative to the lake, `size` in bytes."""

    file: str
    rows: int
    size: int
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole state of a lake: parts by table and month, and up to when changes are in it (UTC).

    `schemas` change with the declaration of each table; `prints` are fingerprints of tables that have no months;
    `retired` are files no longer named, with the time they were dropped.
    """

    watermark: dt.datetime
    made_at: dt.datetime
    tables: Mapping[str, Mapping[str, Part]]
    schemas: Mapping[str, str] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    retired: Mapping[str, dt.datetime] = field(default_factory=dict)

    def files(self, table: str) -> tuple[str, ...]:
        """Files of a table in the order of months; the empty part first, so that the columns are always known."""
        parts = self.tables[table]
        return tuple(parts[month].file for month in sorted(parts, key=lambda m: (m != EMPTY, m)))

    def rows(self, table: str) -> int:
        return sum(part.rows for part in self.tables[table].values())

    def named(self) -> frozenset[str]:
        """Every file that readers of this manifest may open."""
        return frozenset(part.file for parts in self.tables.values() for part in parts.values())


def read_manifest(lake: Path) -> Manifest | None:
    """The manifest, None where nothing was exported yet; Refused("lake_manifest_broken")."""
    try:
        text = (lake / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return _from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("lake_manifest_broken", lake=str(lake)) from error


def write_manifest(lake: Path, manifest: Manifest) -> None:
    """Put the manifest in place at once: a reader, or a crash, sees the old one or the new one."""
    temporary = lake / f"{FILE}.{os.getpid()}.tmp"
    with temporary.open("w", encoding="utf-8") as out:
        json.dump(_to_json(manifest), out, ensure_ascii=False, indent=1, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(lake / FILE)
    sync_folder(lake)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(lake: Path, manifest: Manifest, *, now: dt.datetime, grace: dt.timedelta = GRACE) -> int:
    """Remove files dropped longer ago than `grace`, and what a crashed export left; gives how many went."""
    gone = 0
    for path in _unnamed(lake, manifest):
        dropped = manifest.retired.get(path.relative_to(lake).as_posix())
        since = dropped or dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        if now - since > grace:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _unnamed(lake: Path, manifest: Manifest) -> Iterator[Path]:
    named = manifest.named()
    for path in sorted(lake.rglob("*.parquet")):  # those of tables that are no longer declared too
        inside = path.relative_to(lake)
        if inside.as_posix() not in named and not inside.parts[0].startswith("."):
            yield path


def _to_json(manifest: Manifest) -> dict[str, object]:
    return {
        "schemas": dict(manifest.schemas),
        "watermark": manifest.watermark.isoformat(),
        "made_at": manifest.made_at.isoformat(),
        "tables": {table: {month: asdict(p) for month, p in parts.items()} for table, parts in manifest.tables.items()},
        "prints": dict(manifest.prints),
        "retired": {file: at.isoformat() for file, at in manifest.retired.items()},
    }


def _from_json(data: dict[str, dict[str, dict[str, dict[str, str | int]]]]) -> Manifest:
    tables = data["tables"]
    return Manifest(
        watermark=dt.datetime.fromisoformat(str(data["watermark"])),
        made_at=dt.datetime.fromisoformat(str(data["made_at"])),
        tables={table: {month: _part(part) for month, part in parts.items()} for table, parts in tables.items()},
        schemas={table: str(mark) for table, mark in data.get("schemas", {}).items()},
        prints={table: str(mark) for table, mark in data["prints"].items()},
        retired={file: dt.datetime.fromisoformat(str(at)) for file, at in data["retired"].items()},
    )


def _part(data: dict[str, str | int]) -> Part:
    return Part(file=str(data["file"]), rows=int(data["rows"]), size=int(data["size"]), checksum=str(data["checksum"]))
