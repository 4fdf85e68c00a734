"""A disk that is really full: what was asked is refused in words, nothing half is left, and it works again once there is room."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.made import customer
from zhike.kernel.actor import Actor
from zhike.kernel.imports.running import store
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.models import Attachment
from zhike.kernel.testing.proofs import written
from zhike.kernel.testing.web import Web

LogIn = Callable[[str], Web]
SMALL = 1  # MB
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of its own can only be mounted by root")


def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def files(db: None) -> Iterator[Path]:
    """The folder of the company's files on a disk of 1 MB."""
    yield from _small_disk(Path(default_storage.path("")))


@pytest.fixture
def imports(db: None) -> Iterator[Path]:
    """The folder of imported files on a disk of 1 MB."""
    yield from _small_disk(store())


def left_in(folder: Path) -> list[str]:
    """Names of everything in a folder but folders."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_that_finds_no_room_is_refused_and_leaves_nothing(files: Path, lin_yue: Actor, web: LogIn) -> None:
    record = customer("松江甲", lin_yue.user_id, lin_yue.home_team)
    client, before = web("林悦"), written()
    answer = client.post(f"/customers/{record.pk}/files", {"file": SimpleUploadedFile("a.bin", secrets.token_bytes(2 * 1024 * 1024))})
    assert answer.refused == "disk_full"
    assert "磁盘" in answer.toast
    assert (Attachment.objects.count(), written(), left_in(files)) == (0, before, [])
    answer = client.post(f"/customers/{record.pk}/files", {"file": SimpleUploadedFile("a.txt", b"small")})
    assert answer.status == 200
    assert Attachment.objects.get().name == "a.txt"


def test_a_table_that_finds_no_room_is_refused_and_leaves_nothing(imports: Path, web: LogIn) -> None:
    rows = "".join(f"{secrets.token_hex(40)},苏州\n" for _number in range(30_000))
    client = web("管理员")
    answer = client.post("/imports/new", {"target": "customers", "file": SimpleUploadedFile("big.csv", f"客户名称,城市\n{rows}".encode())})
    assert answer.refused == "disk_full"
    assert "磁盘" in answer.text
    assert (ImportRun.objects.count(), left_in(imports)) == (0, [])
    small = SimpleUploadedFile("small.csv", "客户名称,城市\n苏州恒远,苏州\n".encode())
    assert client.post("/imports/new", {"target": "customers", "file": small}).status == 204
