"""The receiver of the guide runs as it stands there, checks signatures, and hears what is told."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.cast import actor
from zhike.customers.models import Customer
from zhike.kernel.actions import create_record
from zhike.kernel.hooks import delivering
from zhike.kernel.hooks.actions import new_secret
from zhike.kernel.hooks.tests.conftest import MakeHook
from zhike.kernel.hooks.tests.receiver import Receiver
from zhike.kernel.links.tables import Hook, HookTry
from zhike.server.control import Company

GUIDE = Path(__file__).parents[5] / "docs" / "guide" / "webhooks.md"


def wait_for(port: int) -> None:
    for _try in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the receiver did not start")


def test_the_receiver_of_the_guide_hears_and_refuses_forgeries(
    committed: Company, receiver: Receiver, hook_to: MakeHook, settings: Settings, tmp_path: Path
) -> None:
    [program] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert program.count("\n") <= 36
    path = tmp_path / "receiver.py"
    path.write_text(program, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hook, secret = hook_to()
    Hook.objects.update(url=f"http://127.0.0.1:{port}/")
    running = subprocess.Popen(
        [sys.executable, str(path)],
        env={**os.environ, "SECRET": secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for(port)
        made = create_record(Customer, {"name": "常州精工", "kind": "company"}, by=actor("林悦"))
        delivering.work(hook.pk)
        assert HookTry.objects.get().status == 204
        assert running.stdout is not None
        assert running.stdout.readline() == f"zhike.customers.created ['{made.pk}']\n"
        forged = urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"{}", headers={
            "webhook-id": "x", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA",
        })  # fmt: skip
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(forged)
        assert refused.value.code == 401
        new_secret(hook, by=actor("管理员"))
        create_record(Customer, {"name": "第二家", "kind": "company"}, by=actor("林悦"))
        delivering.work(hook.pk)
        assert running.stdout.readline().startswith("zhike.customers.created")  # the old secret still signs
    finally:
        running.kill()
        running.wait()
        running.stdout.close()  # type: ignore[union-attr]
    del receiver, settings
