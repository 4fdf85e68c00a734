"""客户价值 and 经营概览: what the figures say, and a door behind each."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.screens.rail import Place, add_place
from zhike.kernel.screens.web import actor_in, address_params, screen, toast, trigger
from zhike.kernel.screens.words import add_words
from zhike.orders.models import Order

from . import cards, drawn
from .actions import change_setting
from .asking import ask, offered
from .card import query
from .compute import MetricQuery, behind
from .forms import SettingForm
from .jobs import ask_for_value
from .models import ValueSetting
from .overview import COMPARED, KINDS, Picked, answer, latest_day, picked
from .place import facts_here
from .queries import OVERVIEW, current_run, moved_customers, reach_of, setting, value_of

VALUE = "analytics.value"
TOLD = tuple(f"customers.customer.{name}" for name in ("segment", "rfm", "sales", "orders_count", "last_order_at"))
SHOWN = 200

add_words(
    {
        "lake_missing": gettext_lazy("还没有算过，先算一次"),
        "period_unknown": gettext_lazy("没有这个时段：%(period)s"),
        "bands_not_in_order": gettext_lazy("每一档要比下一档高，各填四个数"),
        "rfm_rule_invalid": gettext_lazy("天数至少 1，高分从 2 到 5"),
        "field_not_in_lake": gettext_lazy("“%(title)s”还没有算进来，一小时内会有"),
        "analytics_failed": gettext_lazy("没有算成：%(detail)s"),
    }
)

add_place(
    Place(
        key="overview", label=gettext_lazy("经营概览"), url="/analytics/overview", icon="chart-histogram", rank=50, needs=OVERVIEW,
        hotkey="a", keys="fx fenxi jygl",
    )
)  # fmt: skip
add_place(
    Place(
        key="value", label=gettext_lazy("客户价值"), url="/analytics/value", icon="chart-dots", rank=60, needs=VALUE,
        hotkey="v", keys="rfm jz jiazhi",
    )
)  # fmt: skip


def _may(actor: Actor, label: str) -> None:
    if not actor.may(label, "view"):
        raise Refused("not_permitted", verb="view", label=label)


def _may_see_value(actor: Actor) -> None:
    """The page tells these of every customer, added up: who may not see one of them may not see the page."""
    _may(actor, VALUE)
    hidden = actor.closed().intersection(TOLD)
    if hidden:
        raise Refused("field_not_permitted", field=min(hidden))


@screen
def value(request: HttpRequest) -> HttpResponse:
    """The map of recency and frequency, the eight segments, one of them closer, and who moved."""
    actor = actor_in(request)
    _may_see_value(actor)
    run = current_run()
    if run is None:
        return render(request, "analytics/value_empty.html", {"run_id": 0, "may_compute": True})
    reach = reach_of(actor, Customer, VALUE)
    wanted = drawn.Wanted(
        show=request.GET.get("show", ""), segment=request.GET.get("segment", ""), every_move=request.GET.get("moves") == "all"
    )
    context = drawn.value_context(value_of(reach, run), wanted)
    may = {"change": actor.may("org.settings", "change"), "export": actor.may("customers.customer", "export")}
    return render(request, "analytics/value.html", context | {"whose": drawn.whose(reach, "customers"), "may": may})


@require_POST
@screen
def compute_now(request: HttpRequest) -> HttpResponse:
    """Ask the worker to score all customers now."""
    _may(actor_in(request), VALUE)
    run = current_run()
    ask_for_value()
    return render(request, "analytics/computing.html", {"run_id": run.pk if run else 0})


@screen
def state(request: HttpRequest) -> HttpResponse:
    """Whether a run newer than the one the page knows is there; then the page is loaded again."""
    _may(actor_in(request), VALUE)
    run = current_run()
    known = request.GET.get("run", "0")
    response = HttpResponse(status=204)
    if run is not None and run.pk > int(known if known.isdigit() else 0):
        response["HX-Refresh"] = "true"
    return response


@screen
def settings_dialog(request: HttpRequest) -> HttpResponse:
    """GET: the rule of scores. POST: change it and score again."""
    actor = actor_in(request)
    if not actor.may("org.settings", "change"):
        raise Refused("not_permitted", verb="change", label="org.settings")
    form = SettingForm(request.POST or None, initial=SettingForm.initial_of(setting()))
    if form.is_valid():
        change_setting(form.values(), by=actor)
        ask_for_value()
        return toast(trigger(HttpResponse(status=204), {"zk:close": {}}), _("记下了，正在按新的分档重算"))
    context = {"form": form, "is_bands": (form["mode"].value() or "") == "bands", "setting": ValueSetting}
    return render(request, "analytics/setting.html", context, status=422 if form.is_bound else 200)


@screen
def moved(request: HttpRequest) -> HttpResponse:
    """The customers behind one movement."""
    actor = actor_in(request)
    _may_see_value(actor)
    before, after = (int(value) if value.isdigit() else 0 for value in (request.GET.get("before", ""), request.GET.get("after", "")))
    scores, count = moved_customers(reach_of(actor, Customer, VALUE), before=before, after=after, limit=SHOWN)
    run = current_run()
    context = {
        "title": f"{drawn.segment_name(before)} → {drawn.segment_name(after)}",
        "note": _("比 %(day)s") % {"day": run.compared_to.isoformat()} if run else "",
        "rows": [(score.customer, score.sales) for score in scores],
        "count": count,
        "figure": _("近一期销售额"),
        "back": ("/analytics/value", _("客户价值")),
    }
    return render(request, "analytics/people.html", context)


def _period(request: HttpRequest) -> Picked:
    today = timezone.localdate()
    return picked(request.GET.dict(), today=today, latest=latest_day(facts_here()) or today)


@screen
def overview(request: HttpRequest) -> HttpResponse:
    """The page at once; each card asks for its own figures."""
    actor = actor_in(request)
    _may(actor, OVERVIEW)
    try:
        facts = facts_here()
        latest = latest_day(facts)
    except Refused as refusal:
        if refusal.code != "lake_missing":
            raise
        return render(request, "analytics/overview_empty.html", {"run_id": 0, "may_compute": actor.may(VALUE, "view")})
    if latest is None:
        return render(request, "analytics/overview_empty.html", {"run_id": 0, "no_orders": True})
    chosen = _period(request)
    context = {
        "chosen": chosen,
        "picker": cards.picker(chosen, timezone.localdate()),
        "cards": [*cards.cards_for(reach_of(actor, Order, OVERVIEW)), *([("ask", _("自己挑"))] if offered(actor) else [])],
        "query": query(chosen.params),
        "whose": drawn.whose(reach_of(actor, Order, OVERVIEW), "orders"),
        "watermark": facts.watermark,
        "compared": COMPARED,
        "kinds": KINDS,
    }
    return render(request, "analytics/overview.html", context)


@screen
def card(request: HttpRequest, name: str) -> HttpResponse:
    """One card of the overview, or the headline figures."""
    actor = actor_in(request)
    _may(actor, OVERVIEW)
    reach = reach_of(actor, Order, OVERVIEW)
    if name == "headline":
        return render(request, "analytics/headline.html", {"figures": cards.headline(_period(request), reach)})
    if name == "ask":
        return render(request, "analytics/card.html", {"card": ask(_period(request), request.GET.dict(), actor)})
    draw = cards.DRAW.get(name)
    if draw is None:
        raise Refused("gone", label=name)
    return render(request, "analytics/card.html", {"card": draw(_period(request), reach)})


@screen
def new_buyers(request: HttpRequest) -> HttpResponse:
    """The customers who bought for the first time in the days named."""
    actor = actor_in(request)
    _may(actor, OVERVIEW)
    reach = reach_of(actor, Order, OVERVIEW)
    start, end = (_day(request, name) for name in ("start", "end"))
    wanted = MetricQuery(metrics=("customers.new_buyers",), start=start, end=end, scope=reach)
    count = answer(wanted).rows[0].values[0] or 0
    ids = behind(facts_here(), wanted, column="customer_id", limit=10 * SHOWN)
    key = "-sales" if actor.sees("customers.customer.sales") else "-updated_at"
    found = Customer.objects.visible_to(actor).filter(pk__in=ids).order_by(key, "-id")[:SHOWN]
    context = {
        "title": _("新客户"),
        "note": f"{start} – {end}",
        "rows": [(customer, customer.sales) for customer in found],
        "count": int(count),
        "figure": _("累计销售额"),
        "back": (f"/analytics/overview{query(address_params(request, 'start', 'end'))}", _("经营概览")),
    }
    return render(request, "analytics/people.html", context)


def _day(request: HttpRequest, name: str) -> dt.date:
    given = request.GET.get(name, "")
    try:
        return dt.date.fromisoformat(given)
    except ValueError as wrong:
        raise Refused("period_unknown", period=given) from wrong


urlpatterns = [
    path("analytics/value", value),
    path("analytics/value/compute", compute_now),
    path("analytics/value/state", state),
    path("analytics/value/setting", settings_dialog),
    path("analytics/value/moved", moved),
    path("analytics/overview", overview),
    path("analytics/overview/card/<slug:name>", card),
    path("analytics/overview/new-buyers", new_buyers),
]
