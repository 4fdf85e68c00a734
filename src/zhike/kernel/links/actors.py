"""Who stands behind a token or a webhook. The kernel knows no users and roles: the settings name the functions that do."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ..actor import Actor
from .tables import Integration


def person(user_id: int) -> tuple[Actor, str] | None:
    """The actor that a person is at the interface, and the person's language; None for one who may not log in any more."""
    found: tuple[Actor, str] | None = _named("ZHIKE_PERSON_OF")(user_id)
    return found


def integration(row: Integration) -> Actor | None:
    """The actor that an integration is, with its own name in the history; None for one that is switched off or lost its role."""
    if not row.is_active:
        return None
    found: Actor | None = _named("ZHIKE_INTEGRATION_OF")(name=row.name, role_id=row.role_id, team_id=row.team_id)
    return found


@cache
def _named(setting: str) -> Callable[..., Any]:
    return import_string(str(getattr(settings, setting)))  # type: ignore[no-any-return]
