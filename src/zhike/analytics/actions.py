"""What people change about the rule of customer value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from zhike.kernel.actions import action, save_change
from zhike.kernel.actor import Actor

from .models import SETTING_ID, ValueSetting
from .scoring import rule_of

FIELDS = ("mode", "days", "compare_days", "high", "bands")


def change_setting(values: Mapping[str, Any], *, by: Actor) -> ValueSetting:
    """Change how customers are scored from the next run on.

    Refused("not_permitted"), ("rfm_rule_invalid"), ("bands_not_in_order").
    """
    setting = ValueSetting.objects.filter(pk=SETTING_ID).first() or _first()
    return _change(setting, values, by=by)


@action(needs="change")
def _change(setting: ValueSetting, values: Mapping[str, Any], *, by: Actor) -> ValueSetting:
    del by
    rule_of(values, timezone.localdate())
    for name in FIELDS:
        setattr(setting, name, values[name])
    return save_change(setting, *FIELDS)


def _first() -> ValueSetting:
    """The one row, with what holds unless somebody changes it."""
    try:
        with transaction.atomic():
            return ValueSetting.objects.create(pk=SETTING_ID)
    except IntegrityError:
        return ValueSetting.objects.get(pk=SETTING_ID)
