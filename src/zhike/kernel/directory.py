"""Names of people and teams, for chips, cells and pickers: of those asked for, never of everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q

from .text.folding import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One to choose: the user name tells namesakes apart."""

    pk: int
    name: str
    username: str


def people(ids: Iterable[int]) -> dict[int, str]:
    """Names by id, also of those who left, in the order of their names."""
    rows = get_user_model()._default_manager.filter(pk__in=list(ids))
    return dict(rows.order_by("name", "pk").values_list("pk", "name"))


def matching(people: Any, typed: str) -> Any:
    """Of a query of people those of whom every typed word is a part: of the name, its pinyin or initials, user name, mail."""
    for word in fold(typed).split()[:4]:
        people = people.filter(Q(finding__contains=word) | Q(name__icontains=word) | Q(username__icontains=word))
    return people


def find_people(typed: str, most: int, *, but: Iterable[int] = ()) -> list[Person]:
    """Active people that match, at most so many, by name; the first ones when nothing was typed."""
    active = get_user_model()._default_manager.filter(is_active=True).exclude(pk__in=list(but))
    rows = matching(active, typed).order_by("name", "pk").values_list("pk", "name", "username")[:most]
    return [Person(pk=pk, name=name, username=username) for pk, name, username in rows]


def is_active(pk: int) -> bool:
    """Whether this person can be given work."""
    return get_user_model()._default_manager.filter(pk=pk, is_active=True).exists()


def teams(ids: Iterable[int]) -> dict[int, str]:
    """Names by id, in the order of the names."""
    rows = apps.get_model(settings.ZHIKE_TEAM_MODEL)._default_manager.filter(pk__in=list(ids))
    return dict(rows.order_by("name").values_list("pk", "name"))


def find_teams(typed: str, most: int, *, among: Iterable[int] | None = None) -> dict[int, str]:
    """Teams whose name holds every typed word, at most so many, by name; the first ones when nothing was typed."""
    rows: Any = apps.get_model(settings.ZHIKE_TEAM_MODEL)._default_manager.all()
    if among is not None:
        rows = rows.filter(pk__in=list(among))
    for word in typed.split()[:4]:
        rows = rows.filter(name__icontains=word)
    return dict(rows.order_by("name").values_list("pk", "name")[:most])


def roles() -> dict[int, str]:
    """Names of all roles by id."""
    model = get_user_model()._meta.get_field("roles").related_model
    assert isinstance(model, type)
    assert issubclass(model, models.Model)
    return {role.pk: str(role) for role in model._default_manager.order_by("name")}
