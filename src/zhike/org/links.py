"""People and integrations as the kernel's links to other systems need them; named in the settings."""

from __future__ import annotations

from zhike.kernel.actor import Actor

from .models import User
from .queries import actor_of, integration_actor


def person_of(user_id: int) -> tuple[Actor, str] | None:
    """An active person as the actor behind a token, and the person's language."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return (actor_of(user, source="api"), user.language) if user else None


def integration_of(*, name: str, role_id: int, team_id: int | None) -> Actor | None:
    """The actor that an integration is; None when its role is gone."""
    return integration_actor(name, role_id, team_id)
