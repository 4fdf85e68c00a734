"""人员: the list, one person, inviting, letting go, a new link, a lost phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from zhike.kernel import directory
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.history import last_change_of
from zhike.kernel.mail import can_mail
from zhike.kernel.screens.settings import SettingPage, add_setting
from zhike.kernel.screens.web import actor_in, is_fragment, screen, toast, trigger, with_params
from zhike.kernel.screens.words import add_words, in_words
from zhike.kernel.spec import Words

from ..models import Membership, Role, Team, User
from ..passwords import company_name
from .editing import Wish, change_person, deactivate, invite, mark, note_link, reactivate, reset_factors, wish_of
from .finding import free_username
from .links import DAYS, PATH, mail_link, make_link
from .sheets import read_person
from .told import belongings, history_of
from .tree import tree

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PAGE = 50
CAP = 10_000
add_setting(
    SettingPage(
        key="people", label=gettext_lazy("人员"), hint=gettext_lazy("邀请、停用，给角色和团队"), url="/settings/people/", icon="users",
        group="people", needs=("org.people", "view"), rank=10,
    )
)  # fmt: skip
add_words(
    {
        "more_than_held": gettext_lazy("你自己没有这么大的权限，不能给别人，也不能动有它的人"),
        "last_keeper_of": gettext_lazy("他是最后一个能管人员和角色的人，先让另一个人也能管"),
        "not_yourself": gettext_lazy("不能停用自己，请另一个管理员来做"),
        "person_inactive": gettext_lazy("他停用了，先重新开通"),
        "team_in_use": gettext_lazy("团队里还有 %(people)s 个人、%(teams)s 个下级团队、%(records)s 条记录，先移走"),
        "team_circle": gettext_lazy("不能放到自己的下级里面"),
    }
)
TAKEN: dict[str, Words] = {"username": gettext_lazy("这个用户名有人用了"), "email": gettext_lazy("这个邮箱是另一个人的")}
WRONG: dict[str, Words] = {
    "username": gettext_lazy("只能用字母、数字、汉字和 @ . + - _"),
    "email": gettext_lazy("这不像一个邮箱"),
    "home": gettext_lazy("新记录要归他在的一个团队"),
}
STATES: dict[str, tuple[Words, Q]] = {
    "": (gettext_lazy("在用"), Q(is_active=True, invited_at=None)),
    "invited": (gettext_lazy("等加入"), Q(is_active=True, invited_at__isnull=False)),
    "gone": (pgettext_lazy("person", "已停用"), Q(is_active=False)),
    "all": (gettext_lazy("全部"), Q()),
}


def needs(verb: str) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]]:
    """A screen for who may view or change people."""

    def wrap(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @screen
        @wraps(view)
        def run(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not actor_in(request).may("org.people", verb):
                raise Refused("not_permitted", verb=verb, label="org.people")
            return view(request, *args, **kwargs)

        return run

    return wrap


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """A page of people: rows, the address of the next ones, how many match (up to a cap)."""

    people: list[User]
    next: str
    count: int
    is_exact: bool


@needs("view")
def people(request: HttpRequest) -> HttpResponse:
    """The list, searched and filtered on the server; as a fragment only the rows."""
    params = {name: request.GET.get(name, "") for name in ("q", "state", "role", "team") if request.GET.get(name)}
    page = _page(params, request.GET.get("after", ""))
    context = {
        "page": page, "params": params, "may_change": actor_in(request).may("org.people", "change"),
        "tabs": [(label, f"/settings/people/{with_params({**params, 'state': key} if key else _without(params, 'state'))}", params.get("state", "") == key) for key, (label, _q) in STATES.items()],
        "roles": Role.objects.order_by("name"), "role": params.get("role", ""), "team": Team.objects.filter(pk=_int(params.get("team", "")) or 0).first(),
        "without_team": f"/settings/people/{with_params(_without(params, 'team'))}",
    }  # fmt: skip
    if request.GET.get("after"):
        return render(request, "org/people/rows.html", context)
    whole = not (is_fragment(request) and request.headers.get("HX-Target") == "people")
    return render(request, "org/people/list.html" if whole else "org/people/body.html", context)


def _without(params: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in params.items() if key != name}


def _int(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 10 else None


def _page(params: dict[str, str], after: str) -> PeoplePage:
    """The people after a place in the order of names; the place is the id of the last one seen."""
    rows = _matching(params)
    last = User.objects.filter(pk=_int(after) or 0).first() if after else None
    onward = rows.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk)) if last else rows
    found = list(onward.prefetch_related("roles", "teams").order_by("name", "pk")[: PAGE + 1])
    more = f"/settings/people/{with_params(params | {'after': str(found[PAGE - 1].pk)})}" if len(found) > PAGE else ""
    count = len(found) if not more and last is None else rows.order_by().values("pk")[: CAP + 1].aggregate(n=Count("pk"))["n"]
    return PeoplePage(people=found[:PAGE], next=more, count=min(count, CAP), is_exact=count <= CAP)


def _matching(params: dict[str, str]) -> QuerySet[User]:
    rows = User.objects.filter(STATES.get(params.get("state", ""), STATES[""])[1])
    if role := _int(params.get("role", "")):
        rows = rows.filter(roles=role)
    if team := _int(params.get("team", "")):
        rows = rows.filter(memberships__team=team)
    found: QuerySet[User] = directory.matching(rows, params.get("q", ""))
    return found


@needs("change")
def new(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: invite; the answer is the link, or that it was mailed."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            user = invite(wish_in(request.POST, Wish(username="", name="")), by=actor_in(request))
        except Refused as refusal:
            problems = problems_of(refusal)
        else:
            return _link_shown(request, user)
    context = {
        "problems": problems, "sent": request.POST, "roles": Role.objects.order_by("pk"), "branches": tree(), "can_mail": can_mail(),
        "languages": settings.LANGUAGES, "chosen": {"roles": request.POST.getlist("roles"), "teams": request.POST.getlist("teams")},
    }  # fmt: skip
    return render(request, "org/people/new.html", context, status=422 if problems else 200)


def wish_in(sent: QueryDict, before: Wish) -> Wish:
    """What a form asks for; what it does not show stays as it is."""
    teams = tuple(int(value) for value in sent.getlist("teams") if _int(value))
    home = _int(sent.get("home", "")) or (before.home if before.home in teams else teams[0] if teams else None)
    mail, name = sent.get("email", before.email).strip(), sent.get("name", before.name)
    return replace(
        before, name=name, username=sent.get("username", "").strip() or before.username or free_username(mail.partition("@")[0] or name),
        email=mail, language=sent.get("language", before.language), must_mfa="must_mfa" in sent,
        roles=tuple(int(value) for value in sent.getlist("roles") if _int(value)), teams=teams, home=home,
    )  # fmt: skip


def problems_of(refusal: Refused) -> dict[str, str]:
    """A refusal at the field it is about; at the top of the form otherwise. Rights and races are not the form's."""
    if refusal.code in ("not_permitted", "changed_meanwhile"):
        raise refusal
    field = str(refusal.facts.get("field", ""))
    if refusal.code == "required":
        return {field: _("要填")}
    words = (TAKEN if refusal.code == "taken" else WRONG if refusal.code == "invalid_value" else {}).get(field)
    return {field: str(words)} if words else {"form": in_words(refusal)}


