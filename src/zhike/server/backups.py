"""Backing up while everything runs: one file for each company, one for the home; whole or not there at all."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from zhike.server.cluster import place_of
from zhike.server.control import Company, list_companies, mark_of
from zhike.server.dumps import Place, Print, dump, rows_in
from zhike.server.home import Home, current_home
from zhike.server.processes import ServerError

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "company.dump"
SUFFIX = ".zhike.tar"
_STAMP = "%Y%m%d-%H%M%S"
_ROOMS = ("files", "imports")
_ENVIRONMENT = ("ZHIKE_", "DATABASE_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: its company, the fingerprint of each table, size and SHA-256 of each member."""

    kind: str
    zhike: str
    at: str
    company: Mapping[str, Any]
    schema: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def prints(self) -> dict[str, Print]:
        """Fingerprints by table."""
        return {name: Print(rows=one["rows"], hash=one["hash"]) for name, one in self.tables.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A finished backup."""

    path: Path
    tables: int
    rows: int
    files: int
    size: int
    seconds: float


@dataclass(slots=True)
class Writer:
    """Members of a tar as they are written, with their hashes."""

    tar: tarfile.TarFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, path: Path, name: str) -> None:
        """Write a file; one that is being appended to is taken as long as it is now."""
        with path.open("rb") as file:
            info = self.tar.gettarinfo(arcname=name, fileobj=file)
            info.mode, info.uid, info.gid, info.uname, info.gname = 0o600, 0, 0, "", ""
            hashed = Hashed(file)
            self.tar.addfile(info, hashed)
        self.members[name] = {"size": info.size, "sha256": hashed.digest.hexdigest()}

    def add_text(self, text: str, name: str) -> None:
        """Write a small text."""
        data = text.encode()
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(data), 0o600, int(time.time())
        self.tar.addfile(info, io.BytesIO(data))
        self.members[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@dataclass(slots=True)
class Hashed:
    """A file that notes the SHA-256 of what is read from it."""

    file: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        """Read and note."""
        data = self.file.read(size)
        self.digest.update(data)
        return data


def backup_all(folder: Path) -> Iterator[Backup]:
    """Back up every company, then the home; a company that fails raises after the others are done."""
    failed: list[tuple[str, Exception]] = []
    for company in list_companies():
        try:
            yield backup_company(company, folder)
        except ServerError as error:
            failed.append((company.name, error))
    yield backup_home(folder)
    if failed:
        raise ServerError("backups_failed", companies=", ".join(f"{name} ({error})" for name, error in failed))


def backup_company(company: Company, folder: Path) -> Backup:
    """Back up one company while it is used; raises `dump_failed`, `disk_full`, `programs_missing`, `database_unreachable`."""
    began, now = time.monotonic(), datetime.now(UTC)
    place = Place(where=company.where, database=company.database)
    with _whole(folder, f"{company.slug}-{now:{_STAMP}}{SUFFIX}") as (path, part):
        scratch = part.with_suffix(".dump")
        try:
            prints = dump(place, scratch)
            with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
                writer = Writer(tar)
                writer.add(scratch, DUMP)
                files = sum(_add_room(writer, room, company.database) for room in _ROOMS)
                _close(writer, _manifest("company", now, company, {name: asdict(one) for name, one in prints.items()}))
        finally:
            scratch.unlink(missing_ok=True)
    note_backup(company.slug, path, "at")
    took = time.monotonic() - began
    return Backup(path=path, tables=len(prints), rows=rows_in(prints), files=files, size=path.stat().st_size, seconds=took)


def backup_home(folder: Path) -> Backup:
    """Back up what belongs to no company: keys, settings, the list of companies. For nobody else's eyes."""
    began, now, home = time.monotonic(), datetime.now(UTC), current_home()
    with _whole(folder, f"home-{now:{_STAMP}}{SUFFIX}") as (path, part), tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
        writer = Writer(tar)
        for source in (home.secret_file, home.data_keys_file, place_of(home).data / "local.conf"):
            if source.is_file():
                writer.add(source, source.name)
        told = {name: value for name, value in sorted(os.environ.items()) if name.startswith(_ENVIRONMENT)}
        writer.add_text("".join(f"{name}={value}\n" for name, value in told.items()), "settings.env")
        writer.add_text(json.dumps([asdict(one) for one in list_companies()], ensure_ascii=False, default=str), "companies.json")
        _close(writer, Manifest(kind="home", zhike=version("zhike"), at=now.isoformat(), company={}))
    return Backup(path=path, tables=0, rows=0, files=len(writer.members), size=path.stat().st_size, seconds=time.monotonic() - began)


def _manifest(kind: str, now: datetime, company: Company, tables: dict[str, dict[str, Any]]) -> Manifest:
    told = {"slug": company.slug, "name": company.name, "database": company.database, "is_demo": company.is_demo}
    told["hosts"] = list(company.hosts)
    return Manifest(kind=kind, zhike=version("zhike"), at=now.isoformat(), company=told, schema=mark_of(company), tables=tables)


def _close(writer: Writer, manifest: Manifest) -> None:
    # Last: a file that was cut off has no manifest, and so does not look whole.
    whole = asdict(manifest) | {"members": dict(writer.members)}
    writer.add_text(json.dumps(whole, ensure_ascii=False, indent=1), MANIFEST)


def _add_room(writer: Writer, room: str, database: str) -> int:
    root = current_home().root / room / database
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.endswith(".part")] if root.is_dir() else []
    for path in paths:
        writer.add(path, f"{room}/{path.relative_to(root)}")
    return len(paths)


