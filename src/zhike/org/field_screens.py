"""Who sees a field of the company's own: a shortcut from the settings of fields to the rules of all roles."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.actor import Rule
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.errors import Refused
from zhike.kernel.screens.web import actor_in, screen, toast, trigger

from .fieldrules import rules_of, set_rules

RULES = (
    ("", gettext_lazy("看得到，能改")),
    (str(int(Rule.READ_ONLY)), gettext_lazy("看得到，不能改")),
    (str(int(Rule.MASKED)), gettext_lazy("遮住")),
    (str(int(Rule.HIDDEN)), gettext_lazy("看不到")),
)


@screen
def field_roles(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: what each role sees of a field. POST: set it."""
    actor = actor_in(request)
    if not actor.may("org.roles", "change"):
        raise Refused("not_permitted", verb="change", label="org.roles")
    field = CustomField.objects.filter(pk=pk).first()
    if field is None:
        raise Refused("gone", label="kernel.customfield")
    rules = rules_of(field.label, f"cf_{field.key}")
    if request.method == "POST":
        wanted = {role.pk: _rule(request.POST.get(f"rule-{role.pk}", "")) for role, _rule_now in rules}
        set_rules(field.label, f"cf_{field.key}", wanted, by=actor)
        return toast(trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}}), _("已保存"))
    rows = [(role, str(int(rule)) if rule else "") for role, rule in rules]
    return render(request, "org/field_roles.html", {"field": field, "rows": rows, "rules": RULES})


def _rule(text: str) -> Rule | None:
    return Rule(int(text)) if text in {"1", "2", "3"} else None


urlpatterns = [path("settings/fields/<uuid:pk>/roles", field_roles)]
