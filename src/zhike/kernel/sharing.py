"""Open one record to a person or a team beyond their scope, and take it back."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import directory, history
from .actions import action
from .actor import Actor
from .errors import Refused
from .events import Event, publish
from .models import Record, Share
from .policy import policy_of

NOTE = 200
CHUNK = 5_000
KEEP_DAYS = 90  # an ended share is kept so long, to be seen and renewed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShared(Event):
    """A record was opened to a person or a team."""

    name: ClassVar[str] = "kernel.record_shared"

    label: str
    object_id: str
    user_id: int | None
    team_id: int | None
    given_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a record is shared: to look or to change, until when (None: for good), and why."""

    can_change: bool = False
    until: dt.datetime | None = None
    note: str = ""


def share_record(record: Record, terms: Terms, *, by: Actor, user_id: int | None = None, team_id: int | None = None) -> Share:
    """Open a record to one person or one team; terms given before are replaced.

    Refused: not_permitted, gone (nobody of that number), more_than_held (he may not change it himself), invalid_value (an end in the past).
    """
    _require_somebody(user_id, team_id)
    if terms.until is not None and terms.until <= timezone.now():
        raise Refused("invalid_value", field="until", why="past")

    @action(needs="share")
    def share_record(fresh: Record, *, by: Actor) -> Share:
        if terms.can_change and not policy_of(type(fresh)).allows(by, "change", fresh):
            raise Refused("more_than_held", verb="change", label=fresh._meta.label_lower)
        given = Share.objects.filter(object_id=fresh.pk, user_id=user_id, team_id=team_id).first()
        share = given or Share(kind=history.kind_of(type(fresh)), object_id=fresh.pk, user_id=user_id, team_id=team_id)
        share.can_change, share.until, share.note = terms.can_change, terms.until, terms.note.strip()[:NOTE]
        share.given_by = by.user_id
        share.save(force_insert=given is None)
        told = RecordShared(label=fresh._meta.label_lower, object_id=str(fresh.pk), user_id=user_id, team_id=team_id, given_by=by.user_id)
        publish(told)
        return share

    return share_record(record, by=by)


def end_share(record: Record, share_id: uuid.UUID, *, by: Actor) -> None:
    """Take a share of a record back. Refused: not_permitted, gone."""

    @action(needs="share")
    def end_share(fresh: Record, *, by: Actor) -> None:
        del by
        if not Share.objects.filter(pk=share_id, object_id=fresh.pk).delete()[0]:
            raise Refused("gone", label="kernel.share")

    end_share(record, by=by)


def _require_somebody(user_id: int | None, team_id: int | None) -> None:
    model: type[models.Model] = get_user_model() if user_id is not None else apps.get_model(settings.ZHIKE_TEAM_MODEL)
    wanted = Q(pk=user_id, is_active=True) if user_id is not None else Q(pk=team_id)
    if (user_id is None) == (team_id is None) or not model._default_manager.filter(wanted).exists():
        raise Refused("gone", label="org.user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A share as people see it."""

    share: Share
    who: str
    by: str
    is_over: bool


def shares_of_record(record: Record) -> list[Given]:
    """With whom a record is shared, newest first; ended ones last. At most 50."""
    found: QuerySet[Share] = Share.objects.filter(object_id=record.pk).order_by("-given_at")
    shares = list(found[:50])
    people = directory.people({pk for share in shares for pk in (share.user_id, share.given_by) if pk}) if shares else {}
    teams = directory.teams({share.team_id for share in shares if share.team_id}) if any(s.team_id for s in shares) else {}
    now = timezone.now()
    told = [
        Given(
            share=share,
            who=people.get(share.user_id, "") if share.user_id else teams.get(share.team_id or 0, ""),
            by=people.get(share.given_by or 0, ""),
            is_over=share.until is not None and share.until <= now,
        )
        for share in shares
    ]
    return sorted(told, key=lambda given: given.is_over)


def forget_ended(now: dt.datetime) -> int:
    """Remove shares that ended 90 days ago, some thousands at a time; how many went."""
    gone = 0
    while True:
        old = list(Share.objects.filter(until__lt=now - dt.timedelta(days=KEEP_DAYS)).values_list("pk", flat=True)[:CHUNK])
        if not old:
            return gone
        gone += Share.objects.filter(pk__in=old).delete()[0]
