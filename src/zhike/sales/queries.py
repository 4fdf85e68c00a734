"""The ranked list of a person's day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils import timezone

from zhike.customers.models import Customer
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.lists import engine
from zhike.kernel.policy import Reach, policy_of

from .models import Answer, SuggestionAnswer, TouchOutcome
from .touch_rules import GUESS_WEIGHT, RULES, TouchRule, rules_for

EACH = 40
COUNT_CAP = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Contact this customer today: expected value = usual order x chance, and why."""

    rule: TouchRule
    customer: Customer
    usual: Decimal
    chance: float
    value: Decimal
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """How many customers a rule speaks of, up to the cap."""

    rule: TouchRule
    count: int
    is_capped: bool
    query: str


def reach_of(actor: Actor, whose: str) -> Reach:
    """One's own customers, or all that one may see ("team")."""
    reach = policy_of(Customer).reach(actor, "view")
    if whose == "team" or reach.kind == "none":
        return reach
    return Reach(kind="own", user_id=actor.user_id)


def may_see_team(actor: Actor) -> bool:
    """Whether there is more to see than one's own."""
    return (actor.scope("customers.customer", "view") or Scope.OWN) > Scope.OWN


def has_customers(actor: Actor) -> bool:
    """Whether the person is the owner of any customer."""
    return Customer.objects.filter(owner_id=actor.user_id).exists()


def suggestions(actor: Actor, *, whose: str = "me", size: int = 20) -> list[Suggestion]:
    """The most valuable suggestions of all rules together; each customer once, for the rule worth most."""
    today, now = timezone.localdate(), timezone.now()
    chances = _chances(actor)
    found: dict[object, Suggestion] = {}
    for rule in rules_for(actor):
        for customer in _candidates(rule, reach_of(actor, whose), actor, today, now):
            made = _suggestion(rule, customer, chances[rule.code], today)
            kept = found.get(customer.pk)
            if kept is None or made.value > kept.value:
                found[customer.pk] = made
    return sorted(found.values(), key=lambda s: (-s.value, str(s.customer.pk)))[:size]


def _candidates(rule: TouchRule, reach: Reach, actor: Actor, today: dt.date, now: dt.datetime) -> Iterable[Customer]:
    condition = rule.rows(today) & rule.open_for(actor.user_id or 0, now)
    found = engine.find(engine.Wanted(model=Customer, reach=reach, key="sales", rest=condition, size=EACH))
    return Customer.objects.filter(pk__in=found.ids).veiled(actor)


def _suggestion(rule: TouchRule, customer: Customer, chance: float, today: dt.date) -> Suggestion:
    usual = customer.sales / max(customer.orders_count, 1)
    return Suggestion(
        rule=rule,
        customer=customer,
        usual=usual,
        chance=chance,
        value=usual * Decimal(str(round(chance, 4))),
        why=rule.why(customer, today),
    )


def _chances(actor: Actor) -> dict[str, float]:
    """Chance by rule: the guess shrunk towards what happened, halved at each share of "useless" this person gave."""
    outcomes = {row.rule: row for row in TouchOutcome.objects.all()}
    useless: dict[str, int] = dict(
        SuggestionAnswer.objects.filter(user_id=actor.user_id or 0, answer=Answer.USELESS).values_list("rule").annotate(n=Count("pk"))
    )
    chances = {}
    for rule in RULES:
        outcome = outcomes.get(rule.code)
        touches, bought = (outcome.touches, outcome.bought) if outcome else (0, 0)
        chance = (bought + rule.guess * GUESS_WEIGHT) / (touches + GUESS_WEIGHT)
        chances[rule.code] = chance * 0.97 ** min(useless.get(rule.code, 0), 40)
    return chances


def counts(actor: Actor, *, whose: str = "me") -> list[RuleCount]:
    """Open suggestions by rule, capped, with the address of the list of their customers."""
    today, now = timezone.localdate(), timezone.now()
    reach = reach_of(actor, whose)
    found = []
    for rule in rules_for(actor):
        condition: Q = rule.rows(today) & rule.open_for(actor.user_id or 0, now)
        counted = engine.count(Customer, condition, COUNT_CAP, reach=reach)
        found.append(RuleCount(rule=rule, count=min(counted, COUNT_CAP), is_capped=counted > COUNT_CAP, query=_query(rule, whose)))
    return found


def _query(rule: TouchRule, whose: str) -> str:
    own = "owner.is=me&" if whose != "team" else ""
    segments = {"quarter": "&segment.in=1,2,3,4", "slipping": "&segment.in=3,4"}.get(rule.code, "")
    return f"?{own}last_order_at.within={rule.window[1]}&last_order_at.before={rule.window[0] - 1}{segments}&sort=-sales"
