"""Where a person is logged in, and ending it."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session


def end_sessions(user_id: int, *, but: str = "") -> int:
    """End what a person is logged in with, except the session with the key `but`; how many ended."""
    mine = UserSession.objects.filter(user_id=user_id).exclude(session_key=but)
    keys = list(mine.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    mine.delete()
    return len(keys)
