"""A person and a team whole, as history keeps them and undo gives them back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from zhike.kernel.models import Tracked


class PersonSheet(Tracked):
    """Everything an administrator arranges for one person, in one row. User, roles and memberships are written from it.

    `roles` and `teams` are ids in rising order; new records of the person go to the team `home`.
    """

    user_id = models.IntegerField(unique=True)
    username = models.CharField(max_length=150)
    name = models.CharField(max_length=80)
    email = models.CharField(max_length=254, blank=True, default="")
    language = models.CharField(max_length=10, default="zh-hans")
    is_active = models.BooleanField(default=True)
    must_mfa = models.BooleanField(default=False)
    roles: Any = models.JSONField(default=list, blank=True)
    teams: Any = models.JSONField(default=list, blank=True)
    home = models.IntegerField(null=True, blank=True)

    class Meta:
        app_label = "org"

    def __str__(self) -> str:
        return self.name


class TeamSheet(Tracked):
    """One team of the tree; the team itself is written from it."""

    team_id = models.IntegerField(unique=True)
    name = models.CharField(max_length=80)
    parent_id = models.IntegerField(null=True, blank=True)

    class Meta:
        app_label = "org"

    def __str__(self) -> str:
        return self.name


class JoinLink(models.Model):
    """A link that lets one person choose a password once, until an end; only its digest is kept."""

    user_id = models.IntegerField()
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.IntegerField(null=True)
    made_at = models.DateTimeField()
    until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "org"
        indexes: ClassVar = [models.Index(fields=["user_id"], name="join_link_of")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.until:%Y-%m-%d}"
