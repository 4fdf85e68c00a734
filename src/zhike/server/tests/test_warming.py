"""The engine of figures is loaded beside the first pages where there are figures and a person, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TELLS = """
import sys
import django
django.setup()
from zhike.server import warming
warming.SECONDS = 0.0
first, second = [warming.warm_for({"HTTP_COOKIE": cookie}) for cookie in sys.argv[1:]]
for timer in (first, second):
    if timer:
        timer.join(60)
print(bool(first), bool(second), *(name in sys.modules for name in ("duckdb", "ibis.backends.duckdb", "pandas")))
"""
PERSON, NOBODY = "zhike_session=abc", "csrftoken=abc"


@pytest.mark.parametrize(
    ("figures", "cookies", "told"),
    [
        (True, (NOBODY, PERSON), [False, True, True, True, False]),
        (True, (PERSON, PERSON), [True, False, True, True, False]),
        (True, (NOBODY, ""), [False] * 5),
        (False, (PERSON, PERSON), [False] * 5),
    ],
)
def test_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: bool, cookies: tuple[str, str], told: list[bool]) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    lake = tmp_path / "lake" / "company"
    lake.mkdir(parents=True)
    if figures:
        (lake / "manifest.json").write_text("{}")
    done = subprocess.run([sys.executable, "-c", TELLS, *cookies], capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(one) for one in told], done.stderr
