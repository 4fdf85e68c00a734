"""`zhike metric`: declared figures at the terminal, exact."""

import sys
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from zhike.kernel.errors import Refused
from zhike.kernel.metrics import Dimension, Metric, metrics
from zhike.server.cli.context import json_option, with_company
from zhike.server.companies import Company
from zhike.server.console import say, show_json, show_table, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from zhike.analytics.compute import Key, Table, Where

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_NONE = "-"
_WORDS = {
    "metric_unknown": ("没有指标“{name}”，用 --list 看有哪些", "There is no metric {name}; see --list"),
    "dimension_unknown": ("没有维度“{name}”，用 --list 看有哪些", "There is no dimension {name}; see --list"),
    "dimension_not_of_metric": ("{metric} 不能按 {dimension} 分", "{metric} cannot be divided by {dimension}"),
    "metrics_apart": ("{names} 不能一起算：客户和订单的数要分开看", "{names} cannot be shown together: customers and orders apart"),
    "field_not_in_lake": ("“{title}”还没有取进来，去掉 --no-refresh 再试", "{title} has not been brought in yet: leave out --no-refresh"),
    "filter_invalid": ("条件不对：{dimension}", "The condition on {dimension} is not right"),
    "period_unknown": ("没有这个时段：{period}", "There is no such period: {period}"),
    "lake_missing": ("还没有数据，去掉 --no-refresh 再试", "No figures yet: leave out --no-refresh"),
    "lake_export_running": ("另一次更新正在进行，稍后再试，或加 --no-refresh", "Another refresh is running: try later, or --no-refresh"),
    "analytics_failed": ("没有算成：{detail}", "It failed: {detail}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The options as they were typed."""

    by: tuple[str, ...]
    where: tuple[str, ...]
    start: date | None
    end: date | None
    sort: str
    limit: int


@click.command(
    help=words(
        zh="查看指标，如：zhike metric orders.sales --by region --period 2024-Q1",
        en="Show metrics, such as: zhike metric orders.sales --by region --period 2024-Q1",
    )
)
@click.argument("names", nargs=-1, metavar="NAME…")
@click.option("--by", multiple=True, metavar="DIM", help=words(zh="按什么分，可以多个", en="Divide by; may be given several times"))
@click.option(
    "--where", multiple=True, metavar="DIM=VALUE", help=words(zh="条件，几个值用逗号隔开", en="Condition; several values with commas")
)
@click.option("--start", type=_DATE, help=words(zh="从哪天起（含）", en="First day"))
@click.option("--end", type=_DATE, help=words(zh="到哪天止（含）", en="Last day"))
@click.option(
    "--period", help=words(zh="时段：2024、2024-H1、2024-Q1、2024-03、2024-W10", en="A period: 2024, 2024-H1, 2024-Q1, 2024-03, 2024-W10")
)
@click.option("--sort", default="", metavar="NAME", help=words(zh="按哪个指标从大到小", en="Metric to sort by, largest first"))
@click.option("--limit", default=0, type=click.IntRange(0), help=words(zh="最多几行，0 为全部", en="At most so many rows; 0: all"))
@click.option("--refresh/--no-refresh", default=True, help=words(zh="先取最新的订单", en="Bring in the newest orders first"))
@click.option("--list", "listing", is_flag=True, help=words(zh="列出指标和维度", en="List metrics and dimensions"))
@json_option
@with_company
def metric(company: Company, /, names: tuple[str, ...], listing: bool, as_json: bool, refresh: bool, **given: Any) -> None:
    """Answer with a table, or say what is wrong and end with 1."""
    if listing:
        _list(as_json)
        return
    if not names:
        raise click.UsageError(words(zh="要哪个指标？用 --list 看有哪些", en="Which metric? See --list"))
    try:
        asked = _asked(given)
        table = _answer(names, asked, refresh)
    except Refused as refusal:
        print(_explain(refusal), file=sys.stderr)
        raise SystemExit(1) from None
    if as_json:
        show_json(_plain(company, names, asked, table))
    else:
        _show(table)


def _asked(given: dict[str, Any]) -> _Asked:
    days = [value.date() if isinstance(value, datetime) else None for value in (given["start"], given["end"])]
    if given["period"]:
        period = import_module("zhike.analytics.periods").parse(given["period"])
        days = [max(filter(None, (days[0], period.start))), min(filter(None, (days[1], period.end)))]
    by = tuple(name.strip() for text in given["by"] for name in text.split(",") if name.strip())
    return _Asked(by=by, where=given["where"], start=days[0], end=days[1], sort=given["sort"], limit=given["limit"])


def _answer(names: tuple[str, ...], asked: _Asked, refresh: bool) -> "Table":
    # Models and engines load only after Django is set up and only for this command.
    compute, jobs, place = (import_module(f"zhike.analytics.{name}") for name in ("compute", "jobs", "place"))
    query = compute.MetricQuery(
        metrics=names, by=asked.by, where=tuple(_where(text) for text in asked.where), start=asked.start, end=asked.end,
        sort=asked.sort, limit=asked.limit, total=bool(asked.by),
    )  # fmt: skip
    for name in names:
        metrics.get(name)
    for name in asked.by:
        metrics.dimension(name)
    if refresh:
        say(zh="更新数据……", en="Bringing figures up to date …")
        jobs.refresh_lake()
    found: Table = compute.compute(place.facts_here(), query)
    return found


def _where(text: str) -> "Where":
    name, sign, given = text.partition("=")
    if not sign:
        raise Refused("filter_invalid", dimension=text)
    dimension = metrics.dimension(name.strip())
    values = tuple(_value(dimension, word.strip()) for word in given.split(","))
    found: Where = import_module("zhike.analytics.compute").Where(dimension=dimension.name, op="in", values=values)
    return found


def _value(dimension: Dimension, word: str) -> "Key":
    """A typed value as the dimension holds it; `-` and nothing stand for no value."""
    if word in ("", _NONE):
        return None
    named: dict[str, Key] = {str(key): key for key, _words in dimension.choices} | {str(words): key for key, words in dimension.choices}
    try:
        return named[word] if word in named else _READ.get(dimension.kind, str)(word)
    except (ValueError, KeyError) as wrong:
        raise Refused("filter_invalid", dimension=f"{dimension.name}={word}") from wrong


def _day(word: str) -> date:
    start: date = import_module("zhike.analytics.periods").parse(word).start
    return start


_READ: "dict[str, Callable[[str], Key]]" = {
    "period": _day,
    "yes_no": lambda word: {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}[word.lower()],
    "user": int,
    "team": int,
    "number": int,
}


def _labels(table: "Table", at: int) -> dict[Any, str]:
    """Keys of one dimension as people call them."""
    names: dict[Any, str] = import_module("zhike.analytics.words").key_names(table, at)
    return names


def _shown(labels: dict[Any, str], key: Any) -> str:
    return labels.get(key) or (_NONE if key in (None, "") else str(key))


def exact(value: Decimal | None) -> str:
    """All digits there are and no zeros behind them; `-` where there is nothing to measure."""
    if value is None:
        return _NONE
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _show(table: "Table") -> None:
    labels = [_labels(table, at) for at in range(len(table.by))]
    rows: list[list[str]] = [
        [*(_shown(labels[at], key) for at, key in enumerate(row.keys)), *(exact(value) for value in row.values)] for row in table.rows
    ]
    if table.total is not None and table.by:
        blank = [""] * (len(table.by) - 1)
        rows.append([words(zh="合计", en="total"), *blank, *(exact(value) for value in table.total.values)])
    show_table([*(d.name for d in table.by), *(m.name for m in table.metrics)], rows)
    if table.found > len(table.rows):
        say(zh=f"共 {table.found} 行，显示 {len(table.rows)} 行", en=f"{table.found} rows, {len(table.rows)} shown")


def _plain(company: Company, names: tuple[str, ...], asked: _Asked, table: "Table") -> dict[str, Any]:
    labels = [_labels(table, at) for at in range(len(table.by))]

    def values(found: tuple[Decimal | None, ...]) -> dict[str, str | None]:
        return {name: None if value is None else exact(value) for name, value in zip(names, found, strict=True)}

    keys = [d.name for d in table.by]
    rows = [
        {
            **dict(zip(keys, row.keys, strict=True)),
            "labels": [_shown(labels[at], key) for at, key in enumerate(row.keys)],
            **values(row.values),
        }
        for row in table.rows
    ]
    total = values(table.total.values) if table.total else None
    span = {"start": asked.start, "end": asked.end}
    return {
        "company": company.slug,
        "metrics": names,
        "by": keys,
        **span,
        "watermark": table.watermark,
        "rows": rows,
        "found": table.found,
        "total": total,
    }


def _list(as_json: bool) -> None:
    own = metrics.own()
    known = [(m.name, str(m.title), m.unit, str(m.formula_text)) for m in (*metrics, *own) if isinstance(m, Metric)]
    dims = [(d.name, str(d.title), d.kind) for d in (*metrics.dimensions(), *own) if not isinstance(d, Metric)]
    if as_json:
        head = ("name", "title", "unit", "formula")
        show_json(
            {
                "metrics": [dict(zip(head, row, strict=True)) for row in known],
                "dimensions": [dict(zip(("name", "title", "kind"), row, strict=True)) for row in dims],
            }
        )
        return
    show_table(("metric", words(zh="名称", en="title"), words(zh="单位", en="unit"), words(zh="算法", en="formula")), known)
    print()
    show_table(("dimension", words(zh="名称", en="title"), words(zh="种类", en="kind")), dims)


def _explain(refusal: Refused) -> str:
    zh, en = _WORDS.get(refusal.code, (str(refusal), str(refusal)))
    try:
        return words(zh=zh, en=en).format(**refusal.facts)
    except (KeyError, IndexError):
        return str(refusal)
