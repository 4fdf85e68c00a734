"""The machine: Python, folders, space, memory, time."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zhike.server.checks.findings import Finding, fail, good, warn
from zhike.server.console import words
from zhike.server.home import Home, current_home

_LEAST_SPACE, _GOOD_SPACE = 1.0, 5.0  # GB: below the first an import may not finish
_LEAST_MEMORY, _GOOD_MEMORY = 0.2, 0.7  # GB
_GOOD_INODES = 0.05
_PORT = 8000


def machine() -> Iterator[Finding]:
    """All that can be seen without a database."""
    yield good("python", ".".join(map(str, sys.version_info[:3])))
    home = current_home()
    yield _home(home)
    yield _secrets(home)
    folder = next(path for path in [home.root, *home.root.parents] if path.exists())
    yield space(folder)
    yield memory(Path("/proc/meminfo"))
    yield zone(os.environ.get("ZHIKE_TIME_ZONE", "Asia/Shanghai"))
    yield from _port()


def _home(home: Home) -> Finding:
    try:
        home.make()
        is_writable = os.access(home.root, os.W_OK | os.X_OK) and os.access(home.files, os.W_OK)
    except OSError:
        is_writable = False
    if is_writable:
        return good("home", str(home.root))
    return fail("home", str(home.root), zh="换一个可写的目录：ZHIKE_HOME=…", en="Name a folder you may write: ZHIKE_HOME=…")


def _secrets(home: Home) -> Finding:
    """Keys, files and backups are for the owner of the home only."""
    rooms = [home.secret_file, home.files, home.imports, home.lake, home.logs, home.backups, home.root / "backups.json"]
    open_ones = [path for path in rooms if path.exists() and path.stat().st_mode & 0o077]
    if not open_ones:
        return good("secrets", words(zh="只有自己能读", en="for the owner only"))
    shown = ", ".join(path.name for path in open_ones)
    return fail(
        "secrets", shown, zh=f"别的用户也能读：chmod -R go= {home.root}/{{…}}", en=f"Others may read them: chmod -R go= {home.root}/{{…}}"
    )


def space(folder: Path) -> Finding:
    """Free bytes and free inodes of the disk that a folder lies on."""
    free = shutil.disk_usage(folder).free / 1e9
    told = os.statvfs(folder)
    inodes = told.f_favail / told.f_files if told.f_files else 1.0
    seen = f"{free:.1f} GB" + ("" if inodes >= _GOOD_INODES else words(zh=f"，索引节点只剩 {inodes:.0%}", en=f", {inodes:.0%} of inodes"))
    if free < _LEAST_SPACE or inodes < _GOOD_INODES / 5:
        return fail("disk", seen, zh="马上清理磁盘：导入和备份会停", en="Free space now: imports and backups will stop")
    if free < _GOOD_SPACE or inodes < _GOOD_INODES:
        return warn("disk", seen, zh="清理磁盘空间", en="Free some disk space")
    return good("disk", seen)


def memory(table: Path) -> Finding:
    """Memory that programs may still take."""
    try:
        lines = dict(line.split(":", 1) for line in table.read_text().splitlines() if ":" in line)
        free = int(lines["MemAvailable"].split()[0]) / 1e6
    except (OSError, KeyError, ValueError):
        return good("memory", words(zh="看不到", en="not known here"))
    seen = f"{free:.1f} GB"
    if free < _LEAST_MEMORY:
        return fail(
            "memory", seen, zh="内存快用完了：停掉别的程序，或加内存", en="Memory is nearly used up: stop other programs or add some"
        )
    if free < _GOOD_MEMORY:
        return warn("memory", seen, zh="内存不多，大的导入会慢", en="Little memory: large imports will be slow")
    return good("memory", seen)


def zone(name: str) -> Finding:
    """Whether the time zone of the company is known on this machine."""
    try:
        now = datetime.now(UTC).astimezone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        return fail("time_zone", name, zh="改 ZHIKE_TIME_ZONE，或安装 tzdata", en="Correct ZHIKE_TIME_ZONE, or install tzdata")
    return good("time_zone", f"{name} {now:%H:%M}")


def _port() -> Iterator[Finding]:
    """A port that is taken, by us or by somebody else."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            yield warn(
                "port",
                str(_PORT),
                zh="有程序在用这个端口；如果不是知客，换一个：zhike up --port 8001",
                en="In use; if not by Zhike: zhike up --port 8001",
            )
