"""`docs/add-an-object.md` is true: its code blocks make a working object type, in fewer than 150 lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```python\n# (shops/\w+\.py)\n(.*?)```", re.S)
STORY = "tests/flows/shop_story.py"
MATRIX = [
    "tests/contract/test_matrix_records.py",
    "tests/contract/test_matrix_fields.py",
    "tests/contract/test_reach.py",
    "tests/contract/test_specs.py",
]
FOREIGN = (
    "ZHIKE_TEST_URL",
    "ZHIKE_TEST_RUN",
    "ZHIKE_HOME",
    "DATABASE_URL",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_CURRENT_TEST",
)


def blocks() -> dict[str, str]:
    """The files of the document."""
    return dict(BLOCK.findall((ROOT / "docs/add-an-object.md").read_text(encoding="utf-8")))


def built(folder: Path) -> None:
    """Write the package as the document says."""
    for name, text in blocks().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(folder: Path, *argv: str, keep: bool = False) -> subprocess.CompletedProcess[str]:
    """A process in which the package is installed; with a database server of its own unless `keep`."""
    env = {name: value for name, value in os.environ.items() if keep or name not in FOREIGN}
    env |= {"ZHIKE_APPS": "shops", "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'src'}", "DJANGO_SETTINGS_MODULE": "zhike.server.settings"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run([sys.executable, *argv], cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)


def migrated(folder: Path) -> str:
    """Let Django write a migration; what it wrote."""
    done = run(folder, "-m", "django", "makemigrations", "shops", keep=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return "".join(path.read_text(encoding="utf-8") for path in sorted((folder / "shops/migrations").glob("0*.py")))


def test_it_is_short() -> None:
    files = blocks()
    assert set(files) == {"shops/__init__.py", "shops/apps.py", "shops/models.py", "shops/objects.py"}
    assert sum(len(text.strip().splitlines()) for text in files.values()) < 150


@pytest.mark.slow
def test_a_shop_as_in_the_document_does_everything(tmp_path: Path) -> None:
    built(tmp_path)
    assert "CreateModel" in migrated(tmp_path)
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", STORY)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert re.search(r"\d+ passed", done.stdout)


@pytest.mark.slow
def test_the_rights_matrix_holds_for_a_shop(tmp_path: Path) -> None:
    built(tmp_path)
    migrated(tmp_path)
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "shop", *MATRIX)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found is not None
    assert int(found[1]) > 100


@pytest.mark.slow
def test_a_new_field_touches_four_places(tmp_path: Path) -> None:
    built(tmp_path)
    migrated(tmp_path)
    model, declared = tmp_path / "shops/models.py", tmp_path / "shops/objects.py"
    text = model.read_text(encoding="utf-8")
    line = '    manager = models.CharField(_("店长"), max_length=60, blank=True, db_default="")\n'
    model.write_text(text.replace("    rent = ", f"{line}    rent = "), encoding="utf-8")
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace('"phone", "rent", "opened_on"', '"phone", "manager", "rent", "opened_on"'), encoding="utf-8")
    assert "AddField" in migrated(tmp_path)  # model, migration, declaration, and in the declaration what files bring
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", STORY, "-k", "manager")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "1 passed" in done.stdout
