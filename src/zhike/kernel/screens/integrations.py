"""Integrations: other systems that read and write here, each with one role, its tokens, and a name in the history."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .. import directory
from ..errors import Refused
from ..links.integrations import delete_integration, integration_of, save_integration, switch_integration
from ..links.tables import ApiToken, Integration
from ..links.tokens import living, require_integrations
from .pick_team import NONE, TeamField
from .settings import SettingPage, add_setting
from .tokens import lines
from .web import actor_in, screen, toast, trigger
from .words import add_words, in_words

MOST = 200

add_words({"grants_too_wide": gettext_lazy("这个角色能做的比你多，换一个角色")})
add_setting(
    SettingPage(
        key="integrations",
        label=gettext_lazy("对接系统"),
        hint=gettext_lazy("给别的系统一个身份：角色、令牌、在历史里的名字"),
        url="/settings/integrations/",
        icon="switch-horizontal",
        group="links",
        needs=("org.integrations", "view"),
        rank=10,
    )
)


def require_view(request: HttpRequest) -> None:
    """Raise Refused("not_permitted") for who may not see links to other systems."""
    if not actor_in(request).may("org.integrations", "view"):
        raise Refused("not_permitted", verb="view", label="org.integrations")


class IntegrationForm(forms.Form):
    """Name, role, team."""

    name = forms.CharField(
        label=gettext_lazy("叫什么"),
        max_length=80,
        widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True, "placeholder": gettext_lazy("比如：仓库系统")}),
    )
    role = forms.TypedChoiceField(label=gettext_lazy("按哪个角色的权限"), coerce=int, widget=forms.Select(attrs={"class": "form-select"}))
    team = TeamField(
        NONE,
        label=gettext_lazy("归哪个团队"),
        required=False,
        help_text=gettext_lazy("角色里“自己的”对它就是这个团队的，它新建的也归这个团队"),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(str(pk), name) for pk, name in directory.roles().items()]


@never_cache
@screen
@require_GET
def integrations(request: HttpRequest) -> HttpResponse:
    """All integrations with their role and living tokens."""
    require_view(request)
    rows = list(Integration.objects.order_by("name")[:MOST])
    roles = directory.roles()
    used: dict[Any, list[ApiToken]] = {row.pk: [] for row in rows}
    for token in ApiToken.objects.filter(living(), integration__in=rows):
        used[token.integration_id].append(token)
    told = [_told(row, roles, used[row.pk]) for row in rows]
    return render(request, "kernel/links/integrations.html", {"lines": told, "may_change": _may_change(request)})


def _told(row: Integration, roles: Mapping[int, str], tokens: list[ApiToken]) -> dict[str, Any]:
    days = [token.last_used_on for token in tokens if token.last_used_on]
    return {"row": row, "role": roles.get(row.role_id, ""), "tokens": len(tokens), "last": max(days) if days else None}


def _may_change(request: HttpRequest) -> bool:
    return actor_in(request).may("org.integrations", "change")


@never_cache
@screen
@require_GET
def integration_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One integration: what it may, its tokens, the webhooks that act as it."""
    require_view(request)
    row = integration_of(pk)
    context = {
        "row": row,
        "role": directory.roles().get(row.role_id, ""),
        "team": directory.teams([row.team_id]).get(row.team_id, "") if row.team_id else "",
        "lines": lines(list(row.tokens.order_by("-created_at")[:MOST])),
        "hooks": row.hooks.order_by("name"),
        "may_change": _may_change(request),
        "url": f"/settings/integrations/{row.pk}/",
    }
    return render(request, "kernel/links/integration.html", context)


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def new_integration(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: make an integration and go to it."""
    return _edited(request, Integration(), _("加对接系统"))


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def edit_integration(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET: the dialog. POST: change name, role or team."""
    require_integrations(actor_in(request))
    return _edited(request, integration_of(pk), _("改对接系统"))


def _edited(request: HttpRequest, row: Integration, heading: str) -> HttpResponse:
    if not _may_change(request):
        raise Refused("not_permitted", verb="change", label="org.integrations")
    is_new = row._state.adding
    initial = {} if is_new else {"name": row.name, "role": row.role_id, "team": row.team_id}
    form = IntegrationForm(request.POST or None, initial=initial)
    if form.is_bound and form.is_valid():
        row.name, row.role_id, row.team_id = form.cleaned_data["name"], form.cleaned_data["role"], form.cleaned_data["team"]
        try:
            save_integration(row, by=actor_in(request))
        except Refused as refusal:
            field = str(refusal.facts.get("field", ""))
            form.add_error(field if field in form.fields else None, in_words(refusal))
        else:
            response = HttpResponse(status=204)
            if is_new:
                response["HX-Location"] = f"/settings/integrations/{row.pk}/"
            return toast(trigger(response, {"zk:close": {}, "zk:changed": {}}), _("已保存"))
    context = {"form": form, "first": list(form), "heading": heading, "action": request.path, "verb": _("保存")}
    return render(request, "kernel/dialog_form.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def switch(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let it in, or keep it out with all its tokens."""
    require_integrations(actor_in(request))
    is_on = request.POST.get("on") == "1"
    switch_integration(integration_of(pk), is_on=is_on, by=actor_in(request))
    return toast(trigger(HttpResponse(status=204), {"zk:changed": {}}), _("已启用") if is_on else _("已停用，它的令牌马上都不能用"))


@require_POST
@screen
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete it with its tokens."""
    require_integrations(actor_in(request))
    row = integration_of(pk)
    delete_integration(row, by=actor_in(request))
    response = HttpResponse(status=204, headers={"HX-Location": "/settings/integrations/"})
    return toast(response, _("已删除 %(name)s") % {"name": row.name})
