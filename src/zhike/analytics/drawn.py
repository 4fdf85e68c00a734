"""The value page in words, shades and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers.models import Segment
from zhike.kernel.policy import Reach
from zhike.kernel.templatetags.zhike_ui import num, pct, smart_full, wan

from .models import ValueRun
from .queries import Moved, SegmentFigures, Sums, Value, segment_cells
from .rfm import SCORES

SHOWS = ("share", "customers", "average")
MOVES = 4
LEVELS = (Decimal("0.33"), Decimal("0.6"), Decimal("0.9"), Decimal("1.4"), Decimal("2.5"))
ABOUT: dict[int, str | Promise] = {
    1: gettext_lazy("买得勤、花得多、刚来过"),
    2: gettext_lazy("刚来过、花得多，次数少"),
    3: gettext_lazy("买得勤、花得多，有一阵没来"),
    4: gettext_lazy("以前是大户，快走了"),
    5: gettext_lazy("常来，单子小"),
    6: gettext_lazy("刚来过，单子小"),
    7: gettext_lazy("买得勤、单子小，有一阵没来"),
    8: gettext_lazy("很久没来，单子小"),
}
DOTS = {1: "brand", 2: "brand", 3: "brand", 4: "bad"}
# Whether more customers in a segment are good news (1), bad news (-1) or neither.
NEWS = {1: 1, 2: 1, 4: -1, 6: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the reader wants to see: the figure in the map, the segment chosen, all movements or the largest."""

    show: str
    segment: str
    every_move: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the map."""

    level: int
    figure: str
    note: str
    said: str
    url: str
    is_on: bool
    is_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One segment of the table, with its tone of change."""

    figures: SegmentFigures
    about: str | Promise
    dot: str
    tone: str
    is_chosen: bool

    @property
    def number(self) -> int:
        return int(self.figures.segment)

    @property
    def url(self) -> str:
        return f"/customers/?segment.in={self.number}&sort=-sales"


def value_context(value: Value, wanted: Wanted) -> dict[str, Any]:
    """Everything the page's template reads."""
    show = wanted.show if wanted.show in SHOWS else SHOWS[0]
    chosen = int(wanted.segment) if wanted.segment in {str(int(s)) for s in Segment} else 4
    high = int(value.run.rule["high"])
    lines = [_line(figures, chosen) for figures in value.segments]
    return {
        "run": value.run,
        "run_id": value.run.pk,
        "total": value.total,
        "total_change": value.total.customers - value.before,
        "lines": lines,
        "chosen": next(line for line in lines if line.is_chosen),
        "map": _map(value, show, segment_cells(chosen, high)),
        "recency_words": [_recency(value.run, r) for r in range(1, SCORES + 1)],
        "shows": [(name, label, name == show) for name, label in _shows()],
        "map_note": dict(zip(SHOWS, (_("颜色越深，销售额占得越多"), _("颜色越深，客户越多"), _("颜色越深，单家销售额越高")), strict=True))[
            show
        ],
        "show": show,
        "moves": [(move, _move_words(move)) for move in (value.moves if wanted.every_move else value.moves[:MOVES])],
        "moves_count": len(value.moves),
        "every_move": wanted.every_move,
        "window": window_words(value.run),
        "rule": _rule_words(value.run),
        "as_of": smart_full(value.run.as_of) if value.run.as_of.year == timezone.localdate().year else value.run.as_of.isoformat(),
        "ago": (value.run.as_of - value.run.compared_to).days,
    }


def _shows() -> tuple[tuple[str, str], ...]:
    return tuple(zip(SHOWS, (_("销售额占比"), _("家数"), _("单家均值")), strict=True))


def _line(figures: SegmentFigures, chosen: int) -> Line:
    number = int(figures.segment)
    news = NEWS.get(number, 0) * figures.change
    tone = "mut2" if not news else "good" if news > 0 else "bad" if number == 4 else "due"
    return Line(figures=figures, about=ABOUT[number], dot=DOTS.get(number, ""), tone=tone, is_chosen=number == chosen)


