"""跟随客户: which types follow the customer and which stand by themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.rights import follower_of, followers
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, screen, toast, trigger

from .following import CAP, difference, let_stand_apart, stands_apart
from .tables import StandsApart

add_setting(
    SettingPage(
        key="following", label=gettext_lazy("跟随客户"), hint=gettext_lazy("联系人、跟进、订单是随客户一起看，还是各看各的"), url="/settings/following/",
        icon="git-merge", group="people", needs=("org.roles", "view"), rank=40,
    )
)  # fmt: skip


@screen
def following(request: HttpRequest) -> HttpResponse:
    """The types with what holds for each."""
    actor = actor_in(request)
    if not actor.may("org.roles", "view"):
        raise Refused("not_permitted", verb="view", label="org.roles")
    apart = set(StandsApart.objects.values_list("label", flat=True))
    types = [(one, one.label in apart) for one in followers()]
    return render(request, "org/following.html", {"types": types, "may_change": actor.may("org.roles", "change")})


@screen
def decide(request: HttpRequest, label: str) -> HttpResponse:
    """GET: what it would do. POST: let the type stand apart, or follow again."""
    actor, follower = actor_in(request), follower_of(label)
    if not actor.may("org.roles", "change"):
        raise Refused("not_permitted", verb="change", label="org.roles")
    if follower is None:
        raise Refused("gone", label=label)
    is_apart = stands_apart(label)
    if request.method == "POST":
        let_stand_apart(label, not is_apart, by=actor)
        response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
        text = _("%(type)s又跟随客户了") if is_apart else _("%(type)s以后各看各的")
        row = StandsApart.objects.filter(label=label).first()
        change = last_change_of(row.pk) if row else None
        return toast(response, text % {"type": follower.title}, undo=f"/changes/{change}/undo" if change else "")
    context = {"follower": follower, "is_apart": is_apart, "told": difference(follower), "cap": CAP}
    return render(request, "org/following_ask.html", context)


urlpatterns = [
    path("settings/following/", following),
    path("settings/following/<str:label>", decide),
]
