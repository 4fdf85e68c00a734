"""Sizes may only fall: functions up to 40 lines, files 400, templates 200; what is larger today stands in ratchet.json.

`ratchet.py` fails when something outgrew its limit or its entry. `ratchet.py --write` lowers entries and drops those
that are no longer needed; it never raises one, so a new excess has to be made smaller (or written in by hand, which
a reviewer sees). Complexity and the number of arguments are held by ruff.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tools" / "ratchet.json"
FUNCTION, FILE, TEMPLATE = 40, 400, 200
FOLDERS = ("src", "tests", "tools", "benchmarks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Lines of one function, file or template, named so that moving it within a file changes nothing."""

    name: str
    lines: int
    limit: int


def sizes() -> Iterator[Size]:
    """Sizes of everything that is written by hand; migrations and copied front-end packages are not."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"migrations", ".venv", "node_modules"} & set(path.parts):
                yield from _python(path)
    for path in sorted((ROOT / "src").rglob("templates/**/*.html")):
        yield Size(name=_name(path), lines=_lines(path), limit=TEMPLATE)
    for path in sorted((ROOT / "src").rglob("static/zhike/js/*.js")):
        yield Size(name=_name(path), lines=_lines(path), limit=FILE)


def _python(path: Path) -> Iterator[Size]:
    yield Size(name=_name(path), lines=_lines(path), limit=FILE)
    for node, qualname in _functions(ast.parse(path.read_text()), ""):
        # Decorators are declarations (options of a command, cases of a test) and not what a reader has to follow.
        yield Size(name=f"{_name(path)}::{qualname}", lines=(node.end_lineno or node.lineno) - node.lineno + 1, limit=FUNCTION)


def _functions(node: ast.AST, above: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            qualname = f"{above}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield child, qualname
            yield from _functions(child, f"{qualname}.")
        else:
            yield from _functions(child, above)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def main(arguments: list[str]) -> int:
    """Compare with the baseline; 1 when something is too large."""
    known: dict[str, int] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    large = {size.name: size for size in sizes() if size.lines > size.limit}
    if "--write" in arguments:
        known = {name: min(size.lines, known.get(name, size.lines)) for name, size in large.items() if name in known or not known}
        BASELINE.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
    wrong = [size for size in large.values() if size.lines > known.get(size.name, size.limit)]
    for size in sorted(wrong, key=lambda size: size.limit - size.lines):
        print(f"{size.name}: {size.lines} lines, {known.get(size.name, size.limit)} are allowed")
    unused = sorted(name for name, lines in known.items() if name not in large or large[name].lines < lines)
    for name in unused:
        print(f"{name}: smaller now, run tools/ratchet.py --write")
    return 1 if wrong or unused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
