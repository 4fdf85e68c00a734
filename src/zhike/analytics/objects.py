"""What analytics shows on the pages of others: a customer's value."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.policy import set_policy, shared
from zhike.kernel.registry import objects
from zhike.kernel.rights import Right, add_page_right
from zhike.kernel.spec import SidePanel
from zhike.kernel.templatetags.zhike_ui import num, wan
from zhike.org.ready_roles import PAGE

from .drawn import segment_name, window_words
from .models import ValueSetting
from .queries import current_run, score_of

add_page_right(Right(label="analytics.overview", title=_lazy("经营概览"), scopes=tuple(Scope), grants=PAGE))
add_page_right(Right(label="analytics.value", title=_lazy("客户价值"), scopes=tuple(Scope), grants=PAGE))
set_policy(ValueSetting, shared("org.settings"))


TOLD = tuple(f"customers.customer.{name}" for name in ("segment", "rfm", "sales", "orders_count", "last_order_at"))


def _value(actor: Actor, customer: Customer) -> dict[str, Any] | None:
    """The score in words; who may see the customer and its orders may see what they make."""
    if not customer.rfm or not actor.may("orders.order", "view"):
        return None
    run, score = current_run(), score_of(customer)
    if run is None or score is None or not score.segment or score.last_day is None:
        return None
    days = (run.as_of - score.last_day).days
    r, f, m = (int(digit) for digit in str(score.rfm))
    return {
        "score": score,
        "code": "-".join(str(score.rfm)),
        "segment": segment_name(score.segment),
        "before": segment_name(score.before),
        "parts": (
            (_("最近一次"), _("%(days)s 天前") % {"days": days}, r),
            (_("次数"), _("%(count)s 次") % {"count": num(score.orders)}, f),
            (_("金额"), _("%(money)s 元") % {"money": wan(score.sales)}, m),
        ),
        "as_of": run.as_of,
        "compared_to": run.compared_to,
        "window": window_words(run),
    }


objects.show_on(
    "customers.customer", SidePanel(key="value", template="analytics/panels/value.html", load=_value, place="side", rank=30, tells=TOLD)
)
