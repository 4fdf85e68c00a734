"""Tokens for the interface: a person's own, and those of an integration; made, shown once, revoked."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ..errors import Refused
from ..links.integrations import integration_of
from ..links.tables import ApiToken, Integration
from ..links.tokens import NewToken, make_token, require_integrations, revoke_token, token_of
from ..registry import objects
from ..spec import ObjectSpec
from .settings import SettingPage, add_setting
from .web import actor_in, screen, toast, trigger
from .words import add_words, in_words

SHOWN = 100
DAYS = 90  # an end date offered with a new token
READ, WRITE = "read", "write"

add_words(
    {
        "end_in_past": gettext_lazy("到期日已经过去了，选今天或以后"),
        "too_many_tokens": gettext_lazy("已经有 %(limit)s 个令牌在用，先停掉不用的"),
    }
)
add_setting(
    SettingPage(
        key="tokens",
        label=gettext_lazy("接口令牌"),
        hint=gettext_lazy("让你自己的程序用接口读写，权限不超过你"),
        url="/account/tokens/",
        icon="key",
        group="me",
        rank=80,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """A token as the table shows it."""

    token: ApiToken
    may: str
    state: str
    tone: str
    is_living: bool


def guarded() -> list[ObjectSpec]:
    """Object types with grants of their own; others are seen and changed with the one they belong to."""
    return [spec for spec in objects if spec.policy.label == spec.label]


def lines(tokens: Sequence[ApiToken]) -> list[TokenLine]:
    """Tokens in words, the living ones first."""
    found = [_line(token) for token in tokens]
    return sorted(found, key=lambda line: not line.is_living)


def _line(token: ApiToken) -> TokenLine:
    today = timezone.localdate()
    if token.revoked_at is not None:
        state, tone = _("已停用"), ""
    elif token.ends_on is not None and token.ends_on < today:
        state, tone = _("已过期"), ""
    elif token.ends_on is not None and (token.ends_on - today).days <= 14:
        state, tone = _("快到期"), "due"
    else:
        state, tone = _("在用"), "good"
    is_living = tone != ""
    return TokenLine(token=token, may=_may(token), state=state, tone=tone, is_living=is_living)


def _may(token: ApiToken) -> str:
    if not token.scopes:
        return _("全部权限")
    words = {READ: _("读"), WRITE: _("读写")}
    return _("，").join(f"{spec.title} {words[token.scopes[spec.label]]}" for spec in guarded() if token.scopes.get(spec.label) in words)


class TokenForm(forms.Form):
    """A name, an end, and what the token may do for each object type."""

    name = forms.CharField(
        label=gettext_lazy("叫什么"),
        max_length=80,
        widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True, "placeholder": gettext_lazy("比如：官网表单")}),
    )
    ends_on = forms.DateField(
        label=gettext_lazy("到期日"),
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("不填就一直有效，可以随时停用"),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = [(WRITE, _("读写")), (READ, _("只读")), ("", _("不能用"))]
        for spec in guarded():
            self.fields[f"may_{spec.slug}"] = forms.ChoiceField(
                label=str(spec.title), choices=choices, required=False, initial=WRITE, widget=forms.Select(attrs={"class": "form-select"})
            )

    def wanted(self) -> NewToken:
        """What was asked for; read and write for everything means no narrowing at all."""
        may = {spec.label: self.cleaned_data[f"may_{spec.slug}"] for spec in guarded()}
        scopes = {} if set(may.values()) == {WRITE} else {label: level for label, level in may.items() if level}
        if not scopes and set(may.values()) != {WRITE}:
            raise Refused("nothing_allowed")
        return NewToken(name=self.cleaned_data["name"], ends_on=self.cleaned_data["ends_on"], scopes=scopes)


add_words({"nothing_allowed": gettext_lazy("至少让它读一种内容")})


@never_cache
@screen
@require_GET
def own_tokens(request: HttpRequest) -> HttpResponse:
    """The reader's own tokens."""
    kept = ApiToken.objects.filter(user_id=actor_in(request).user_id or 0).order_by("-created_at")[:SHOWN]
    return render(request, "kernel/links/tokens.html", {"lines": lines(list(kept)), "url": "/account/tokens/"})


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def new_own_token(request: HttpRequest) -> HttpResponse:
    """GET: the dialog. POST: make a token of one's own; the answer shows it, once."""
    return _new_token(request, None)


@never_cache
@screen
@require_http_methods(["GET", "POST"])
def new_integration_token(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The same for an integration."""
    require_integrations(actor_in(request))
    return _new_token(request, integration_of(pk))


def _new_token(request: HttpRequest, integration: Integration | None) -> HttpResponse:
    form = TokenForm(request.POST or None, initial={"ends_on": timezone.localdate() + dt.timedelta(days=DAYS)})
    if form.is_bound and form.is_valid():
        try:
            token, text = make_token(form.wanted(), by=actor_in(request), integration=integration)
        except Refused as refusal:
            field = str(refusal.facts.get("field", ""))
            form.add_error(field if field in form.fields else None, in_words(refusal))
        else:
            response = render(request, "kernel/links/secret.html", {"text": text, "heading": token.name, "is_token": True})
            return trigger(response, {"zk:changed": {}})
    context = {
        "form": form,
        "heading": _("新建令牌"),
        "may": [form[f"may_{spec.slug}"] for spec in guarded()],
        "integration": integration,
        "action": request.path,
    }
    return render(request, "kernel/links/token_form.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def revoke(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """End a token at once; there is no undo, a new one is made instead."""
    revoke_token(token_of(pk), by=actor_in(request))
    return toast(trigger(HttpResponse(status=204), {"zk:changed": {}}), _("已停用，用它的程序马上读不到了"))
