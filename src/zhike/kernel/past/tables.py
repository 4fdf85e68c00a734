"""How long a company keeps its history and its deleted records."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.kernel.models import Tracked
from zhike.kernel.policy import set_policy, shared

RETENTION_ID = uuid.UUID(int=2)
LEAST_MONTHS = 3
BIN_DAYS = 90


class Retention(Tracked):
    """One row, with the id `RETENTION_ID`: months of history (none: all of it), and days for which the bin offers what was deleted."""

    months = models.PositiveIntegerField(_("历史留几个月"), null=True, blank=True)
    bin_days = models.PositiveIntegerField(_("回收站留几天"), default=BIN_DAYS, db_default=BIN_DAYS)

    class Meta:
        app_label = "kernel"


set_policy(Retention, shared("org.settings"))


def retention() -> Retention:
    """What was arranged, or how it is as long as nothing was."""
    return Retention.objects.filter(pk=RETENTION_ID).first() or Retention(pk=RETENTION_ID, months=None, bin_days=BIN_DAYS)
