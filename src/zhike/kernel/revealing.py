"""Show one covered value in full to who may see it: each look is written down, and there are only so many a day."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils import timezone

from .actions import action
from .actor import Actor, Rule
from .errors import Refused
from .fielddefs import is_custom_name
from .models import Change, Record
from .spec import ObjectSpec
from .veil import CUSTOM

VERB = "reveal"
TEXTS = ("text", "long", "email")
A_DAY = 200


def limit() -> int:
    """How many values one person may have shown in a day (`ZHIKE_REVEALS_A_DAY`)."""
    return int(getattr(settings, "ZHIKE_REVEALS_A_DAY", A_DAY))


def is_covered(spec: ObjectSpec, name: str) -> bool:
    """Whether a field is shown covered to everybody (a phone) or to this reader (a masked text)."""
    column = spec.column(name)
    if column is not None and column.cell == "phone":
        return True
    if name not in spec.covered:
        return False
    return spec.field(name).kind in TEXTS


def may_reveal(spec: ObjectSpec, record: Record, name: str, by: Actor) -> bool:
    """Whether somebody may have a field of a record shown in full; False where there is nothing to show."""
    if not is_covered(spec, name) or not spec.field(name).value(record):
        return False
    return spec.policy.allows(by, VERB, record)


def reveal(record: Record, name: str, *, by: Actor) -> str:
    """The value in full, noted with who looked at which field. Refused: not_permitted, too_many_reveals."""
    if by.rule(record._meta.label_lower, name) is Rule.HIDDEN:
        raise Refused("not_permitted", verb=VERB, label=record._meta.label_lower)

    @action(needs=VERB)
    def reveal(fresh: Record, *, by: Actor) -> str:
        if _looked_today(by) > limit():  # this look is counted
            raise Refused("too_many_reveals", limit=limit())
        value = fresh.custom.get(name.removeprefix(CUSTOM)) if is_custom_name(name) else getattr(fresh, name)
        return str(value or "")

    return reveal(record, by=by.because(name))


def _looked_today(by: Actor) -> int:
    midnight = timezone.make_aware(dt.datetime.combine(timezone.localdate(), dt.time.min))
    return Change.objects.filter(verb=VERB, actor_id=by.user_id, at__gte=midnight).count()


def looks_at(record: Record, count: int = 10) -> list[Change]:
    """The newest looks at covered values of a record."""
    return list(Change.objects.filter(object_id=record.pk, verb=VERB).order_by("-at")[:count])


def requires_look(spec: ObjectSpec, record: Record, name: str) -> bool:
    """Whether an editor of this field would show what is covered."""
    return is_covered(spec, name) and bool(spec.field(name).value(record))
