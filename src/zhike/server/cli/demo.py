"""`zhike demo`: a company full of generated data, of any size."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

import click

from zhike.demo.logins import DEMO_COMPANY
from zhike.kernel.errors import Refused
from zhike.server.cli.context import json_option, with_django
from zhike.server.console import Progress, say, show, show_json, words
from zhike.server.processes import ServerError

_REFRESH = "zhike.analytics.jobs"
_STEPS = {
    "facts": ("统计订单", "Counting orders"),
    "orders": ("写入订单", "Writing orders"),
    "customers": ("写入客户", "Writing customers"),
    "indexes": ("建立索引", "Building indexes"),
    "statistics": ("更新统计信息", "Gathering statistics"),
    "refresh": ("计算指标和客户价值", "Working out figures and customer value"),
}
_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.command(
    help=words(
        zh="生成演示公司：虚构的客户、订单、跟进记录。同样的数量、种子和截止日得到同样的数据。",
        en="Generate a demo company. The same sizes, seed and end day give the same data.",
    )
)
@click.option(
    "--customers", default=2000, show_default=True, type=click.IntRange(20, 20_000_000), help=words(zh="客户数", en="Number of customers")
)
@click.option(
    "--orders", default=9000, show_default=True, type=click.IntRange(0, 100_000_000), help=words(zh="订单数", en="Number of orders")
)
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help=words(zh="随机种子", en="Seed of the random numbers"))
@click.option("--end", type=_DATE, help=words(zh="数据截止到哪天（不含），默认今天", en="The day after the last sale; default: today"))
@click.option("--name", default=DEMO_COMPANY, show_default=True, help=words(zh="公司名称", en="Name of the company"))
@json_option
@with_django
def demo(customers: int, orders: int, seed: int, end: datetime | None, name: str, as_json: bool) -> None:
    """Create the company, saying each step with its time."""
    demos = import_module("zhike.server.demos")  # loads models: only after Django is set up
    steps = _Steps()
    began = time.monotonic()
    say(zh=f"新建“{name}”：{customers:,} 个客户，{orders:,} 个订单……", en=f"Creating {name}: {customers:,} customers, {orders:,} orders …")
    size = demos.small_demo(customers, orders, seed, end.date() if end else None)
    try:
        made = demos.create_demo(name, size=size, say=steps, refresh=_refresh())
    except Refused as refusal:
        raise ServerError(refusal.code) from refusal
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        result = {"customers": customers, "orders": orders, "seed": seed, "end": size.end, "seconds": seconds}
        show_json({**asdict(made), **result, "steps": {name: round(took, 2) for name, took in steps.took.items()}})
    else:
        show(
            zh=f"演示公司已生成：{made.name}（{made.slug}），用时 {seconds} 秒",
            en=f"Demo company ready: {made.name} ({made.slug}), {seconds} s",
        )


def _refresh() -> Callable[[], object] | None:
    """What works out figures from data, where the product has it."""
    if find_spec(_REFRESH) is None:
        return None
    found: Callable[[], object] = import_module(_REFRESH).refresh_all
    return found


@dataclass(slots=True)
class _Steps:
    """Shows progress, one line a step, and keeps how long each took (seconds, from its first word to its last)."""

    lines: dict[str, Progress] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step not in self.lines:
            zh, en = _STEPS[step]
            self.lines[step] = Progress(zh=zh, en=en, total=max(total, 1))
            self.began[step] = now
        self.lines[step].at(done)
        self.took[step] = now - self.began[step]
        if done >= total:
            self.lines[step].end()
