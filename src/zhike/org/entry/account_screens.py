"""我的账号: who I am here, how I log in, where I am logged in."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.password_change import change_password, finalize_password_change
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from zhike.kernel import history
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, screen, toast
from zhike.kernel.screens.words import in_words

from ..models import Membership, User
from ..passwords import check_password
from ..people.editing import change_own
from ..people.sessions import end_sessions
from ..people.sheets import PERSON, person_sheet, read_person
from .policy import needs_factor
from .tables import SingleSignOn

for _page in (
    SettingPage(key="account", label=gettext_lazy("个人资料"), hint=gettext_lazy("姓名、语言、深色浅色、角色和团队"), url="/account/profile/", icon="user", group="me", rank=10),
    SettingPage(key="security", label=gettext_lazy("登录和安全"), hint=gettext_lazy("密码、两步验证、通行密钥"), url="/account/security/", icon="key", group="me", rank=20),
    SettingPage(key="sessions", label=gettext_lazy("登录着的设备"), hint=gettext_lazy("在哪里登录着，让别处退出"), url="/account/sessions/", icon="device-desktop", group="me", rank=30),
):  # fmt: skip
    add_setting(_page)

LANGUAGES = (("zh-hans", "简体中文"), ("en", "English"))
YEAR = 365 * 24 * 3600


def me_in(request: HttpRequest) -> User:
    """The person who is logged in."""
    assert isinstance(request.user, User)
    return request.user


@screen
def profile(request: HttpRequest) -> HttpResponse:
    """GET: name and language to change, roles and teams to read. POST: keep them."""
    me, actor = me_in(request), actor_in(request)
    if request.method == "POST":
        change_own(me, name=request.POST.get("name", ""), language=request.POST.get("language", ""), by=actor)
        response = HttpResponse(status=204)
        response["HX-Location"] = "/account/profile/"
        response.set_cookie("django_language", me.language, max_age=YEAR, samesite="Lax")
        change = last_change_of(read_person(me).pk)
        return toast(response, _("已保存"), undo=f"/changes/{change}/undo" if change else "")
    memberships = Membership.objects.filter(user=me).select_related("team").order_by("-is_home", "team__name")
    context = {"me_user": me, "languages": LANGUAGES, "roles": me.roles.order_by("name"), "memberships": memberships}
    return render(request, "org/account/profile.html", context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey of a person as the page lists it."""

    pk: int
    name: str
    made: dt.datetime
    used: dt.datetime | None
    opens: bool  # good for log-in by itself, not only as the second factor


@screen
def security(request: HttpRequest) -> HttpResponse:
    """Password, second factor, recovery codes, passkeys, and the systems by which one comes in."""
    me, actor = me_in(request), actor_in(request)
    kept = list(Authenticator.objects.filter(user=me).order_by("pk"))
    by_type = {one.type: one for one in kept}
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    systems = dict(SingleSignOn.objects.values_list("slug", "name"))
    host = request.get_host().rpartition(":")[0] or request.get_host()
    context = {
        "has_password": me.has_usable_password(), "totp": by_type.get(Authenticator.Type.TOTP), "codes": codes, "mail": me.email,
        "codes_left": 10 - bin(codes.data.get("used_mask", 0)).count("1") if codes else 0,
        "passkeys": [_passkey(one) for one in kept if one.type == Authenticator.Type.WEBAUTHN],
        "is_needed": needs_factor(me, actor.role_ids), "can_passkey": any(letter.isalpha() for letter in host),
        "systems": [systems.get(one.provider, one.provider) for one in SocialAccount.objects.filter(user=me)],
    }  # fmt: skip
    return render(request, "org/account/security.html", context)


def _passkey(one: Authenticator) -> Passkey:
    wrapped = one.wrap()
    return Passkey(pk=one.pk, name=wrapped.name, made=one.created_at, used=one.last_used_at, opens=bool(wrapped.is_passwordless))