@contextmanager
def _whole(folder: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """The final and the temporary name of a file that appears only when it is complete and on the disk."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, part = folder / name, folder / f".{name}.{os.getpid()}.part"
    _sweep(folder)
    try:
        part.touch(mode=0o600)
        yield path, part
        _sync(part)
        part.rename(path)
        _sync(folder)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServerError("disk_full", folder=str(folder)) from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what a killed backup left behind."""
    for path in folder.glob(".*.part*"):
        pid = path.name.split(".")[-2] if path.name.endswith(".part") else ""
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            path.unlink(missing_ok=True)
            path.with_suffix(".dump").unlink(missing_ok=True)
    for path in folder.glob(".*.dump"):
        if not Path(f"/proc/{path.name.split('.')[-2]}").exists():
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_newest(folder: Path, count: int) -> list[Path]:
    """Remove all but the newest `count` backups of each company and of the home; those removed."""
    gone = [path for paths in _by_name(folder).values() for path in paths[:-count]]
    for path in gone:
        path.unlink()
    return gone


def newest(folder: Path) -> list[Path]:
    """The newest backup of each company in a folder."""
    return [paths[-1] for name, paths in _by_name(folder).items() if name != "home"]


def _by_name(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        found.setdefault(path.name.removesuffix(SUFFIX)[: -len("-20260101-000000")], []).append(path)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """When a company was last backed up and last proved to be restorable."""

    at: str = ""
    path: str = ""
    checked: str = ""


def note_backup(slug: str, path: Path, what: str, home: Home | None = None) -> None:
    """Remember that a company was backed up ("at") or that its backup was checked ("checked")."""
    file = (home or current_home()).root / "backups.json"
    notes = {name: asdict(note) for name, note in notes_of(home).items()}
    notes[slug] = {**notes.get(slug, {}), what: datetime.now(UTC).isoformat(timespec="seconds")} | (
        {"path": str(path.absolute())} if what == "at" else {}
    )
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(notes, ensure_ascii=False, indent=1))
    draft.chmod(0o600)
    draft.replace(file)


def notes_of(home: Home | None = None) -> dict[str, Note]:
    """What is remembered of backups, by company."""
    file = (home or current_home()).root / "backups.json"
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return {slug: Note(**one) for slug, one in told.items()}
