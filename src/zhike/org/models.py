"""Who works here: people, teams as a tree, roles and what they grant."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from zhike.kernel.actor import Rule, Scope


class Team(models.Model):
    """A team in the tree; a branch is a team with all teams below it."""

    name = models.CharField(_("名称"), max_length=80, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("上级"))

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """A set of grants with a name; the ready ones have a code and are kept up to date by the product."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    is_ready_made = models.BooleanField(default=False)

    def __str__(self) -> str:
        return pgettext("role", self.name) if self.is_ready_made else self.name


class Grant(models.Model):
    """A role may do one verb on one object type, within a scope."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="grants")
    label = models.CharField(max_length=80)
    verb = models.CharField(max_length=20)
    scope = models.PositiveSmallIntegerField(choices=[(int(s), s.name.lower()) for s in Scope])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "label", "verb"], name="grant_once")]


class FieldRule(models.Model):
    """A role does not see a field, sees it masked, or may not change it; the mildest of a person's roles counts."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="field_rules")
    label = models.CharField(max_length=80)
    field = models.CharField(max_length=60)
    rule = models.PositiveSmallIntegerField(choices=[(int(r), r.name.lower()) for r in Rule])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "label", "field"], name="field_rule_once")]


class User(AbstractUser):
    """A person who logs in."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("姓名"), max_length=80)
    language = models.CharField(_("语言"), max_length=10, default="zh-hans")
    must_mfa = models.BooleanField(_("必须两步验证"), default=False, db_default=False)
    invited_at = models.DateTimeField(null=True, editable=False)  # asked to join and not here yet
    finding = models.CharField(max_length=400, default="", db_default="", editable=False)  # what a search looks at, folded
    roles = models.ManyToManyField(Role, related_name="users", blank=True)
    teams: models.ManyToManyField[Team, Membership] = models.ManyToManyField(Team, through="Membership", related_name="members")

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined, misc]
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), condition=~models.Q(email=""), name="mail_once")]
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="user_by_name")]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Membership(models.Model):
    """A person works in a team; new records of the person go to the home team."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    is_home = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "team"], name="membership_once"),
            models.UniqueConstraint(fields=["user"], condition=models.Q(is_home=True), name="one_home_team"),
        ]
