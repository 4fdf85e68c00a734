"""The form of the rule of scores."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from .models import Mode, ValueSetting

EXAMPLE = {"recency": ["30", "90", "180", "365"], "frequency": ["12", "7", "4", "2"], "monetary": ["100000", "30000", "10000", "3000"]}


def _field(kind: type[forms.Field], label: Any, **more: Any) -> Any:
    control = "form-select" if issubclass(kind, forms.ChoiceField) else "form-control"
    made = kind(label=label, **more)
    made.widget.attrs["class"] = control
    return made


class SettingForm(forms.Form):
    """Window, comparison, and how scores are cut; bands are four numbers each, from the score 5 down to 2."""

    days = _field(forms.IntegerField, _("统计最近多少天，不填算全部"), required=False, min_value=1, max_value=36_500)
    compare_days = _field(forms.IntegerField, _("和多少天前比"), min_value=1, max_value=3_650)
    mode = _field(forms.ChoiceField, _("怎么分 5 档"), choices=Mode.choices)
    high = _field(forms.TypedChoiceField, _("几分起算高"), coerce=int, choices=[(n, n) for n in range(2, 6)])
    recency = _field(forms.CharField, _("最近一次不超过几天，5 分到 2 分"), required=False, max_length=80)
    frequency = _field(forms.CharField, _("买过不少于几次"), required=False, max_length=80)
    monetary = _field(forms.CharField, _("花了不少于多少元"), required=False, max_length=120)

    @staticmethod
    def initial_of(setting: ValueSetting) -> dict[str, Any]:
        """What holds now, or an example to start from."""
        bands = setting.bands or EXAMPLE
        lists = {name: "，".join(str(x) for x in bands[name]) for name in EXAMPLE}
        return {"days": setting.days, "compare_days": setting.compare_days, "mode": setting.mode, "high": setting.high} | lists

    def clean(self) -> dict[str, Any]:
        """Four rising or falling numbers each, where bands are asked for."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("mode") == Mode.BANDS:
            for name in EXAMPLE:
                found[name] = self._four(name, found.get(name, ""))
            if not self.errors:
                self._check(found)
        return found

    def _four(self, name: str, text: str) -> list[str]:
        words = text.replace("，", " ").replace(",", " ").replace("、", " ").split()
        try:
            numbers = [Decimal(word) for word in words]
            whole = name == "monetary" or all(number == int(number) for number in numbers)
        except (InvalidOperation, ValueError, OverflowError):
            numbers, whole = [], False
        if len(numbers) != 4 or not whole:
            self.add_error(name, _now("填四个数，用逗号隔开"))
        return words

    def _check(self, found: dict[str, Any]) -> None:
        for name in EXAMPLE:
            falling = [Decimal(word) for word in found[name]]
            if name == "recency":
                falling.reverse()
            if any(not high > low for high, low in pairwise(falling)):
                self.add_error(name, _now("天数要一个比一个大") if name == "recency" else _now("要一个比一个小"))

    def values(self) -> dict[str, Any]:
        """The setting as the action takes it."""
        data = self.cleaned_data
        bands: dict[str, list[str]] = {}
        if data["mode"] == Mode.BANDS:
            whole = {name: [str(int(Decimal(word))) for word in data[name]] for name in ("recency", "frequency")}
            bands = whole | {"monetary": [str(Decimal(word)) for word in data["monetary"]]}
        return {"days": data["days"], "compare_days": data["compare_days"], "mode": data["mode"], "high": data["high"], "bands": bands}
