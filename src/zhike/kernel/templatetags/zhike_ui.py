"""What templates of every screen use: icons, figures, dates, bars."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

Number = Decimal | int | float | str

WAN, YI = Decimal(10) ** 4, Decimal(10) ** 8
NEVER_YEAR = 1970
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NEAR_DAYS = {
    "zh": {0: "今天", -1: "昨天", 1: "明天"},
    "en": {0: "Today", -1: "Yesterday", 1: "Tomorrow"},
}
SHORT_STEPS = ((Decimal(10) ** 3, "k"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 9, "B"))
LINK = re.compile(r'<a [^>]*?href="([^"]*)"')
TONES = {"q", "bad", "due", "tall", "tall q", "tall bad", "tall due"}


@register.filter
def link_in(shown: object) -> str:
    """Where the link of a drawn value leads, as it stands in its markup; "" for a value without one, and for plain text."""
    found = LINK.match(shown) if isinstance(shown, SafeString) else None
    return SafeString(found.group(1)) if found else ""


def page_language() -> str:
    """The language in which figures and dates are written: "zh" or "en"."""
    return "zh" if (get_language() or "zh").startswith("zh") else "en"


def to_decimal(value: Number | None) -> Decimal | None:
    """The exact decimal of a value, or None where there is no finite number in it."""
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half up, as invoices do, to a number of decimal places."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def without_zeros(value: Decimal) -> str:
    """Thousands separated, without zeros at the end of the fraction: 1,234.5."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_wan(value: Decimal) -> str:
    """A figure for summaries in Chinese: 1,234 / 12.6万 / 1.2亿."""
    size = abs(value)
    if rounded(size, 0) < WAN:
        return without_zeros(rounded(value, 0) if size >= 100 else rounded(value, 2))
    if rounded(size / WAN, 1) < WAN:
        return without_zeros(rounded(value / WAN, 1)) + "万"
    return without_zeros(rounded(value / YI, 1)) + "亿"


def three_digits(value: Decimal) -> Decimal:
    """Round to three significant digits, at most two of them after the point."""
    return rounded(value, max(0, min(2, 2 - value.adjusted())))


def in_thousands(value: Decimal) -> str:
    """A figure for summaries in English: 1,234 / 126k / 1.26M / 1.2B."""
    size = abs(value)
    if rounded(size, 0) < 10 * SHORT_STEPS[0][0]:
        return without_zeros(rounded(value, 0) if size >= 100 else rounded(value, 2))
    for step, suffix in SHORT_STEPS:
        if abs(three_digits(value / step)) < 1000 or suffix == "B":
            return without_zeros(three_digits(value / step)) + suffix
    raise AssertionError("the last step takes every figure")


@register.filter
def money(value: Number | None) -> str:
    """An amount in full with two decimals: 1,234.50; empty without a number."""
    found = to_decimal(value)
    return "" if found is None else f"{rounded(found, 2):,f}"


@register.filter
def num(value: Number | None, places: int = 4) -> str:
    """A figure in full with at most `places` decimals: 1,234.5; empty without a number."""
    found = to_decimal(value)
    return "" if found is None else without_zeros(rounded(found, places))


@register.filter
def wan(value: Number | None) -> str:
    """A figure for summaries, in the steps of the page's language: 12.6万, or 126k."""
    found = to_decimal(value)
    if found is None:
        return ""
    return in_wan(found) if page_language() == "zh" else in_thousands(found)


@register.filter
def wan_figure(value: Number | None) -> str:
    """The figure of `wan` without its unit, for a big number with a small unit beside it."""
    return wan(value).rstrip("万亿kMB")


@register.filter
def wan_unit(value: Number | None) -> str:
    """The unit of `wan`: 万, 亿, k, M, B or empty."""
    return wan(value)[len(wan_figure(value)) :]


@register.filter
def pct(value: Number | None, places: int = 0) -> str:
    """A share from 0 to 1 as a percentage with `places` decimals: 62%."""
    found = to_decimal(value)
    return "" if found is None else f"{rounded(found * 100, places):,f}%"


@register.filter
def mask_phone(value: str | None) -> str:
    """A phone number with its four middle digits hidden: 138****6021; the country code of China is left out."""
    text = (value or "").strip()
    text = text[3:].replace(" ", "").replace("-", "") if text.startswith("+86") else text
    if not text:
        return ""
    return f"{text[:-8]}****{text[-4:]}" if len(text) > 8 else f"****{text[-2:]}"


@register.filter
def initial(value: str | None) -> str:
    """The letter of an avatar: the first letter or character of a name, capital; ? without one."""
    return next((char.upper() for char in value or "" if char.isalnum()), "?")


def describe_day(day: date, *, today: date, language: str) -> str:
    """A day as people say it: 今天, 昨天, 明天, 3月5日 in this year, else 2024-03-05."""
    near = NEAR_DAYS[language].get((day - today).days)
    if near:
        return near
    if day.year != today.year:
        return day.isoformat()
    return f"{day.month}月{day.day}日" if language == "zh" else f"{MONTHS[day.month - 1]} {day.day}"


def describe_moment(moment: datetime, *, now: datetime, language: str) -> str:
    """A moment as people say it, with its clock time unless it is in another year; both in the reader's zone."""
    said = describe_day(moment.date(), today=now.date(), language=language)
    return said if moment.year != now.year else f"{said} {moment:%H:%M}"


