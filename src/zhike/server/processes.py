"""Facts about operating-system processes: service user, parent-death signal, liveness."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "zhike"
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not import or allocate much.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


class ServerError(RuntimeError):
    """A part of the server could not do its work; `code` is stable, `facts` fill the words shown."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code + (f": {facts}" if facts else ""))
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """The system account PostgreSQL runs as when we are root."""

    name: str
    uid: int
    gid: int


def die_with_parent(sig: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send `sig` to this process when its parent dies; nothing happens off Linux."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def child_setup(sig: signal.Signals, user: ServiceUser | None = None) -> Callable[[], None]:
    """Return a `preexec_fn`: own user, then the parent-death signal (a change of user clears it)."""
    parent = os.getpid()

    def setup() -> None:
        if user is not None:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
            os.umask(0o077)
        die_with_parent(sig)
        # The parent may have died before prctl took effect.
        if os.getppid() != parent:
            os._exit(1)

    return setup


def service_user(*, create: bool = False) -> ServiceUser | None:
    """The account for PostgreSQL, None when we are not root; raises `service_user_missing` if it cannot be made."""
    if os.geteuid() != 0:
        return None
    found = _lookup()
    if found is None and create:
        found = _create()
    return found


def _lookup() -> ServiceUser | None:
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None
    return ServiceUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _create() -> ServiceUser:
    useradd = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
    if useradd is not None:
        argv = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run([*argv, "--shell", "/usr/sbin/nologin", SERVICE_USER], check=False, capture_output=True)
    made = _lookup()
    if made is None:
        raise ServerError("service_user_missing", user=SERVICE_USER)
    return made


def own_user_name() -> str:
    """Login name of this process, or its number when the system has no entry for it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def is_alive(pid: int) -> bool:
    """True when the process exists and is not a zombie waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc/self/stat").exists()
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def works_in(pid: int, folder: Path) -> bool:
    """True when the process runs in `folder`, or when the system cannot tell."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except PermissionError:
        return False
    except OSError:
        return not Path("/proc/self/cwd").exists()


def reachable_by_others(path: Path) -> bool:
    """True when every existing parent folder of `path` lets any user walk through."""
    return all(not parent.exists() or parent.stat().st_mode & 0o001 for parent in path.absolute().parents)
