"""登录方式: for whom a second factor is a must, and the systems that vouch for people."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, screen, toast, trigger
from zhike.kernel.screens.words import in_words
from zhike.kernel.spec import Words

from ..models import Role
from ..people.tree import tree
from .policy import Mfa, Rules, change_rules, read_rules
from .providers import FIELDS, ProviderWish, add_provider, change_provider, remove_provider
from .tables import SingleSignOn

add_setting(
    SettingPage(
        key="login", label=gettext_lazy("登录方式"), hint=gettext_lazy("两步验证对谁是必须的，单点登录"), url="/settings/login/",
        icon="lock", group="people", needs=("org.settings", "view"), rank=60,
    )
)  # fmt: skip
Kind = SingleSignOn.Kind
MFA: dict[str, Words] = {
    Mfa.FREE: gettext_lazy("每个人自己决定"),
    Mfa.ROLES: gettext_lazy("这些角色必须开"),
    Mfa.ALL: gettext_lazy("所有人必须开"),
}
WRONG: dict[str, Words] = {
    "server_url": gettext_lazy("要用 https:// 开头的地址"),
    "sso_url": gettext_lazy("要用 https:// 开头的地址"),
    "certificate": gettext_lazy("这不是证书。把对方给的 X.509 证书整段贴进来"),
}
SWITCHES = ("is_on", "trusts_mail")


def _require(request: HttpRequest, verb: str) -> None:
    if not actor_in(request).may("org.settings", verb):
        raise Refused("not_permitted", verb=verb, label="org.settings")


@screen
def page(request: HttpRequest) -> HttpResponse:
    """GET: rules and systems. POST: keep the rules."""
    _require(request, "view")
    if request.method == "POST":
        return _keep(request)
    context = {
        "rules": read_rules(), "choices": MFA.items(), "roles": Role.objects.order_by("pk"), "kinds": Kind.choices,
        "systems": SingleSignOn.objects.order_by("name"), "may_change": actor_in(request).may("org.settings", "change"),
    }  # fmt: skip
    return render(request, "org/login/page.html", context)


def _keep(request: HttpRequest) -> HttpResponse:
    mfa = request.POST.get("mfa", "")
    roles = frozenset(int(value) for value in request.POST.getlist("mfa_roles") if value.isdigit())
    wanted = Rules(mfa=mfa if mfa in MFA else Mfa.FREE, mfa_roles=roles, sso_only="sso_only" in request.POST)
    change = change_rules(wanted, by=actor_in(request))
    response = HttpResponse(status=204)
    response["HX-Location"] = "/settings/login/"
    return toast(response, _("已保存"), undo=f"/changes/{change}/undo" if change else "")


@screen
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """GET: the dialog. POST: let a system vouch for people."""
    _require(request, "change")
    if kind not in Kind.values:
        raise Refused("gone", label="org.singlesignon")
    one = SingleSignOn(kind=kind, trusts_mail=kind == Kind.SAML)
    if request.method != "POST":
        return _dialog(request, one, {})
    try:
        made = add_provider(kind, wish_in(request.POST), by=actor_in(request))
    except Refused as refusal:
        return _dialog(request, one, _problems(refusal))
    return _done(_("加上了 %(name)s") % {"name": made}, undo=f"/changes/{last_change_of(made.pk)}/undo")


@screen
def system(request: HttpRequest, pk: str) -> HttpResponse:
    """GET: the dialog of one system, with the addresses it asks for. POST: change it."""
    _require(request, "change")
    one = get_object_or_404(SingleSignOn, pk=pk)
    if request.method != "POST":
        return _dialog(request, one, {})
    try:
        change_provider(one, wish_in(request.POST), by=actor_in(request))
    except Refused as refusal:
        return _dialog(request, one, _problems(refusal))
    return _done(_("已保存"), undo=f"/changes/{last_change_of(one.pk)}/undo")


@require_POST
@screen
def remove(request: HttpRequest, pk: str) -> HttpResponse:
    """Nobody comes by this system any more."""
    _require(request, "change")
    one = get_object_or_404(SingleSignOn, pk=pk)
    change = remove_provider(one, by=actor_in(request))
    return _done(_("已删除 %(name)s") % {"name": one}, undo=f"/changes/{change}/undo")


def wish_in(sent: QueryDict) -> ProviderWish:
    """What a form asks for."""
    values: dict[str, Any] = {name: str(sent[name]).strip() for name in FIELDS if name in sent}
    values |= {name: name in sent for name in SWITCHES}
    values["domains"] = sent.get("domains", "").replace("，", ",").replace("\n", ",").split(",")
    for name in ("role_id", "team_id"):
        values[name] = int(str(sent[name])) if sent.get(name, "").isdigit() else None
    return ProviderWish(values=values, secret=sent.get("secret", "").strip())


def _problems(refusal: Refused) -> dict[str, str]:
    if refusal.code in ("not_permitted", "changed_meanwhile"):
        raise refusal
    field = str(refusal.facts.get("field", ""))
    if refusal.code == "required":
        return {field: _("先选一个角色，不然新人什么都看不到") if field == "role_id" else _("要填")}
    return {field: str(WRONG[field])} if field in WRONG else {"form": in_words(refusal)}


def _dialog(request: HttpRequest, one: SingleSignOn, problems: dict[str, str]) -> HttpResponse:
    sent = wish_in(request.POST).values if problems else {name: getattr(one, name) for name in FIELDS}
    is_saml = one.kind == Kind.SAML
    addresses = []
    if not one._state.adding:
        names = ("saml_acs", "saml_metadata") if is_saml else ("openid_connect_callback",)
        addresses = [request.build_absolute_uri(reverse(name, args=[one.slug])) for name in names]
    context = {
        "one": one, "is_new": one._state.adding, "is_saml": is_saml, "values": {**sent, "domains": ", ".join(filter(None, sent["domains"]))},
        "problems": problems, "addresses": addresses, "roles": Role.objects.order_by("pk"), "branches": tree(),
        "action": f"/settings/login/new/{one.kind}" if one._state.adding else f"/settings/login/{one.pk}",
    }  # fmt: skip
    return render(request, "org/login/system.html", context, status=422 if problems else 200)


def _done(told: str, *, undo: str = "") -> HttpResponse:
    response = trigger(HttpResponse(status=204), {"zk:close": {}})
    response["HX-Location"] = "/settings/login/"
    return toast(response, told, undo=undo)


urlpatterns = [
    path("settings/login/", page),
    path("settings/login/new/<slug:kind>", new),
    path("settings/login/<uuid:pk>", system),
    path("settings/login/<uuid:pk>/remove", remove),
]