def reader_time(value: date | datetime) -> date | datetime:
    """The value in the zone of the page; a plain date and a naive moment stay as they are."""
    return timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value


@register.filter
def last_day(value: datetime | None) -> str:
    """The last day of something that ends at a midnight, as `smart_date` writes it."""
    return "" if value is None else smart_date(timezone.localtime(value - timedelta(seconds=1)).date())


@register.filter
def smart_date(value: date | datetime | None) -> str:
    """今天 14:20, 昨天, 3月5日, 2024-03-05; a plain date has no clock time; empty for none and for 1970 (never)."""
    return "" if value is None or value.year <= NEVER_YEAR else day_said(reader_time(value), timezone.localdate())


def day_said(local: date | datetime, today: date) -> str:
    """What `smart_date` says of a day or moment in the reader's zone."""
    if isinstance(local, datetime):
        clock = f" {local:%H:%M}" if local.date() == today else ""
        return describe_day(local.date(), today=today, language=page_language()) + clock
    return describe_day(local, today=today, language=page_language())


@register.filter
def smart_time(value: datetime | None) -> str:
    """今天 14:20, 昨天 09:05, 3月5日 10:24, 2024-03-05; empty for none and for 1970 (never)."""
    if value is None or value.year <= NEVER_YEAR:
        return ""
    local = reader_time(value)
    if not isinstance(local, datetime):
        return smart_date(value)
    return describe_moment(local, now=timezone.localtime(), language=page_language())


@register.simple_tag
def when(value: date | datetime | None) -> SafeString | str:
    """A <time> element: `smart_date` to read, the full moment on hover."""
    if value is None or value.year <= NEVER_YEAR:
        return ""
    local = reader_time(value)
    full = f"{local:%Y-%m-%d %H:%M}" if isinstance(local, datetime) else local.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), full, smart_date(value))


@register.simple_tag
def icon(name: str, classes: str = "", label: str = "") -> SafeString:
    """An icon of the sprite by name; hidden from screen readers unless it has a label."""
    return _icon(name, classes, str(label))


@lru_cache(maxsize=2048)
def _icon(name: str, classes: str, label: str) -> SafeString:
    href = f"{static('zhike/icons.svg')}#{name}"
    css = f"icon {classes}".strip()
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', css, label, href)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', css, href)


@register.simple_tag
def bar(share: Number | None, tone: str = "", goal: Number | None = None) -> SafeString:
    """A thin bar for a share in percent, 0 to 100; tone q (grey), due, bad; goal draws a tick where we should be."""
    width = min(max(to_decimal(share) or Decimal(0), Decimal(0)), Decimal(100))
    target = to_decimal(goal)
    tick = "" if target is None else format_html('<rect class="m" x="{}" width="0.6" height="8"/>', rounded(target, 1))
    return format_html(
        '<svg class="zk-bar {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="t" width="100" height="8"/><rect width="{}" height="8"/>{}</svg>',
        tone if tone in TONES else "",
        rounded(width, 1),
        tick,
    )


@register.filter
def without(params: dict[str, str], name: str) -> str:
    """The address parameters without one of them, as a query."""
    return _query({key: value for key, value in params.items() if key != name})


@register.simple_tag
def query_with(params: dict[str, str], name: str, value: str) -> str:
    """The address parameters with one set, as a query."""
    return _query(params | {name: value})


@register.filter
def cut_op(param: str) -> str:
    """The filter's name of a parameter: city of city.in."""
    return param.partition(".")[0]


def _query(params: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update(params)
    return f"?{query.urlencode(safe=',:')}" if params else "?"


@register.filter
def smart_full(day: date) -> str:
    """A day with its month, also when it is today: 11月20日, or Nov 20."""
    return f"{day.month}月{day.day}日" if page_language() == "zh" else f"{MONTHS[day.month - 1]} {day.day}"


@register.filter
def abs_wan(value: Number | None) -> str:
    """The size of a difference for summaries, without its sign."""
    found = to_decimal(value)
    return "" if found is None else wan(abs(found))


@register.filter
def plain(value: Number | None) -> str:
    """A figure as a field takes it: no thousands separators, no zeros at the end."""
    found = to_decimal(value)
    return "" if found is None else without_zeros(found).replace(",", "")


KEPT_PIECES = 4_000
_pieces: OrderedDict[tuple[object, ...], SafeString] = OrderedDict()


class KeptNode(template.Node):
    """A piece of a page that is drawn once for each language and key."""

    def __init__(self, nodelist: template.NodeList, name: str, keys: list[template.base.FilterExpression]) -> None:
        self.nodelist, self.name, self.keys = nodelist, name, keys

    def render(self, context: template.Context) -> SafeString:
        key = (self.name, get_language(), *(str(one.resolve(context)) for one in self.keys))
        found = _pieces.get(key)
        if found is None:
            found = _pieces[key] = self.nodelist.render(context)
            if len(_pieces) > KEPT_PIECES:
                _pieces.popitem(last=False)
        return found


@register.tag
def kept(parser: template.base.Parser, token: template.base.Token) -> KeptNode:
    """`{% kept "name" key … %}…{% endkept %}`: everything the piece reads must follow from its keys, and nothing in it be personal.

    Raises TemplateSyntaxError without a name in quotes.
    """
    _tag, name, *keys = token.split_contents()
    if name[:1] not in "\"'":
        raise template.TemplateSyntaxError("kept: the first argument is a name in quotes")
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(nodelist, name[1:-1], [parser.compile_filter(key) for key in keys])
