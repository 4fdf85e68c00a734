"""Choose a colleague by typing a part of the name, its pinyin or the user name: a company may have ten thousand of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from .. import directory
from .web import actor_in, screen

CHOICES = 8
NOBODY = "none"  # stands for nobody where an empty choice means "not chosen yet"
URL = "/people/pick"


@screen
@require_GET
def pick(request: HttpRequest) -> HttpResponse:
    """Colleagues that match what was typed; oneself and the first ones when nothing was. `nobody`: what stands for nobody, where it is offered."""
    actor, typed = actor_in(request), request.GET.get("q", "").strip()
    found = directory.find_people(typed, CHOICES, but=() if typed or actor.user_id is None else (actor.user_id,))
    nobody = request.GET.get("nobody")
    context = {
        "people": found,
        "me": actor if not typed and actor.user_id is not None else None,
        "offers_nobody": nobody in ("", NOBODY) and not typed,
        "nobody": nobody,
    }
    return render(request, "kernel/pick_person.html", context)


class PersonWidget(forms.TextInput):
    """A hidden id beside a text field that asks the server; `nobody` is what stands for nobody, None when it is not offered."""

    def __init__(self, nobody: str | None = None, form: str = "") -> None:
        super().__init__()
        self.nobody, self.form = nobody, form

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        del renderer
        context = {
            "name": name,
            "value": "" if value is None else value,
            "label": self._label(value),
            "id": (attrs or {}).get("id", f"id_{name}"),
            "url": URL if self.nobody is None else f"{URL}?nobody={self.nobody}",
            "form": self.form,
        }
        return mark_safe(render_to_string("kernel/pick_person_field.html", context))

    def _label(self, value: Any) -> Any:
        if value in (None, "") or value == self.nobody:
            return _("没有负责人") if self.nobody is not None and value == self.nobody else ""
        pk = number_of(value)
        return directory.people([pk]).get(pk, "") if pk is not None else ""


class PersonField(forms.Field):
    """An active colleague as the id, None for an empty choice or nobody."""

    def __init__(self, nobody: str | None = None, **kwargs: Any) -> None:
        self.nobody = nobody
        super().__init__(widget=PersonWidget(nobody), **kwargs)

    def clean(self, value: Any) -> int | None:
        """The id. Raises ValidationError for nothing where something is required, and for who is not there."""
        if value and value == self.nobody:
            return None
        self.validate(value)
        if value in self.empty_values:
            return None
        pk = number_of(value)
        if pk is None or not directory.is_active(pk):
            raise ValidationError(_("从列表里选一个"))
        return pk


def number_of(value: Any) -> int | None:
    """A person's id in a text from outside; None for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
