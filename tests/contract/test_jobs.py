"""The worker knows every job: what is declared anywhere is loaded when Django is ready, without pages or commands."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import zhike

HOME = Path(zhike.__file__).parent
ASK = "import django; django.setup(); from procrastinate.contrib.django import app; print(*app.tasks, sep='\\n')"


def declared() -> Iterator[str]:
    """Names of the functions that are declared as jobs."""
    for path in HOME.rglob("*.py"):
        module = ".".join(path.relative_to(HOME).with_suffix("").parts)
        if "tests" in path.parts or "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(_is_job(one) for one in node.decorator_list):
                yield f"{module}.{node.name}"


def _is_job(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id in ("job", "every")


def test_the_worker_knows_every_job() -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "zhike.server.settings"}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    names = set(declared())
    assert len(names) > 15
    assert names - set(done.stdout.split()) == set()
