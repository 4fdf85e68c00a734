"""角色: the list, the editor of one role, what a change would do, and its history."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.registry import objects
from zhike.kernel.rights import SCOPES, VERBS
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, screen, toast, trigger
from zhike.kernel.screens.words import add_words, in_words
from zhike.kernel.seen import seen

from ..models import Role, User
from . import told
from .asking import CAP, impact_on_person, impact_on_role
from .editing import change_role, delete_role, make_role, mark, wish_of
from .sheets import sheet_of

NAMED = 12  # people named on the page of a role

add_setting(
    SettingPage(
        key="roles", label=pgettext_lazy("plural", "角色"), hint=gettext_lazy("谁能看、能改什么，到哪个范围，哪些字段看不到"), url="/settings/roles/",
        icon="shield-lock", group="people", needs=("org.roles", "view"), rank=30,
    )
)  # fmt: skip
add_words(
    {
        "last_keeper": gettext_lazy("这样就没有人能管角色了，先把“角色和权限”给另一个角色"),
        "role_in_use": gettext_lazy("还有 %(count)s 个人是这个角色（%(names)s），先给他们换一个"),
        "ready_role": gettext_lazy("自带的角色不能删，可以改，也可以不用"),
    }
)


def _require(actor: Actor, verb: str) -> None:
    if not actor.may("org.roles", verb):
        raise Refused("not_permitted", verb=verb, label="org.roles")


@screen
def roles(request: HttpRequest) -> HttpResponse:
    """All roles with how many people have each."""
    actor = actor_in(request)
    _require(actor, "view")
    people = Count("users", filter=Q(users__is_active=True))
    found = [
        (role, _summary(role)) for role in Role.objects.annotate(people=people).prefetch_related("grants", "field_rules").order_by("pk")
    ]
    return render(request, "org/roles/list.html", {"roles": found, "may_change": actor.may("org.roles", "change")})


def _summary(role: Role) -> list[tuple[str, str]]:
    """How far the role sees each object type, in words, and how many fields it closes."""
    views = {grant.label: grant.scope for grant in role.grants.all() if grant.verb == "view"}
    scopes = {int(scope): str(words) for scope, words in SCOPES.items()}
    found = [(str(spec.title), scopes[views[spec.label]]) for spec in objects if spec.label in views]
    count = len(role.field_rules.all())
    return [*found, (_("限制的字段"), str(count))] if count else found


@screen
def new(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: make a role, empty or like another, and open it."""
    actor = actor_in(request)
    _require(actor, "change")
    like = request.POST.get("like") or request.GET.get("like", "")
    problem = ""
    if request.method == "POST":
        try:
            role = make_role(request.POST.get("name", ""), by=actor, like=get_object_or_404(Role, pk=int(like)) if like.isdigit() else None)
        except Refused as refusal:
            problem = _name_problem(refusal)
        else:
            response = trigger(HttpResponse(status=204), {"zk:close": {}})
            response["HX-Location"] = f"/settings/roles/{role.pk}/"
            return toast(response, _("已建好 %(name)s") % {"name": role})
    context = {"roles": Role.objects.order_by("pk"), "like": like, "problem": problem, "name": request.POST.get("name", "")}
    return render(request, "org/roles/new.html", context, status=422 if problem else 200)


def _name_problem(refusal: Refused) -> str:
    return {"taken": _("已经有叫这个名字的角色"), "required": _("给角色起个名字")}.get(refusal.code) or in_words(refusal)


