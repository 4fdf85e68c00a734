"""What is kept: saved views, the view that a role begins with, and layouts of pages and forms."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..models import Tracked


class Audience(models.TextChoices):
    """For whom a view is."""

    OWN = "own", _("只给我")
    TEAM = "team", _("给一个团队")
    ALL = "all", _("给所有人")


class SavedView(Tracked):
    """A list as somebody arranged it: filters, order, columns and groups of one object type, under a name.

    `filters` holds parameters of an address by name; `columns` paths in their order, none for those that the type shows;
    `widths` pixels by path. Without an owner only those who look after views may change it.
    """

    label = models.CharField(max_length=80)
    name = models.CharField(_("名称"), max_length=60)
    audience = models.CharField(_("给谁用"), max_length=4, choices=Audience, default=Audience.OWN)
    owner_id = models.IntegerField(null=True)
    team_id = models.IntegerField(_("团队"), null=True, blank=True)
    filters: Any = models.JSONField(default=dict, blank=True)
    sort = models.CharField(max_length=80, blank=True, db_default="")
    grouping = models.CharField(max_length=80, blank=True, db_default="")
    columns: Any = models.JSONField(default=list, blank=True)
    widths: Any = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        app_label = "kernel"
        indexes: ClassVar = [models.Index(fields=["label", "audience"], name="saved_view_of_type")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(audience="team") | models.Q(team_id__isnull=False), name="saved_view_of_a_team_names_it"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RoleStart(Tracked):
    """The view with which people of a role begin a list."""

    label = models.CharField(max_length=80)
    role_id = models.IntegerField()
    view_key = models.CharField(max_length=40)

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["label", "role_id"], name="role_start_once")]


class Layout(Tracked):
    """How page and form of an object type are arranged, for a role or (without one) for everybody."""

    label = models.CharField(max_length=80)
    role_id = models.IntegerField(null=True, blank=True)
    panels: Any = models.JSONField(default=list, blank=True)
    form: Any = models.JSONField(default=list, blank=True)
    form_more: Any = models.JSONField(default=list, blank=True)
    form_off: Any = models.JSONField(default=list, blank=True)

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["label", "role_id"], nulls_distinct=False, name="layout_once")]