def _map(value: Value, show: str, on: frozenset[tuple[int, int]]) -> list[tuple[str, list[Cell]]]:
    rows = []
    for f in range(SCORES, 0, -1):
        cells = [_cell(value, show, (r, f), (r, f) in on) for r in range(1, SCORES + 1)]
        rows.append((_frequency(value.run, f), cells))
    return rows


def _cell(value: Value, show: str, place: tuple[int, int], is_on: bool) -> Cell:
    r, f = place
    sums, total = value.cells[place], value.total
    people = _("%(count)s 家") % {"count": f"{sums.customers:,}"}
    share = sums.sales / total.sales if total.sales else Decimal(0)
    figure, note = {
        "share": (pct(share, 1), people),
        "customers": (f"{sums.customers:,}", pct(share, 1)),
        "average": (wan(sums.average) if sums.customers else "—", people),
    }[show]
    said = _("%(often)s，%(recent)s，%(people)s，占销售额 %(share)s") % {
        "often": _frequency(value.run, f), "recent": _recency(value.run, r), "people": people, "share": pct(share, 1),
    }  # fmt: skip
    codes = ",".join(str(r * 100 + f * 10 + m) for m in range(1, SCORES + 1))
    return Cell(
        level=_level(sums, total, show), figure=figure, note=note, said=said, url=f"/customers/?rfm.in={codes}&sort=-sales",
        is_on=is_on, is_empty=not sums.customers,
    )  # fmt: skip


def _level(sums: Sums, total: Sums, show: str) -> int:
    """The shade, 1 to 6, by how the cell compares with the average one."""
    cells = SCORES * SCORES
    mean = {"share": total.sales / cells, "customers": Decimal(total.customers) / cells, "average": total.average}[show]
    own = {"share": sums.sales, "customers": Decimal(sums.customers), "average": sums.average}[show]
    return 1 + sum(1 for level in LEVELS if mean > 0 and own / mean >= level)


def _recency(run: ValueRun, score: int) -> str:
    low, high = run.ranges.get("r", {}).get(str(score), (0, 0))
    if score == SCORES:
        return _("%(days)s 天内") % {"days": high}
    return _("%(low)s–%(high)s 天前") % {"low": low, "high": high} if low != high else _("%(days)s 天前") % {"days": low}


def _frequency(run: ValueRun, score: int) -> str:
    low, high = run.ranges.get("f", {}).get(str(score), (0, 0))
    if score == SCORES:
        return _("%(count)s 次起") % {"count": low}
    return _("%(low)s–%(high)s 次") % {"low": low, "high": high} if low != high else _("%(count)s 次") % {"count": low}


def segment_name(number: int) -> str:
    """The segment's name; 0 is who did not count."""
    return str(Segment(number).label) if number in Segment.values else _("没有购买")


def _move_words(move: Moved) -> tuple[str, str, str]:
    gain = move.sums.gain
    tone = "good" if gain > 0 else "bad" if gain < 0 else "mut"
    return segment_name(move.before), segment_name(move.after), tone


def window_words(run: ValueRun) -> str:
    """The window of a run: 近 12 月, 近 90 天, 全部时间."""
    days = run.rule["days"]
    if days is None:
        return _("全部时间")
    return _("近 12 月") if days in (365, 366) else _("近 %(days)s 天") % {"days": num(days)}


def _rule_words(run: ValueRun) -> str:
    kind = _("固定分档") if run.rule["mode"] == "bands" else _("五等分")
    return _("%(kind)s，%(high)s 分起算高") % {"kind": kind, "high": run.rule["high"]}


def whose(reach: Reach, what: str) -> str:
    """Whose rows the figures count."""
    words = {
        "customers": {"all": _("全公司的客户"), "teams": _("你和你团队的客户"), "own": _("你负责的客户")},
        "orders": {"all": _("全公司的订单"), "teams": _("你和你团队的订单"), "own": _("你负责的订单")},
    }
    return words[what].get(reach.kind, _("没有你能看的"))