def _link_shown(request: HttpRequest, user: User) -> HttpResponse:
    """Make a link, mail it, and show it where it cannot be mailed."""
    token = make_link(user, by=actor_in(request).user_id)
    url = request.build_absolute_uri(f"{PATH}{token}")
    mailed = mail_link(user, company=company_name(), sender=actor_in(request).name, url=url)
    context = {"person": user, "url": url, "mailed": mailed, "days": DAYS, "can_mail": can_mail()}
    return trigger(render(request, "org/people/link.html", context), {"zk:changed": {}})


@needs("view")
def person_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One person. POST: keep what the form says."""
    actor, user = actor_in(request), get_object_or_404(User, pk=pk)
    if request.method == "POST":
        return _save(request, user)
    return render(request, "org/people/person.html", _person_context(actor, user, wish_of(user), {}))


def _person_context(actor: Actor, user: User, wish: Wish, problems: dict[str, str]) -> dict[str, Any]:
    return {
        "person": user, "wish": wish, "mark": mark(wish_of(user)), "problems": problems, "may_change": actor.may("org.people", "change"),
        "is_me": actor.user_id == user.pk, "roles": Role.objects.order_by("pk"), "branches": tree(), "languages": settings.LANGUAGES,
        "may_suppose": actor.may("org.roles", "view"), "own": belongings(user, actor), "deeds": history_of(read_person(user), actor),
        "has_factor": has_factor(user), "can_mail": can_mail(), "memberships": Membership.objects.filter(user=user).select_related("team"),
    }  # fmt: skip


def has_factor(user: User) -> bool:
    """Whether a person logs in with a second factor."""
    return bool(Authenticator.objects.filter(user=user).exists())


def _save(request: HttpRequest, user: User) -> HttpResponse:
    actor = actor_in(request)
    before = wish_of(user)
    wish = wish_in(request.POST, before)
    try:
        change_person(user, wish, by=actor, seen=request.POST.get("mark", ""))
    except Refused as refusal:
        problems = problems_of(refusal)
        return render(request, "org/people/form.html", _person_context(actor, user, wish, problems), status=422)
    response = HttpResponse(status=204)
    response["HX-Location"] = f"/settings/people/{user.pk}/"
    change = last_change_of(read_person(user).pk)
    return toast(response, _("已保存"), undo=f"/changes/{change}/undo" if wish_of(user) != before else "")


@require_POST
@needs("change")
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link for one who has not joined, or who lost the password; links made before end."""
    user = get_object_or_404(User, pk=pk)
    note_link(user, by=actor_in(request))
    return _link_shown(request, user)


