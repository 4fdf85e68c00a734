"""What people do with customers beyond changing their fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from zhike.kernel.actions import action, require_fields, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.bulk.verbs import BulkVerb, Outcome, Part, add_verb, note_changed, why_not
from zhike.kernel.errors import Refused

from .models import Activity, ActivityKind, Address, Contact, Customer, CustomerTag, Tag
from .rules import prepare_contact

LONGEST_NOTE = 10_000
MOST_TAGS = 30


@action(needs="change")
def write_activity(
    customer: Customer, *, by: Actor, kind: str, body: str, happened_at: dt.datetime | None = None, rule: str = ""
) -> Activity:
    """Put a note, call, message or visit on the customer's timeline. Refused("required") for an empty note."""
    if kind not in ActivityKind.values:
        raise Refused("invalid_value", field="kind", why="choice")
    if not body.strip() and kind != ActivityKind.TOUCH:
        raise Refused("required", field="body")
    activity = Activity(
        customer=customer,
        kind=kind,
        body=body.strip()[:LONGEST_NOTE],
        happened_at=happened_at or timezone.now(),
        author_id=by.user_id,
        rule=rule,
        **_keeper("customers.activity", customer, by),
    )
    return save_new(activity, by=by)


@action(needs="change")
def add_contact(customer: Customer, *, by: Actor, name: str, title: str = "", phone: str = "", email: str = "") -> Contact:
    """A person at the customer; the first one is the one usually contacted."""
    if not name.strip():
        raise Refused("required", field="name")
    values = prepare_contact({"name": name.strip(), "title": title, "phone": phone, "email": email})
    require_fields(by, "customers.contact", [field for field, value in values.items() if value], is_new=True)
    is_first = not customer.contacts.exists()
    return save_new(Contact(customer=customer, is_primary=is_first, **_keeper("customers.contact", customer, by), **values), by=by)


@action(needs="change")
def add_address(customer: Customer, *, by: Actor, street: str, label: str = "", province: str = "", city: str = "") -> Address:
    """A further place of the customer."""
    if not street.strip():
        raise Refused("required", field="street")
    told = {"address": street, "province": province, "city": city}
    require_fields(by, "customers.customer", [field for field, value in told.items() if value], is_new=True)
    place = Address(customer=customer, street=street.strip(), label=label, province=province, city=city)
    for name, value in _keeper("customers.address", customer, by).items():
        setattr(place, name, value)
    return save_new(place, by=by)


def _keeper(label: str, customer: Customer, by: Actor) -> dict[str, int | None]:
    """Whose a new record below a customer is: the customer's owner's, or of who makes it where the type stands apart."""
    if label in by.apart:
        return {"owner_id": by.user_id, "team_id": by.home_team}
    return {"owner_id": customer.owner_id, "team_id": customer.team_id}


@action(needs="change")
def tag_customer(customer: Customer, *, by: Actor, names: Sequence[str]) -> list[Tag]:
    """Let the customer carry exactly these tags. Refused("too_many_tags") above 30."""
    del by
    wanted = _tags(names)
    CustomerTag.objects.filter(customer=customer).exclude(tag__in=wanted).delete()
    CustomerTag.objects.bulk_create([CustomerTag(customer=customer, tag=tag) for tag in wanted], ignore_conflicts=True)
    return wanted


def tag_part(part: Part) -> Outcome:
    """Add tags to a part of the chosen customers; `values` holds their ids under "tags"."""
    reach, params = part.reach("change")
    links = (
        "links as (insert into customers_customertag (tag_id, customer_id) select t.id, customers_customer.id "
        f"from customers_customer join ({part.ids}) w on w.id = customers_customer.id cross join unnest(%s::int[]) t (id) "
        f"where {reach} on conflict do nothing returning customer_id)"
    )
    outcome = Outcome(fields=["tags"])
    outcome.changed = note_changed("select distinct customer_id from links", [list(part.values["tags"]), *params], links)
    why_not(part, "change", outcome)
    return outcome


TAG = add_verb(BulkVerb(name="tag", needs=lambda _values: "change", apply=tag_part))


def tags_to_add(names: Sequence[str]) -> dict[str, list[int] | list[str]]:
    """What the verb "tag" takes for these names. Refused("too_many_tags") above 30, ("required") for none."""
    found = _tags(names)
    if not found:
        raise Refused("required", field="names")
    return {"tags": [tag.pk for tag in found], "names": [tag.name for tag in found]}


def _tags(names: Sequence[str]) -> list[Tag]:
    clean = list(dict.fromkeys(name.strip()[:40] for name in names if name.strip()))
    if len(clean) > MOST_TAGS:
        raise Refused("too_many_tags", limit=MOST_TAGS)
    return [Tag.objects.get_or_create(name=name)[0] for name in clean]
