"""`zhike bench`: the benchmarks of the source checkout."""

import subprocess
import sys
from pathlib import Path

import click

from zhike.server.console import show, words
from zhike.server.processes import ServerError

_NAMES = ("lists", "memory", "imports", "rfm")


@click.command(
    help=words(
        zh="测量速度：lists、memory、imports、rfm；不写名称则列出。结果写进 benchmarks/results。需要源码目录。",
        en="Measure: lists, memory, imports, rfm; lists them when none is named. Needs the source checkout.",
    )
)
@click.argument("name", required=False, type=click.Choice(_NAMES))
@click.option("--size", type=click.IntRange(1), multiple=True, help=words(zh="数据量", en="How much data"))
@click.option("--json", "as_json", is_flag=True, help=words(zh="结果输出为 JSON", en="Print the result as JSON"))
def bench(name: str | None, size: tuple[int, ...], as_json: bool) -> None:
    """Run one benchmark in a process of its own; its exit code is ours."""
    folder = _folder()
    if name is None:
        show(zh="可用：" + "、".join(_NAMES), en="There are: " + ", ".join(_NAMES))
        return
    sizes = [word for one in size for word in ("--size", str(one))]
    argv = [sys.executable, str(folder / f"{name}.py"), *sizes]
    done = subprocess.run(argv, stdout=sys.stderr if as_json else None, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    if as_json:
        print((folder / "results" / f"{name}.json").read_text(encoding="utf-8"))


def _folder() -> Path:
    """The folder of the benchmarks; they are not part of the installed package."""
    folders = (Path.cwd() / "benchmarks", Path(__file__).resolve().parents[4] / "benchmarks")
    found = next((folder for folder in folders if (folder / "measure.py").exists()), None)
    if found is None:
        raise ServerError("bench_needs_checkout")
    return found
