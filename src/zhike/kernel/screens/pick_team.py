"""Choose a team by typing a part of its name: a company of a hundred thousand people has thousands of teams."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from .. import directory
from ..savedviews.rules import teams_kept
from .pick_person import CHOICES, number_of
from .web import actor_in, screen, spec_of

FOLLOW, SAME, NONE = "follow", "same", "none"
ANSWERS = {FOLLOW: gettext_lazy("跟着新的负责人"), SAME: gettext_lazy("不变"), NONE: gettext_lazy("没有团队")}
URL = "/teams/pick"


@screen
@require_GET
def pick(request: HttpRequest) -> HttpResponse:
    """Teams that match what was typed. `answers`: what else may be chosen, offered while nothing is typed."""
    actor, typed = actor_in(request), request.GET.get("q", "").strip()
    kept = teams_kept(actor, spec_of(request.GET["views"], actor).policy.label) if request.GET.get("views") else None
    teams = directory.find_teams(typed, CHOICES, among=kept)
    answers = [name for name in request.GET.get("answers", "").split(",") if name in ANSWERS and not typed]
    options = [(name, ANSWERS[name], "") for name in answers] + [(str(pk), name, _("团队")) for pk, name in teams.items()]
    return render(request, "kernel/share_pick.html", {"options": options})


class TeamWidget(forms.TextInput):
    """A hidden id beside a text field that asks the server at this address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        del renderer
        pk = number_of(value)
        context = {
            "name": name,
            "value": "" if value is None else value,
            "label": ANSWERS.get(value, "") if pk is None else directory.teams([pk]).get(pk, ""),
            "id": (attrs or {}).get("id", f"id_{name}"),
            "url": self.url,
            "placeholder": _("团队名称"),
        }
        return mark_safe(render_to_string("kernel/pick_person_field.html", context))


class TeamField(forms.Field):
    """A team as the id, None for an empty choice or "none"; one of the other answers as it is.

    `views`: only teams whose saved views of this object type, given by its slug, the reader keeps.
    """

    def __init__(self, *answers: str, views: str = "", **kwargs: Any) -> None:
        self.answers = answers
        super().__init__(widget=TeamWidget(""), **kwargs)
        self.offer(views)

    def offer(self, views: str) -> None:
        """Say where the field asks for teams."""
        asked = {"answers": ",".join(self.answers), "views": views}
        self.widget.url = URL + "?" + "&".join(f"{name}={text}" for name, text in asked.items() if text)

    def clean(self, value: Any) -> int | str | None:
        """What was chosen. Raises ValidationError for nothing where something is required, and for a team that is not there."""
        if value and value in self.answers:
            return None if value == NONE else str(value)
        self.validate(value)
        if value in self.empty_values:
            return None
        pk = number_of(value)
        if pk is None or not directory.teams([pk]):
            raise ValidationError(_("从列表里选一个"))
        return pk
