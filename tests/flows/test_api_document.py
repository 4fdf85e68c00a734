"""The OpenAPI document holds: thousands of requests made from it find no server error and no answer that it does not name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.cast import actor
from tests.made import MAKERS, make
from tests.serving import serving
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.server.control import Company

HERE = Path(__file__).parent


@pytest.mark.slow
def test_schemathesis_finds_nothing(committed: Company, settings: Settings, tmp_path: Path) -> None:
    settings.ZHIKE_API_PER_MINUTE = 1_000_000
    admin = actor("管理员")
    for label in MAKERS:
        for number in range(3):
            make(label, f"甲{number}", admin)
    _token, text = make_token(NewToken(name="schemathesis"), by=admin)
    with serving() as base:
        argv = [
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"), "run", f"{base}/api/v1/openapi.json",
            "--header", f"Authorization: Bearer {text}", "--checks", "all", "--no-color", "--generation-database", "none", "--continue-on-failure",
        ]  # fmt: skip
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
