"""Whom long work acts for is read anew before it goes on: grants that were taken away count at once."""

from __future__ import annotations

from zhike.kernel.acting import know_people
from zhike.kernel.actor import Actor

from .models import User
from .queries import actor_of


def person_now(user_id: int) -> Actor | None:
    """A person as an actor; None for one who has left."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return None if user is None else actor_of(user)


know_people(person_now)
