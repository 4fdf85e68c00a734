"""What a person does with a suggestion."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from zhike.customers.actions import write_activity
from zhike.customers.models import Activity, Customer
from zhike.kernel.actions import action
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused

from .models import Answer, SuggestionAnswer
from .touch_rules import rule_of

USELESS_DAYS = 180
MORNING = dt.time(9, 0)


def do_suggestion(customer: Customer, *, rule: str, kind: str, body: str, by: Actor) -> Activity:
    """Note the touch on the customer's timeline; the suggestion is done until the next purchase."""
    found = rule_of(rule)
    if found is None:
        raise Refused("gone")
    return write_activity(customer, by=by, kind=kind, body=body.strip() or str(found.deed), rule=rule)


@action(needs="view")
def answer_suggestion(customer: Customer, *, rule: str, answer: str, by: Actor) -> SuggestionAnswer:
    """Put a suggestion off until tomorrow morning, or call it useless for half a year. A person's own answer."""
    if rule_of(rule) is None or answer not in Answer.values or by.user_id is None:
        raise Refused("gone")
    now = timezone.localtime()
    tomorrow = timezone.make_aware(dt.datetime.combine(now.date() + dt.timedelta(days=1), MORNING))
    until = tomorrow if answer == Answer.LATER else now + dt.timedelta(days=USELESS_DAYS)
    kept, _ = SuggestionAnswer.objects.update_or_create(
        customer=customer, rule=rule, user_id=by.user_id, defaults={"answer": answer, "until": until, "at": now}
    )
    return kept
