"""One of everything that has a page of its own, with a text of the caller's choice in every text field, and the addresses of all pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.postgres.search import SearchVectorField
from django.core.files.base import ContentFile
from django.db import connection, models
from django.utils import timezone

from tests.contract.routes import NOTHING, ROUTES
from tests.made import findable
from zhike.catalog.models import Product
from zhike.customers.models import Activity, Address, Contact, Customer, CustomerTag, Tag
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.actor import Actor
from zhike.kernel.bulk.tables import BulkRun
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.fieldwork.actions import add_field
from zhike.kernel.fieldwork.definitions import Wish
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.links.tables import Hook, Integration
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.kernel.models import Change
from zhike.kernel.registry import objects
from zhike.kernel.savedviews.actions import Naming, Shown, create_view
from zhike.kernel.savedviews.tables import Audience
from zhike.kernel.screens.files import attach
from zhike.kernel.sharing import Terms, share_record
from zhike.orders.models import Order, OrderLine
from zhike.org.models import Membership, Role, Team, User

# Texts that a rule of the database or of the product looks at: they hold what they must.
SHAPED = {"phone", "email", "currency", "name_key", "sort_key", "line_key", "phone_key", "street_key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the addresses of the table of routes are filled with."""

    facts: dict[str, object]
    instead: dict[str, object]  # the beginning of an address -> what stands for the id of nothing in it

    def paths(self, name: str) -> Iterator[str]:
        """The addresses of a route: one for each object type that it is about."""
        route = ROUTES[name]
        slugs = route.slugs or [spec.slug for spec in objects] if "{slug}" in route.path else ("customers",)
        for slug in slugs:
            path = route.path.format(**self.facts | {"slug": slug, "pk": self.facts[slug]})
            path = path.replace(NOTHING, str(self._stand_in(path)))
            yield path.replace("/1/", f"/{self._stand_in(path)}/") if "/1/" in path else path.removesuffix("/1") + self._end(path)

    def _stand_in(self, path: str) -> object:
        return next((value for start, value in self.instead.items() if path.startswith(start)), NOTHING)

    def _end(self, path: str) -> str:
        return f"/{self._stand_in(path)}" if path.endswith("/1") else ""


def poisoned(record: models.Model, text: str) -> None:
    """Every free text field of a row holds this text, as far as it is long enough."""
    values: dict[str, str] = {}
    for field in record._meta.concrete_fields:
        free = isinstance(field, models.CharField | models.TextField) and not isinstance(field, SearchVectorField)
        if free and not field.choices and field.name not in SHAPED and (field.max_length or 999) >= 20:
            values[field.name] = text[: field.max_length or 999]
    type(record)._base_manager.filter(pk=record.pk).update(**values)


def make_everything(text: str, by: Actor) -> Places:
    """Write one of each into the company; the text stands in names, notes, choices, headings and messages."""
    buyer = Customer.objects.create(name=text, kind="company", name_key=text, sort_key="zz", owner_id=by.user_id, custom=_own(text, by))
    person = Contact.objects.create(customer=buyer, name=text, owner_id=by.user_id)
    goods = Product.objects.create(code=text[:80], name=text, sort_key="zz", price=Decimal("12.5"))
    sale = Order.objects.create(number=text[:60], customer=buyer, ordered_at=timezone.now(), owner_id=by.user_id)
    line = OrderLine.objects.create(order=sale, line_key="1", product=goods, quantity=Decimal(2), unit_price=Decimal(5), amount=Decimal(10))
    address = Address.objects.create(customer=buyer, street=text)
    tag = Tag.objects.create(name=text[:40])
    CustomerTag.objects.create(customer=buyer, tag=tag)
    note = Activity.objects.create(customer=buyer, body=text, happened_at=timezone.now())
    for row in (buyer, person, goods, sale, line, address, note):
        poisoned(row, text)
    gone = Customer.objects.create(name=text, kind="company", name_key=f"{text}2", sort_key="zz", owner_id=by.user_id)
    findable([gone])
    delete_record(gone, by=by)
    change_record(Customer.objects.get(pk=buyer.pk), {"city": text[:30]}, by=by)
    findable([Customer.objects.get(pk=buyer.pk), Product.objects.get(pk=goods.pk), Order.objects.get(pk=sale.pk)])
    return _with_settings(text, by, {"customers": buyer, "contacts": person, "products": goods, "orders": sale}, line)


def _bare(text: str) -> str:
    """As much of the text as the name of a field may hold."""
    return "".join(sign for sign in text if sign not in "{}\"'")[:58]


def _own(text: str, by: Actor) -> dict[str, object]:
    name = _bare(text)
    choices = (("", text[:60], text[:60], "", False),)
    plain = add_field("customers.customer", Wish(name=name, name_en=name, help=text, kind="text", is_in_list=True), by=by)
    chosen = add_field("customers.customer", Wish(name=f"2{name}", name_en=f"2{name}", kind="choice", choices=choices), by=by)
    code = CustomField.objects.get(pk=chosen.pk).choices[0]["code"]
    return {plain.key: text, chosen.key: code}


def _with_settings(text: str, by: Actor, records: dict[str, models.Model], line: OrderLine) -> Places:
    buyer = records["customers"]
    assert isinstance(buyer, Customer)
    role = Role.objects.create(code="hostile", name=text[:60])
    team = Team.objects.create(name=text[:60], parent=Team.objects.get(name="恒砺"))
    user = User.objects.create(username="hostile", name=text[:60], password="!")
    Membership.objects.create(user=user, team=team)
    user.roles.add(role)
    linked = Integration.objects.create(name=text[:80], role_id=role.pk, team_id=team.pk)
    hook = Hook.objects.create(
        name=text[:80], url=f"https://a.example/{text}"[:500], integration=linked, secret="x", events={"customers.customer": ["update"]}
    )
    make_token(NewToken(name=text[:60]), by=by)
    share = share_record(Customer.objects.get(pk=buyer.pk), Terms(note=text[:100]), by=by, user_id=user.pk)
    file = attach(Customer.objects.get(pk=buyer.pk), ContentFile(b"x"), text, by=by)
    view = create_view("customers.customer", Naming(name=text[:60], audience=Audience.ALL), Shown(), by=by)
    told = {"file_name": text[:200], "path": "/nowhere", "sha256": "0" * 64, "target": "customers", "actor_id": by.user_id, "state": "done"}
    run = ImportRun.objects.create(**told)
    work = BulkRun.objects.create(label="customers.customer", verb="set", values={"city": text}, actor_id=by.user_id, actor_name=text[:60])
    Change.objects.filter(object_id=buyer.pk).update(actor_name=text[:150], reason=text[:300])
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    change = Change.objects.filter(object_id=buyer.pk).first()
    facts: dict[str, object] = {slug: record.pk for slug, record in records.items()}
    facts |= {"change": change.pk if change else uuid.UUID(int=1), "file": file.pk, "share": share.pk, "view": view.pk, "run": run.pk}
    facts |= {"work": work.pk, "line": line.pk, "q": text, "field": "city", "filter": "city", "panel": "tags", "group": "city"}
    own = CustomField.objects.filter(name=_bare(text)).first()
    instead: dict[str, object] = {
        "/settings/integrations/": linked.pk, "/settings/webhooks/": hook.pk, "/settings/fields/": own.pk if own else "",
        "/settings/history/": facts["change"], "/settings/people/": user.pk, "/settings/teams/": team.pk, "/settings/roles/": role.pk,
    }  # fmt: skip
    return Places(facts=facts, instead=instead)
