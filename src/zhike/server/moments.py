"""The embedded database as of a moment: bases, what was written since, and bringing both together again."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from zhike.server import cluster, dumps
from zhike.server.cluster import Place, own_folder, place_of
from zhike.server.connection import address, is_embedded
from zhike.server.console import say
from zhike.server.control import control
from zhike.server.dumps import prints_of, rows_in
from zhike.server.embedded import Embedded, running_pid
from zhike.server.home import Home, current_home
from zhike.server.processes import ServerError, ServiceUser, service_user

_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A copy of the whole server that was complete at `at`."""

    path: Path
    at: datetime
    size: int

    @property
    def first_wal(self) -> str:
        """Name of the first file of the write-ahead log that this base needs."""
        with tarfile.open(self.path / "base.tar.gz") as tar:
            file = tar.extractfile("backup_label")
            text = file.read().decode() if file else ""
        found = re.search(r"START WAL LOCATION: .*\(file ([0-9A-F]{24})\)", text)
        return found.group(1) if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """A server as of a moment."""

    home: Path
    moment: datetime
    companies: int
    rows: int
    kept: Path | None


def bases_of(place: Place) -> list[Base]:
    """Complete bases, oldest first."""
    found = []
    for path in sorted(place.bases.glob("2*Z")) if place.bases.is_dir() else []:
        at = datetime.strptime(path.name, _STAMP).replace(tzinfo=UTC)
        found.append(Base(path=path, at=at, size=sum(file.stat().st_size for file in path.iterdir())))
    return found


def base_backup(*, keep: int = 2) -> Base:
    """Copy the running embedded server, keep what it writes from now on, and remove what only older bases needed.

    Raises `moment_needs_embedded`, `restart_needed` (a server that was started by an older Zhike) and `base_failed`.
    """
    if not is_embedded():
        raise ServerError("moment_needs_embedded")
    place, user = place_of(current_home()), service_user()
    own_folder(place.wal, user)
    own_folder(place.bases, None)
    cluster.write_settings(place, user)
    with control() as connection:
        if connection.execute("SHOW archive_mode").fetchone() != ("on",):
            raise ServerError("restart_needed")
        connection.execute("SELECT pg_reload_conf()")
    base = _copy_server(place, user)
    with control() as connection:
        connection.execute("SELECT pg_switch_wal()")
    _remove_old(place, keep)
    return base


