"""Why to contact a customer today: the ready touch rules, each a condition on facts of the customer.

The chance that a touch brings an order starts from a stated guess and moves to what happened here:
(bought + guess x 20) / (touches + 20), touches of the last year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Activity, Customer, Segment
from zhike.kernel.actor import Actor
from zhike.kernel.templatetags.zhike_ui import money, smart_date

from .models import SuggestionAnswer

IMPORTANT = (Segment.KEY_VALUE, Segment.KEY_GROW, Segment.KEY_KEEP, Segment.KEY_RESCUE)
GUESS_WEIGHT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchRule:
    """A reason to contact; `window` is in days since the last purchase, both ends included."""

    code: str
    title: str | Promise
    deed: str | Promise
    window: tuple[int, int]
    guess: float
    advice: str | Promise
    only: Q = field(default_factory=Q)

    def is_open_to(self, actor: Actor) -> bool:
        """Whether the rule speaks of nothing that the actor may not see."""
        used = ("last_order_at", "sales", "orders_count", *(("segment",) if self.only else ()))
        return actor.sees(*(f"customers.customer.{name}" for name in used))

    def rows(self, today: dt.date) -> Q:
        """Customers the rule speaks of today, whoever sees them."""
        first, last = (_day_start(today - dt.timedelta(days=days)) for days in (self.window[1], self.window[0] - 1))
        return Q(last_order_at__gte=first, last_order_at__lt=last, sales__gt=0) & self.only

    def open_for(self, user_id: int, now: dt.datetime) -> Q:
        """Not yet done since the last purchase, and not put off by this person."""
        touched = Activity.objects.filter(rule=self.code, customer=OuterRef("pk"), happened_at__gte=OuterRef("last_order_at"))
        put_off = SuggestionAnswer.objects.filter(customer=OuterRef("pk"), rule=self.code, user_id=user_id, until__gt=now)
        return ~Exists(touched) & ~Exists(put_off)

    def why(self, customer: Customer, today: dt.date) -> str:
        """The reason in words, with its facts."""
        bought = timezone.localtime(customer.last_order_at).date()
        facts = {
            "day": smart_date(bought),
            "days": (today - bought).days,
            "average": money(customer.sales / customer.orders_count if customer.orders_count else 0),
            "count": customer.orders_count,
            "sales": money(customer.sales),
        }
        return WHY[self.code](facts)


def _day_start(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


Facts = dict[str, object]
WHY: dict[str, Callable[[Facts], str]] = {
    "thank3": lambda f: _now("%(day)s 买过，第 %(days)s 天，还没道谢；一共买过 %(count)s 单") % f,
    "ask7": lambda f: _now("%(day)s 买过，第 %(days)s 天，还没问用得怎样；单均 %(average)s 元") % f,
    "month": lambda f: _now("%(day)s 买的，满 1 个月还没问满意不满意；单均 %(average)s 元") % f,
    "quarter": lambda f: _now("第 %(days)s 天没买，上次 %(day)s；累计 %(sales)s 元，值得留住") % f,
    "slipping": lambda f: _now("以前是大户，第 %(days)s 天没买；买过 %(count)s 单，累计 %(sales)s 元") % f,
}

RULES = (
    TouchRule(
        code="thank3",
        title=_("买后 3 天道谢"),
        deed=_("道谢，问货到没有"),
        window=(3, 6),
        guess=0.10,
        advice=_("货收到了吗，数量和型号都对吗；有问题随时找我"),
    ),
    TouchRule(
        code="ask7",
        title=_("买后 7 天问使用"),
        deed=_("问用得怎样"),
        window=(7, 13),
        guess=0.12,
        advice=_("用了一周，有没有不顺手的地方；配套的要不要一起备一些"),
    ),
    TouchRule(
        code="month",
        title=_("满月问满意"),
        deed=_("问满意不满意"),
        window=(30, 44),
        guess=0.14,
        advice=_("用了一个月，打几分；哪里能做得更好"),
    ),
    TouchRule(
        code="quarter",
        title=_("三个月没买"),
        deed=_("问近况，约下一单"),
        window=(90, 119),
        guess=0.08,
        advice=_("好久没联系，最近生产怎么样；库存还够用多久"),
        only=Q(segment__in=IMPORTANT),
    ),
    TouchRule(
        code="slipping",
        title=_("大户在流失"),
        deed=_("当面谈一次"),
        window=(120, 540),
        guess=0.05,
        advice=_("是不是哪次没服务好；换了供应商的话，差在价格还是交期"),
        only=Q(segment__in=(Segment.KEY_KEEP, Segment.KEY_RESCUE)),
    ),
)


def rules_for(actor: Actor) -> tuple[TouchRule, ...]:
    """The rules that an actor's suggestions may rest on."""
    return tuple(rule for rule in RULES if rule.is_open_to(actor))


def rule_of(code: str) -> TouchRule | None:
    """The rule with that code."""
    return next((rule for rule in RULES if rule.code == code), None)
