"""A role whole, as history keeps it and undo gives it back."""

from __future__ import annotations

from typing import Any

from django.db import models

from zhike.kernel.models import Tracked


class RoleSheet(Tracked):
    """Everything about one role in one row. Role, grants and field rules are written from it, also when a change is undone.

    `grants` is label -> verb -> scope, `rules` label -> field -> rule; `offered` names the ready-made grants
    ("label verb") that this role was given once, so that one taken away stays away.
    """

    role_id = models.IntegerField(unique=True)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    is_ready_made = models.BooleanField(default=False, db_default=False)
    grants: Any = models.JSONField(default=dict, db_default={}, blank=True)
    rules: Any = models.JSONField(default=dict, db_default={}, blank=True)
    offered: Any = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        app_label = "org"

    def __str__(self) -> str:
        return self.name


class StandsApart(Tracked):
    """An object type below a customer that does not follow it: its records are seen by their own owner and team."""

    label = models.CharField(max_length=80, unique=True)

    class Meta:
        app_label = "org"

    def __str__(self) -> str:
        return self.label
