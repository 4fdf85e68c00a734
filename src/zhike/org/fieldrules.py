"""Which roles see one field: the rules of all roles for it, looked at and set together."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from zhike.kernel import history
from zhike.kernel.actor import Actor, Rule
from zhike.kernel.errors import Refused

from .models import FieldRule, Role


def rules_of(label: str, field: str) -> list[tuple[Role, Rule | None]]:
    """Every role with its rule for the field, None where it is open."""
    known = dict(FieldRule.objects.filter(label=label, field=field).values_list("role_id", "rule"))
    return [(role, Rule(known[role.pk]) if role.pk in known else None) for role in Role.objects.order_by("name")]


def set_rules(label: str, field: str, rules: Mapping[int, Rule | None], *, by: Actor) -> None:
    """Give roles a rule for one field, or none; roles not named keep theirs. Refused("not_permitted")."""
    if not by.may("org.roles", "change"):
        raise Refused("not_permitted", verb="change", label="org.roles")
    with transaction.atomic():
        history.begin_change(by, verb="set_field_rules", label="org.fieldrule")
        for role in Role.objects.filter(pk__in=rules):
            rule = rules[role.pk]
            if rule is None:
                FieldRule.objects.filter(role=role, label=label, field=field).delete()
            else:
                FieldRule.objects.update_or_create(role=role, label=label, field=field, defaults={"rule": rule})
