"""Names of people and teams, for chips, cells and pickers; a company's staff is at most some thousands."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models


def people(ids: Iterable[int] | None = None) -> dict[int, str]:
    """Names by id; all active people when no ids are given, in the order of their names."""
    model = get_user_model()
    rows = model._default_manager.filter(is_active=True) if ids is None else model._default_manager.filter(pk__in=list(ids))
    return dict(rows.order_by("name", "pk").values_list("pk", "name"))


def teams(ids: Iterable[int] | None = None) -> dict[int, str]:
    """Names by id; all teams when no ids are given."""
    model = apps.get_model(settings.ZHIKE_TEAM_MODEL)
    rows = model._default_manager.all() if ids is None else model._default_manager.filter(pk__in=list(ids))
    return dict(rows.order_by("name").values_list("pk", "name"))


def roles() -> dict[int, str]:
    """Names of all roles by id."""
    model = get_user_model()._meta.get_field("roles").related_model
    assert isinstance(model, type)
    assert issubclass(model, models.Model)
    return dict(model._default_manager.order_by("name").values_list("pk", "name"))
