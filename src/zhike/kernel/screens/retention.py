"""How long history and bin are kept: arranged by whoever looks after the company's settings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..errors import Refused
from ..past.keeping import arrange, first_kept, months
from ..past.tables import LEAST_MONTHS, Retention, retention
from .settings import SettingPage, add_setting
from .web import actor_in, screen
from .words import in_words

SETTINGS = ("org.settings", "view")

add_setting(
    SettingPage(
        key="retention", label=gettext_lazy("历史留多久"), hint=gettext_lazy("改动记录和回收站留多久，占多少地方"),
        url="/settings/retention/", icon="clock", group="company", needs=SETTINGS, rank=45,
    )
)  # fmt: skip


@screen
def page(request: HttpRequest) -> HttpResponse:
    """GET: what is kept, by month; `?months=` shows what would go. POST: keep it so."""
    actor = actor_in(request)
    if not actor.may(*SETTINGS):
        raise Refused("not_permitted", verb="view", label="org.settings")
    kept, error = retention(), ""
    asked = request.POST if request.method == "POST" else request.GET
    tried = Retention(months=_whole(asked.get("months", "")), bin_days=_whole(asked.get("bin_days", "")) or kept.bin_days)
    if request.method == "POST":
        try:
            arrange(tried.months, tried.bin_days, by=actor)
        except Refused as refusal:
            if refusal.code == "not_permitted":
                raise
            error = in_words(refusal)
        else:
            return redirect("/settings/retention/?saved=1")
    shown = tried if "months" in asked else kept
    today = timezone.localdate()
    context = {
        "kept": shown,
        "is_trial": "months" in asked,
        "months": list(reversed(months(today, shown))),
        "first": first_kept(shown, today),
        "least": LEAST_MONTHS,
        "error": error,
        "saved": _("已存好") if request.GET.get("saved") else "",
        "may_change": actor.may("org.settings", "change"),
    }
    return render(request, "kernel/past/retention.html", context, status=422 if error else 200)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