@sensitive_post_parameters("old", "password")
@screen
def password(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: a new password; everywhere else one is logged out. Without a password yet none is asked for."""
    me = me_in(request)
    problems: dict[str, str] = {}
    if request.method == "POST":
        if limited := ratelimit.consume_or_429(request, action="change_password"):
            over: HttpResponse = limited
            return over
        problems = _password_problems(me, request.POST.get("old", ""), request.POST.get("password", ""))
        if not problems:
            return _changed(request, me)
    context = {"has_password": me.has_usable_password(), "problems": problems}
    return render(request, "org/account/password.html", context, status=422 if problems else 200)


def _password_problems(me: User, old: str, new: str) -> dict[str, str]:
    if me.has_usable_password() and not me.check_password(old):
        return {"old": _("现在的密码不对")}
    try:
        check_password(new, me)
    except Refused as refusal:
        return {"password": in_words(refusal)}
    return {"password": _("和现在的一样")} if me.has_usable_password() and old == new else {}


def _changed(request: HttpRequest, me: User) -> HttpResponse:
    change_password(me, request.POST["password"])
    finalize_password_change(request, me)
    end_sessions(me.pk, but=request.session.session_key or "")
    history.begin_change(actor_in(request), verb="change_password", label=PERSON, object_id=person_sheet(me).pk)
    return redirect("/account/security/?password=changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person is logged in."""

    pk: int
    device: str
    icon: str
    ip: str
    since: dt.datetime
    seen: dt.datetime
    is_here: bool


@screen
def sessions(request: HttpRequest) -> HttpResponse:
    """Where I am logged in."""
    return render(request, "org/account/sessions.html", {"places": _places(request)})


def _places(request: HttpRequest) -> list[Place]:
    mine = UserSession.objects.filter(user=me_in(request)).order_by("-last_seen_at")[:100]
    alive = set(
        Session.objects.filter(session_key__in=[one.session_key for one in mine], expire_date__gt=timezone.now()).values_list(
            "pk", flat=True
        )
    )
    here = request.session.session_key
    return sorted(
        (
            Place(
                pk=one.pk, device=device_of(one.user_agent), icon="phone" if "Mobile" in one.user_agent else "device-desktop",
                ip=one.ip, since=one.created_at, seen=one.last_seen_at, is_here=one.session_key == here,
            )
            for one in mine if one.session_key in alive
        ),
        key=lambda place: not place.is_here,
    )  # fmt: skip


BROWSERS = (("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone|iPad", "iOS"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"))


def device_of(agent: str) -> str:
    """A browser's own words about itself in two: Chrome, Windows."""
    browser = next((name for sign, name in BROWSERS if re.search(sign, agent)), "")
    system = next((name for sign, name in SYSTEMS if re.search(sign, agent)), "")
    return _("，").join(word for word in (browser, system) if word) or agent[:40] or _("不知道是什么")


@require_POST
@screen
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Log out one other place."""
    one = UserSession.objects.filter(user=me_in(request), pk=pk).first()
    if one is None:
        raise Refused("gone", label="session")
    one.end()
    return _list_again(request, _("那里已经退出"))


@require_POST
@screen
def end_others(request: HttpRequest) -> HttpResponse:
    """Log out everywhere but here."""
    count = end_sessions(me_in(request).pk, but=request.session.session_key or "")
    return _list_again(request, _("另外 %(count)s 处已经退出") % {"count": count})


def _list_again(request: HttpRequest, told: str) -> HttpResponse:
    return toast(render(request, "org/account/places.html", {"places": _places(request)}), told)


def note_seen(request: HttpRequest) -> None:
    """Keep when a session was last used, at most every ten minutes; the session itself remembers when it was noted."""
    now = int(timezone.now().timestamp())
    if now - int(request.session.get("zhike_seen", 0)) < 600:
        return
    request.session["zhike_seen"] = now
    ip = get_adapter().get_client_ip(request)
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now(), ip=ip)


urlpatterns = [
    path("account/profile/", profile),
    path("account/security/", security, name="account_security"),
    path("account/password/", password, name="account_change_password"),
    path("account/password/set/", password, name="account_set_password"),
    path("account/sessions/", sessions),
    path("account/sessions/others/end", end_others),
    path("account/sessions/<int:pk>/end", end_session),
]