@screen
def role_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor. POST: keep what it says."""
    actor, role = actor_in(request), get_object_or_404(Role, pk=pk)
    _require(actor, "view")
    if request.method == "POST":
        return _save(request, role)
    sheet, wish = sheet_of(role), wish_of(role)
    people = User.objects.filter(roles=role, is_active=True).order_by("name")
    shown = list(people[: NAMED + 1])
    context = {
        "role": role, "mark": mark(wish), "verbs": VERBS.values(), "grid": told.grid(wish),
        "fields": told.field_groups(wish, (seen(spec, actor) for spec in objects)), "may_change": actor.may("org.roles", "change"),
        "people": shown[:NAMED], "people_count": people.count() if len(shown) > NAMED else len(shown), "deeds": told.history_of(sheet, actor),
    }  # fmt: skip
    return render(request, "org/roles/role.html", context)


def _save(request: HttpRequest, role: Role) -> HttpResponse:
    actor = actor_in(request)
    wish = told.wish_from(_sent(request), wish_of(role))
    change_role(role, wish, by=actor, name=request.POST.get("name", ""), seen=request.POST.get("mark", ""))
    deeds = told.history_of(sheet_of(role), actor)
    response = HttpResponse(status=204)
    response["HX-Location"] = f"/settings/roles/{role.pk}/"
    return toast(response, _("已保存"), undo=deeds[0].undo if deeds else "")


def _sent(request: HttpRequest) -> dict[str, str]:
    return {name: str(value) for name, value in request.POST.items()}


@require_POST
@screen
def what_if(request: HttpRequest, pk: int) -> HttpResponse:
    """What the form would do to those who have the role; nothing is saved."""
    actor, role = actor_in(request), get_object_or_404(Role, pk=pk)
    _require(actor, "change")
    wish = told.wish_from(_sent(request), wish_of(role))
    return render(request, "org/roles/impact.html", _impact_context(impact_on_role(role, wish)))


@require_POST
@screen
def what_if_person(request: HttpRequest, pk: int) -> HttpResponse:
    """What other roles or teams would do to one person; nothing is saved."""
    _require(actor_in(request), "view")
    user = get_object_or_404(User, pk=pk)
    roles, teams = (
        [int(value) for value in request.POST.getlist(name) if value.isdigit()] if name in request.POST else None
        for name in ("roles", "teams")
    )
    return render(request, "org/roles/impact.html", _impact_context(impact_on_person(user, roles=roles, teams=teams)))


def _impact_context(impact: Any) -> dict[str, Any]:
    steps = [told.step_words(step) for step in impact.steps]
    return {"impact": impact, "opened": [s for s in steps if s.opens], "closed": [s for s in steps if not s.opens], "cap": CAP}


@screen
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the dialog. POST: call the role otherwise."""
    actor, role = actor_in(request), get_object_or_404(Role, pk=pk)
    _require(actor, "change")
    problem = ""
    if request.method == "POST":
        try:
            name = request.POST.get("name", "")
            if not name.strip():
                raise Refused("required", field="name")
            change_role(role, wish_of(role), by=actor, name="" if name == str(role) else name)
        except Refused as refusal:
            problem = _name_problem(refusal)
        else:
            response = trigger(HttpResponse(status=204), {"zk:close": {}})
            response["HX-Location"] = f"/settings/roles/{role.pk}/"
            return toast(response, _("已改名"))
    context = {"role": role, "problem": problem, "name": request.POST.get("name", str(role))}
    return render(request, "org/roles/rename.html", context, status=422 if problem else 200)


@require_POST
@screen
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a role that nobody has; the toast takes it back."""
    actor, role = actor_in(request), get_object_or_404(Role, pk=pk)
    _require(actor, "change")
    change = delete_role(role, by=actor)
    response = HttpResponse(status=204)
    response["HX-Location"] = "/settings/roles/"
    return toast(response, _("已删除 %(name)s") % {"name": role}, undo=f"/changes/{change}/undo")


urlpatterns = [
    path("settings/roles/", roles),
    path("settings/roles/new", new),
    path("settings/roles/<int:pk>/", role_page),
    path("settings/roles/<int:pk>/what-if", what_if),
    path("settings/roles/<int:pk>/rename", rename),
    path("settings/roles/<int:pk>/delete", delete),
    path("settings/roles/person/<int:pk>/what-if", what_if_person),
]
