"""The way in: log-in page, passkey, the link to join, how good a password is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.internal import flows
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView, PasswordResetFromKeyView
from allauth.core import ratelimit
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from zhike.demo.logins import DEMO_LOGINS, DEMO_PASSWORD, DemoLogin
from zhike.kernel.errors import Refused
from zhike.kernel.mail import can_mail
from zhike.kernel.screens.words import add_words, in_words
from zhike.org.entry.providers import providers
from zhike.org.entry.tables import SingleSignOn
from zhike.org.models import User
from zhike.org.passwords import judge
from zhike.org.people.links import join, person_of

JOIN = "zhike_join"
SSO_TROUBLE = {
    "unknown": gettext_lazy("这个账号还不是公司里的人，找管理员邀请你"),
    "no_mail": gettext_lazy("对方没有给出可信的邮箱，认不出你是谁。找管理员看看单点登录的设置"),
    "failed": gettext_lazy("单点登录没有完成，再试一次；还不行就找管理员"),
    "cancelled": gettext_lazy("你取消了单点登录"),
}
add_words(
    {
        "weak_password": gettext_lazy("密码不行：%(why)s"),
        "link_over": gettext_lazy("链接已经用过，或者过期了。请邀请你的人再发一个"),
    }
)


class LoginPage(LoginView):  # type: ignore[misc]
    """allauth's log-in (rate limits, sessions) in our own page, with every other way in beside the password."""

    template_name = "kernel/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        company = getattr(self.request, "company", None)
        systems = providers()
        context |= {
            "username_field": "login", "next": get_next_redirect_url(self.request) or "", "can_reset": can_mail(),
            "systems": [(one.name, login_url(one)) for one in systems], "can_passkey": is_name(self.request.get_host()),
        }  # fmt: skip
        if "passkey" in self.request.GET:
            context["error"] = _("通行密钥没有通过，再试一次，或用密码登录")
        elif self.request.GET.get("sso") in SSO_TROUBLE:
            context["error"] = SSO_TROUBLE[self.request.GET["sso"]]
        elif context["form"].errors:
            context["error"] = next(iter(context["form"].non_field_errors()), "")
        if company is not None and company.is_demo:
            context |= {"demo_logins": demo_logins(), "demo_password": DEMO_PASSWORD}
        return context

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)
        # A browser holds the answer to a form to form-action as well, and ours sends people on to those systems.
        origins = sorted({origin for one in providers() if (origin := origin_of(one))})
        if origins:
            response._csp_update = {"form-action": origins}  # type: ignore[attr-defined]
        return response


def demo_logins() -> list[DemoLogin]:
    """Whom one can be in the demo company, with titles in the language of the page."""
    is_chinese = (get_language() or "").startswith("zh")
    return [one if is_chinese else one._replace(title=one.title_en) for one in DEMO_LOGINS]


def login_url(one: SingleSignOn) -> str:
    """Where log-in by a system begins."""
    return f"/login/saml/{one.slug}/login/" if one.kind == SingleSignOn.Kind.SAML else f"/login/oidc/{one.slug}/login/"


def origin_of(one: SingleSignOn) -> str:
    """The origin that a browser is sent to by a system."""
    parts = urlsplit(one.sso_url or one.server_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def is_name(host: str) -> bool:
    """Whether a host is a name: passkeys belong to names, browsers make none for an address of digits."""
    name = host.rpartition(":")[0] or host
    return any(letter.isalpha() for letter in name) and not name.startswith("[")


class PasskeyLogin(LoginWebAuthnView):  # type: ignore[misc]
    """Log-in by a passkey; goes on to where the person wanted to be."""

    def form_valid(self, form: Any) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = Login(user=authenticator.user, redirect_url=get_next_redirect_url(self.request))
        done: HttpResponse = perform_passwordless_login(self.request, authenticator, login)
        return done

    def form_invalid(self, form: Any) -> HttpResponse:
        del form
        return redirect("/login/?passkey=failed")


class ResetPage(PasswordResetFromKeyView):  # type: ignore[misc]
    """A new password by a mailed link."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"person": self.reset_user}


def join_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address, so that it stands in no history and goes to nobody as a referrer."""
    request.session[JOIN] = token
    return redirect("account_join")


@never_cache
@sensitive_post_parameters("password")
def join_page(request: HttpRequest) -> HttpResponse:
    """GET: choose a name and a password. POST: join, and be logged in."""
    if limited := ratelimit.consume_or_429(request, action="reset_password_from_key"):
        over: HttpResponse = limited
        return over
    token = str(request.session.get(JOIN, ""))
    person = person_of(token) if token else None
    if person is None:
        return render(request, "account/join.html", {"is_over": True})
    problem, field = "", ""
    if request.method == "POST":
        try:
            user = join(token, name=request.POST.get("name", ""), password=request.POST.get("password", ""))
        except Refused as refusal:
            problem, field = in_words(refusal), "name" if refusal.code == "required" else "password"
            if refusal.code == "required":
                problem = _("写上你的姓名")
        else:
            return _come_in(request, user)
    context = {"person": person, "problem": problem, "field": field, "name": request.POST.get("name", person.name)}
    return render(request, "account/join.html", context, status=422 if problem else 200)


def _come_in(request: HttpRequest, user: User) -> HttpResponse:
    """Log in the one who just chose a password; a session of somebody else in this browser ends first."""
    flows.logout.logout(request)
    flows.login.record_authentication(request, user, method="password", username=user.username)
    done: HttpResponse = flows.login.perform_login(request, Login(user=user, redirect_url="/"))
    return done


@require_POST
@sensitive_post_parameters("password")
def strength(request: HttpRequest) -> JsonResponse:
    """How good a password is, while it is typed: level and words."""
    user = request.user if isinstance(request.user, User) else _joining(request)
    verdict = judge(request.POST.get("password", "")[:1000], user)
    return JsonResponse({"level": verdict.level, "words": verdict.words})


def _joining(request: HttpRequest) -> User | None:
    token = str(request.session.get(JOIN, ""))
    return person_of(token) if token else None


def sso_trouble(request: HttpRequest) -> HttpResponse:
    """Log-in by another system failed, or there is nobody for who came: the log-in page says so."""
    return redirect(f"/login/?sso={'cancelled' if 'cancelled' in request.path else 'failed'}")
