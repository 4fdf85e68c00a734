"""今日: whom to contact today, and what to do about each."""

from __future__ import annotations

import datetime as dt
import uuid

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.customers.models import ActivityKind, Customer
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.registry import objects
from zhike.kernel.screens.rail import Place, add_place
from zhike.kernel.screens.reveal import reveal_url
from zhike.kernel.screens.web import actor_in, record_of, screen, toast, trigger
from zhike.kernel.text.workdays import workdays_between

from .actions import answer_suggestion, do_suggestion
from .queries import counts, has_customers, may_see_team, suggestions
from .touch_rules import rule_of, rules_for

add_place(Place(key="today", label=gettext_lazy("今日"), url="/", icon="sun-high", rank=10, hotkey="t", keys="jr jinri today"))


@screen
def today(request: HttpRequest) -> HttpResponse:
    """The day's page; "team" shows all the reader may see."""
    actor = actor_in(request)
    whose = _whose(request, actor)
    found = suggestions(actor, whose=whose)
    day = timezone.localdate()
    context = {
        "suggestions": found,
        "total": sum((item.value for item in found), start=0),
        "whose": whose,
        "may_see_team": may_see_team(actor),
        "day": day,
        "weekday": (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))[day.weekday()],
        "workdays_left": _workdays_left(day),
        "rules": rules_for(actor),
        "query": f"?whose={whose}",
    }
    return render(request, "sales/today.html", context)


def _workdays_left(day: dt.date) -> int:
    following = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    return workdays_between(day, following - dt.timedelta(days=1))


def _whose(request: HttpRequest, actor: Actor) -> str:
    """Own customers, or the team's when asked for, and for those who see a team but keep no customers themselves."""
    if not may_see_team(actor):
        return "me"
    asked = request.GET.get("whose", "")
    return asked if asked in ("me", "team") else "me" if has_customers(actor) else "team"


@screen
def rule_counts(request: HttpRequest) -> HttpResponse:
    """How many customers each rule speaks of; fetched after the page, so that the list need not wait."""
    actor = actor_in(request)
    whose = _whose(request, actor)
    return render(request, "sales/counts.html", {"counts": counts(actor, whose=whose)})


class DoneForm(forms.Form):
    """How the customer was contacted and what came of it."""

    kind = forms.ChoiceField(
        label=gettext_lazy("方式"),
        choices=[(k.value, k.label) for k in (ActivityKind.CALL, ActivityKind.MESSAGE, ActivityKind.VISIT)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    body = forms.CharField(
        label=gettext_lazy("结果"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 4, "autofocus": True}),
    )


@screen
def done(request: HttpRequest, pk: uuid.UUID, rule: str) -> HttpResponse:
    """GET: ask what came of it. POST: write it on the timeline."""
    customer, found = _customer(request, pk, "change"), rule_of(rule)
    if found is None:
        raise Refused("gone")
    form = DoneForm(request.POST or None, initial={"kind": request.GET.get("kind", "call")})
    if form.is_valid():
        do_suggestion(customer, rule=rule, by=actor_in(request), **form.cleaned_data)
        response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
        return toast(response, _("记好了，写进了动态"), undo=f"/changes/{last_change_of(customer.pk)}/undo")
    context = {"form": form, "customer": customer, "rule": found, "first": list(form)}
    context["reveal_url"] = reveal_url(customer, "phone", actor_in(request))
    return render(request, "sales/done.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def answer(request: HttpRequest, pk: uuid.UUID, rule: str, said: str) -> HttpResponse:
    """Later or useless."""
    customer = _customer(request, pk, "view")
    answer_suggestion(customer, rule=rule, answer=said, by=actor_in(request))
    text = _("明早 9:00 再提醒") if said == "later" else _("记下了，会少推这类")
    response = trigger(HttpResponse(status=204), {"zk:changed": {}})
    return toast(response, text, undo=f"/changes/{last_change_of(customer.pk)}/undo")


def _customer(request: HttpRequest, pk: uuid.UUID, verb: str) -> Customer:
    record = record_of(objects.of(Customer), pk, actor_in(request), verb)
    assert isinstance(record, Customer)
    return record


urlpatterns = [
    path("", today, name="today"),
    path("today/counts", rule_counts),
    path("today/<uuid:pk>/<slug:rule>/done", done),
    path("today/<uuid:pk>/<slug:rule>/answer/<slug:said>", answer),
]
