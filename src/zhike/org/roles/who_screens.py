"""谁能看到: for one record who may and why, and for one person why or why not."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _

from zhike.kernel import directory
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.addresses import url_of
from zhike.kernel.errors import Refused
from zhike.kernel.models import Change, Record
from zhike.kernel.revealing import looks_at
from zhike.kernel.rights import VERBS as VERB_WORDS
from zhike.kernel.screens.web import actor_in, screen, spec_of
from zhike.kernel.spec import ObjectSpec, Words

from ..models import User
from ..queries import actor_of
from .told import RULES
from .who import PAGE, VERBS, Someone, explain, lock_of, people_who_may

LOOK_AFTER = ("org.roles", "org.audit")
CHOICES = 8


def _record(spec: ObjectSpec, pk: uuid.UUID, actor: Actor) -> tuple[Record, bool]:
    """The record and whether the reader sees it; who looks after roles may ask about any, without learning what it says."""
    shown = spec.model.objects.visible_to(actor).filter(pk=pk).first()
    if shown is not None:
        return shown, True
    found = spec.model.objects.filter(pk=pk).first()
    if found is None or not _looks_after(actor):
        raise Refused("not_permitted" if found is not None else "gone", label=spec.label)
    return found, False


def _looks_after(actor: Actor) -> bool:
    return any(actor.may(label, "view") for label in LOOK_AFTER)


@screen
def who(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Everybody who may, by name, for those who may know; oneself explained for everybody else."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    record, is_seen = _record(spec, pk, actor)
    may_list = _looks_after(actor) or spec.policy.allows(actor, "share", record)
    verb = request.GET.get("verb", "view") if request.GET.get("verb") in VERBS else "view"
    person = _person(request, actor, may_list=may_list)
    context: dict[str, Any] = {
        "spec": spec, "record": record, "is_seen": is_seen, "title": str(record) if is_seen else _("一条%(kind)s") % {"kind": spec.title},
        "url": url_of(record), "verb": verb, "verbs": [(name, VERB_WORDS[name]) for name in VERBS], "may_list": may_list, "person": person,
        "answers": [(VERB_WORDS[name], explain(record, person, name)) for name in VERBS] if person else [],
        "closed": _closed_fields(spec, person) if person else [],
    }  # fmt: skip
    if may_list and not person:
        context |= _people(request, record, verb) | {"looks": [_look(spec, look) for look in looks_at(record)]}
    part = request.headers.get("HX-Target") == "who-more"
    return render(request, "org/who_rows.html" if part else "org/who.html", context)


def _look(spec: ObjectSpec, look: Change) -> dict[str, Any]:
    known = look.reason in {f.name for f in spec.model._meta.concrete_fields}
    return {"actor_name": look.actor_name, "at": look.at, "label": spec.field(look.reason).label if known else look.reason}


def _person(request: HttpRequest, actor: Actor, *, may_list: bool) -> User | None:
    """Whom the page explains: who was asked about, or the reader himself when he may not know of others."""
    asked = request.GET.get("person", "")
    if may_list:
        return get_object_or_404(User, pk=int(asked)) if asked.isdigit() else None
    return get_object_or_404(User, pk=actor.user_id)


def _people(request: HttpRequest, record: Record, verb: str) -> dict[str, Any]:
    text = request.GET.get("q", "")
    name, _tilde, number = request.GET.get("after", "").rpartition("~")
    found = people_who_may(lock_of(record, verb), verb, text=text, after=(name, int(number) if number.isdigit() else 0), size=PAGE + 1)
    shown = found[:PAGE]
    after = f"{shown[-1].name}~{shown[-1].id}" if len(found) > PAGE else ""
    return {"people": [(one, _ways(one)) for one in shown], "after": after, "q": text}


def _ways(one: Someone) -> str:
    """角色 销售，本人负责."""
    words = {
        "all": _("全部都能看"), "own": _("本人负责"), "team": _("在同一个团队"), "branch": _("在上级团队"), "share": _("共享给他"),
    }  # fmt: skip
    order = ("own", "share", "team", "branch", "all")
    return "，".join(words[way] for way in order if way in one.ways)


def _closed_fields(spec: ObjectSpec, user: User) -> list[tuple[Words, Words]]:
    rules = actor_of(user).rules(spec.label)
    found: list[tuple[Words, Words]] = []
    for name, rule in rules.items():
        known = name in {f.name for f in spec.model._meta.concrete_fields} or any(field.name == name for field in spec.custom)
        found.append((spec.field(name).label if known else name, RULES[Rule(rule)]))
    return found


@screen
def pick_person(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """People to explain, by name."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    record, _is_seen = _record(spec, pk, actor)
    if not (_looks_after(actor) or spec.policy.allows(actor, "share", record)):
        raise Refused("not_permitted", verb="share", label=spec.label)
    people = directory.matching(User.objects.all(), request.GET.get("q", "")[:60]).order_by("name", "pk")[:CHOICES]
    return render(request, "kernel/share_pick.html", {"options": [(str(user.pk), str(user), user.username) for user in people]})


urlpatterns = [
    path("<slug:slug>/<uuid:pk>/who", who),
    path("<slug:slug>/<uuid:pk>/who/pick", pick_person),
]
