"""团队: the tree; make, rename, move, delete."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.kernel.errors import Refused
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, toast, trigger
from zhike.kernel.screens.words import in_words

from ..models import Team
from .screens import needs
from .sheets import read_team
from .teams import change_team, content_of, delete_team, make_team
from .told import history_of
from .tree import tree

add_setting(
    SettingPage(
        key="teams", label=pgettext_lazy("plural", "团队"), hint=gettext_lazy("谁在哪个团队，团队怎样上下排"), url="/settings/teams/",
        icon="users-group", group="people", needs=("org.people", "view"), rank=20,
    )
)  # fmt: skip
HOME = "/settings/teams/"


@needs("view")
def teams(request: HttpRequest) -> HttpResponse:
    """The tree with the people of each team."""
    return render(request, "org/people/teams.html", {"branches": tree(), "may_change": actor_in(request).may("org.people", "change")})


@needs("change")
def new(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: make a team."""
    parent = _number(request.POST.get("parent") or request.GET.get("parent", ""))
    if request.method != "POST":
        return _dialog(request, None, "", parent)
    try:
        team = make_team(request.POST.get("name", ""), parent, by=actor_in(request))
    except Refused as refusal:
        return _dialog(request, None, _problem(refusal), parent)
    return _done(_("已建好 %(name)s") % {"name": team})


@needs("change")
def team_dialog(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: name and place of a team, with its history. POST: rename or move it."""
    team = get_object_or_404(Team, pk=pk)
    if request.method != "POST":
        return _dialog(request, team, "", team.parent_id)
    parent = _number(request.POST.get("parent", ""))
    try:
        change = change_team(team, name=request.POST.get("name", ""), parent_id=parent, by=actor_in(request))
    except Refused as refusal:
        return _dialog(request, team, _problem(refusal), parent)
    return _done(_("已保存"), undo=f"/changes/{change}/undo" if change else "")


@needs("change")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: ask, or say what is still in the team. POST: delete it."""
    team = get_object_or_404(Team, pk=pk)
    if request.method != "POST":
        return render(request, "org/people/team_delete.html", {"team": team, "kept": content_of(team)})
    change = delete_team(team, by=actor_in(request))
    return _done(_("已删除 %(name)s") % {"name": team}, undo=f"/changes/{change}/undo")


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 10 else None


def _problem(refusal: Refused) -> str:
    if refusal.code in ("not_permitted", "changed_meanwhile"):
        raise refusal
    return {"taken": _("已经有叫这个名字的团队"), "required": _("给团队起个名字")}.get(refusal.code) or in_words(refusal)


def _dialog(request: HttpRequest, team: Team | None, problem: str, parent: int | None) -> HttpResponse:
    context: dict[str, Any] = {
        "team": team, "problem": problem, "parent": parent, "branches": tree(),
        "name": request.POST.get("name", team.name if team else ""),
        "deeds": history_of(read_team(team), actor_in(request)) if team else [],
    }  # fmt: skip
    return render(request, "org/people/team.html", context, status=422 if problem else 200)


def _done(told: str, *, undo: str = "") -> HttpResponse:
    response = trigger(HttpResponse(status=204), {"zk:close": {}})
    response["HX-Location"] = HOME
    return toast(response, told, undo=undo)


urlpatterns = [
    path("settings/teams/", teams),
    path("settings/teams/new", new),
    path("settings/teams/<int:pk>", team_dialog),
    path("settings/teams/<int:pk>/delete", delete),
]
