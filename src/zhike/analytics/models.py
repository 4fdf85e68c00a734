"""What is kept of customer value: the rule, each run with its groups, and every customer's score."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Customer
from zhike.kernel.fields import ZERO, MoneyField
from zhike.kernel.models import Tracked

SETTING_ID = uuid.UUID(int=1)


class Mode(models.TextChoices):
    QUINTILE = "quintile", _("按排名五等分")
    BANDS = "bands", _("按固定分档")


class ValueSetting(Tracked):
    """How customers are scored; one row, with the id `SETTING_ID`.

    `days` is the window (none: all days), `compare_days` how long before "since then" is, `high` the score that
    counts as high, `bands` four limits each of recency, frequency and monetary, as text.
    """

    mode = models.CharField(_("分档方式"), max_length=8, choices=Mode, default=Mode.QUINTILE, db_default="quintile")
    days = models.PositiveIntegerField(_("统计多少天"), null=True, blank=True, default=365, db_default=365)
    compare_days = models.PositiveIntegerField(_("和多少天前比"), default=90, db_default=90)
    high = models.PositiveSmallIntegerField(_("几分起算高"), default=4, db_default=4)
    bands: Any = models.JSONField(default=dict, db_default={}, blank=True)


class ValueRun(models.Model):
    """One time that all customers were scored: as of which day, by which rule, over which orders."""

    as_of = models.DateField()
    compared_to = models.DateField()
    rule: Any = models.JSONField()
    ranges: Any = models.JSONField()  # {"r": {"5": [0, 12], …}, "f": …}: lowest and highest of each score
    watermark = models.DateTimeField()
    customers = models.PositiveIntegerField()
    seconds = models.FloatField()
    created_at = models.DateTimeField(db_default=Now())
    is_current = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_current"], condition=models.Q(is_current=True), name="value_run_current_once")
        ]


class ValueGroup(models.Model):
    """Customers of one run who share segment, segment before, recency and frequency score; 0 means none.

    Sales are those of the window, `sales_before` those of the window that ended on the day compared to.
    """

    run = models.ForeignKey(ValueRun, models.CASCADE, related_name="groups")
    segment = models.PositiveSmallIntegerField()
    before = models.PositiveSmallIntegerField()
    r = models.PositiveSmallIntegerField()
    f = models.PositiveSmallIntegerField()
    customers = models.PositiveIntegerField()
    orders = models.PositiveBigIntegerField()
    sales = MoneyField()
    sales_before = MoneyField()
    silent_days = models.PositiveBigIntegerField()


class ValueScore(models.Model):
    """The newest score of one customer, with what it was made from; kept as long as the customer counts."""

    customer = models.OneToOneField(Customer, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="value_score")
    segment = models.PositiveSmallIntegerField(default=0)
    before = models.PositiveSmallIntegerField(default=0)
    rfm = models.PositiveSmallIntegerField(default=0)
    orders = models.PositiveIntegerField(default=0)
    sales = MoneyField(default=ZERO)
    sales_before = MoneyField(default=ZERO)
    last_day = models.DateField(null=True)