def _copy_server(place: Place, user: ServiceUser | None) -> Base:
    for left in place.bases.glob("*.part"):
        shutil.rmtree(left)
    draft = place.bases / f"{os.getpid()}.part"
    where = address()
    argv = [str(cluster.programs(user) / "pg_basebackup"), "-h", where.host, "-U", where.user, "-D", str(draft)]
    argv += ["--format=tar", "--gzip", "--wal-method=fetch", "--checkpoint=fast", "--no-password"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise ServerError("disk_full" if "No space left" in done.stderr else "base_failed", detail=done.stderr[-800:], folder=str(draft))
    # A moment within this second may lie before the end of the copy.
    time.sleep(1 - time.time() % 1)
    path = place.bases / datetime.now(UTC).strftime(_STAMP)
    draft.rename(path)
    return bases_of(place)[-1]


def _remove_old(place: Place, keep: int) -> None:
    found = bases_of(place)
    for base in found[:-keep]:
        shutil.rmtree(base.path)
    first = found[-keep:][0].first_wal
    for path in place.wal.iterdir():
        # The first eight digits are the timeline; what lies before the base on any of them is needed by nobody.
        if re.fullmatch(r"[0-9A-F]{24}", path.name) and path.name[8:] < first[8:]:
            path.unlink()


def restore_to(moment: datetime, new_home: Path | None = None) -> Back:
    """Bring the embedded server back as of a moment: into a new home, or in place of the present one, which is kept.

    Raises `moment_needs_embedded`, `moment_too_early`, `moment_too_late`, `home_not_empty` and `stop_first`.
    """
    if not is_embedded():
        raise ServerError("moment_needs_embedded")
    home = current_home()
    base = _base_for(moment, place_of(home))
    target = Home(root=new_home.absolute()) if new_home else home
    if new_home is None:
        with _nobody_else(home):
            return _bring_back(base, moment, home, target)
    if target.db.exists() and any(target.db.iterdir()):
        raise ServerError("home_not_empty", home=str(target.root))
    _flush(home)
    return _bring_back(base, moment, home, target)


def _base_for(moment: datetime, place: Place) -> Base:
    found = bases_of(place)
    fit = [base for base in found if base.at <= moment]
    if not fit:
        raise ServerError("moment_too_early", moment=str(moment), first=str(found[0].at.astimezone()) if found else "-")
    return fit[-1]


@contextmanager
def _nobody_else(home: Home) -> Iterator[None]:
    with (home.make().run / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError("stop_first") from None
        if running_pid(home) is not None:
            raise ServerError("stop_first")
        yield


def _flush(home: Home) -> None:
    """Have a running server hand over what it has written up to now."""
    if running_pid(home) is None:
        return
    with control() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        name = row[0] if row else ""
        for _ in range(300):
            told = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", [name]).fetchone()
            if told and told[0]:
                return
            time.sleep(0.1)


def _bring_back(base: Base, moment: datetime, home: Home, target: Home) -> Back:
    user, old = service_user(create=True), place_of(home)
    place = cluster.make_place(target, user)
    draft = place.data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    own_folder(draft, None)
    say(zh=f"展开底本 {base.path.name}……", en=f"Unpacking the base {base.path.name} …")
    with tarfile.open(base.path / "base.tar.gz") as tar:
        tar.extractall(draft, filter="data")
    _prepare(draft, old, moment)
    _give_to(draft, user)
    kept = None
    if place.data.exists():
        kept = place.data.with_name(f"data.before-{datetime.now(UTC):{_STAMP}}")
        place.data.rename(kept)
    draft.rename(place.data)
    try:
        return _start_and_count(moment, target, home, kept)
    except ServerError as error:
        _put_back(place, kept)
        if "recovery ended before configured recovery target" in error.facts.get("detail", ""):
            raise ServerError("moment_too_late", moment=str(moment)) from error
        raise


def _prepare(data: Path, old: Place, moment: datetime) -> None:
    """Tell the server to read on from the base to the moment, then to go its own way."""
    for name in ("recovery.signal", "postgresql.auto.conf"):
        (data / name).touch(mode=0o600)
    # What the old server had not handed over yet lies in its own folder.
    for path in (old.data / "pg_wal").glob("0*"):
        if path.is_file() and not (data / "pg_wal" / path.name).exists():
            shutil.copyfile(path, data / "pg_wal" / path.name)
    (data / "postgresql.auto.conf").write_text(
        f"restore_command = 'cp \"{old.wal}/%f\" \"%p\"'\nrecovery_target_time = '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'\n"
        "recovery_target_action = 'promote'\nhot_standby = off\n"
    )


def _give_to(folder: Path, user: ServiceUser | None) -> None:
    folder.chmod(0o700)
    if user is None:
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def _start_and_count(moment: datetime, target: Home, home: Home, kept: Path | None) -> Back:
    server = Embedded(home=target)
    server.start()
    try:
        place = place_of(target)
        (place.data / "postgresql.auto.conf").write_text("")
        where = address(target)
        with psycopg.connect(where.conninfo(), autocommit=True) as connection:
            databases = [row[0] for row in connection.execute("SELECT database FROM company WHERE server = ''").fetchall()]
        # Every row is read: what cannot be read was not brought back.
        rows = sum(rows_in(prints_of(dumps.Place(where=where, database=name))) for name in databases)
    finally:
        server.stop()
    if target.root != home.root:
        _copy_rest(home, target)
    return Back(home=target.root, moment=moment, companies=len(databases), rows=rows, kept=kept)


def _copy_rest(home: Home, target: Home) -> None:
    """Files lie under the hash of what is in them, so those of today hold those of the moment."""
    for name in ("files", "imports"):
        shutil.copytree(home.root / name, target.root / name, dirs_exist_ok=True)
    if home.secret_file.exists() and not target.secret_file.exists():
        shutil.copyfile(home.secret_file, target.secret_file)
        target.secret_file.chmod(0o600)


def _put_back(place: Place, kept: Path | None) -> None:
    """Nothing has changed when it did not work."""
    shutil.rmtree(place.data, ignore_errors=True)
    if kept is not None:
        kept.rename(place.data)