@needs("change")
def let_go(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: ask, and say what still belongs to the person. POST: deactivate."""
    actor, user = actor_in(request), get_object_or_404(User, pk=pk)
    if request.method != "POST":
        return render(request, "org/people/let_go.html", {"person": user, "own": belongings(user, actor)})
    change = deactivate(user, by=actor)
    return _back(user, _("已停用 %(name)s，他登录着的都退出了") % {"name": user}, undo=f"/changes/{change}/undo")


@require_POST
@needs("change")
def let_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Reactivate a person."""
    user = get_object_or_404(User, pk=pk)
    change = reactivate(user, by=actor_in(request))
    return _back(user, _("已重新开通 %(name)s") % {"name": user}, undo=f"/changes/{change}/undo")


@require_POST
@needs("change")
def lost_phone(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the second factors of a person away, for one who lost them; the password stays."""
    user = get_object_or_404(User, pk=pk)
    reset_factors(user, by=actor_in(request))
    return _back(user, _("%(name)s 的两步验证去掉了，下次登录后再开") % {"name": user})


def _back(user: User, told: str, *, undo: str = "") -> HttpResponse:
    response = trigger(HttpResponse(status=204), {"zk:close": {}})
    response["HX-Location"] = f"/settings/people/{user.pk}/"
    return toast(response, told, undo=undo)


urlpatterns = [
    path("settings/people/", people),
    path("settings/people/new", new),
    path("settings/people/<int:pk>/", person_page),
    path("settings/people/<int:pk>/link", link),
    path("settings/people/<int:pk>/let-go", let_go),
    path("settings/people/<int:pk>/let-in", let_in),
    path("settings/people/<int:pk>/lost-phone", lost_phone),
]
