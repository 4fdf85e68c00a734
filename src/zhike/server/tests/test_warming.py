"""The engine of figures is loaded beside the web server where there are figures, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zhike.server.warming import warm_in_a_while

LOADS = """
import sys
from zhike.server import warming
warming.SECONDS_AFTER_START = 0.0
timer = warming.warm_in_a_while()
assert timer is not None
timer.join(60)
print("duckdb" in sys.modules, "ibis.backends.duckdb.converter" in sys.modules)
"""


def test_a_home_without_figures_loads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path))
    assert warm_in_a_while() is None


def test_where_there_are_figures_the_engine_is_there_before_the_first_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_HOME", str(tmp_path))
    lake = tmp_path / "lake" / "company"
    lake.mkdir(parents=True)
    (lake / "manifest.json").write_text("{}")
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
