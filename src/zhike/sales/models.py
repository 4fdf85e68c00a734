"""What sellers answered to suggestions, and how touches turned out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from zhike.customers.models import Customer
from zhike.kernel.models import Tracked


class Answer(models.TextChoices):
    LATER = "later", _("稍后")
    USELESS = "useless", _("没用")


class SuggestionAnswer(Tracked):
    """A person put a suggestion off, or called it useless; it stays away until then."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    rule = models.CharField(max_length=40)
    user_id = models.IntegerField()
    answer = models.CharField(max_length=7, choices=Answer)
    until = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "rule", "user_id"], name="suggestion_answer_once")]
        indexes: ClassVar = [models.Index(fields=["user_id", "rule", "answer"], name="suggestion_answer_person")]


class TouchOutcome(models.Model):
    """How often customers bought within 30 days of a touch of one kind, over the last year."""

    rule = models.CharField(max_length=40, primary_key=True)
    touches = models.PositiveIntegerField(default=0)
    bought = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField()
