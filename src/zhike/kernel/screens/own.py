"""A company's own fields on screens: values drawn, put into words for files, asked for in forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from .. import directory
from ..actor import Actor
from ..addresses import url_of
from ..customfields.kinds import LONGEST_TEXT, arranged, in_python
from ..customfields.working_out import number_text
from ..fielddefs import FieldDef
from ..models import Record
from ..spec import ObjectSpec
from ..templatetags.zhike_ui import initial, num, smart_date
from .pick import PickField
from .pick_person import PersonField

SHOWN_IN_CELL = 3  # choices of several that a cell of a list shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that own values of some records need: people by id, linked records by id with their address."""

    people: Mapping[int, str] = field(default_factory=dict)
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def names_for(actor: Actor, fields: Iterable[FieldDef], records: Sequence[Record]) -> Names:
    """Names for these records: one query for people, one for each type that is linked to; only of what the actor sees."""
    people: set[int] = set()
    linked: dict[type[Record], set[str]] = {}
    for own in fields:
        values = [value for record in records if (value := record.custom.get(own.key)) not in (None, "")]
        if own.kind == "person":
            people.update(value for value in values if isinstance(value, int))
        elif own.kind == "link" and isinstance(own.target, type) and issubclass(own.target, Record):
            linked.setdefault(own.target, set()).update(map(str, values))
    links = {
        str(row.pk): (str(row), url_of(row))
        for target, ids in linked.items()
        if ids
        for row in target.objects.visible_to(actor).filter(pk__in=ids)
    }
    return Names(people=directory.people(people) if people else {}, links=links)


def own_of(spec: ObjectSpec, path: str) -> FieldDef | None:
    """The own field of a path, None for the product's."""
    return next((one for one in spec.custom if one.name == path), None) if spec.custom else None


def draw_own(own: FieldDef, record: Any, names: Names, *, is_cell: bool = False) -> str:
    """A value as HTML; empty text where nothing is known."""
    value = own.value(record)
    if value in (None, "", []):
        return ""
    if own.kind == "choice":
        return _badge(own, value)
    if own.kind == "choices":
        return _badges(own, value if isinstance(value, list) else [value], is_cell=is_cell)
    if own.kind == "person":
        name = names.people.get(value, str(value))
        return format_html('<span class="row-f"><span class="zk-av" aria-hidden="true">{}</span>{}</span>', initial(name), name)
    if own.kind == "link":
        found = names.links.get(str(value))
        return format_html('<a class="clip" href="{}">{}</a>', found[1], found[0]) if found else _out_of_sight()
    if own.kind == "long" and not is_cell:
        return format_html('<span class="zk-long">{}</span>', value)
    return conditional_escape(_shown(own, value)) if own.kind not in ("date", "moment") else _day(own, value)


def _badge(own: FieldDef, code: Any) -> str:
    choice = arranged(own).choice(str(code))
    if choice is None:
        return conditional_escape(str(code))
    return format_html('<span class="zk-badge {}">{}</span>', choice.tone, choice.label)


def _badges(own: FieldDef, codes: Sequence[Any], *, is_cell: bool) -> str:
    order = {choice.code: place for place, choice in enumerate(arranged(own).choices)}
    sorted_codes = sorted(codes, key=lambda code: order.get(code, len(order)))
    shown = sorted_codes[:SHOWN_IN_CELL] if is_cell else sorted_codes
    more = len(sorted_codes) - len(shown)
    html = format_html_join(" ", "{}", ((_badge(own, code),) for code in shown))
    return format_html('{} <span class="mut">+{}</span>', html, more) if more else html


def _out_of_sight() -> str:
    return format_html('<span class="mut">{}</span>', _("无权查看"))


def _day(own: FieldDef, value: Any) -> str:
    found = in_python(own.kind, value)
    if found is None:
        return conditional_escape(str(value))
    exact = f"{timezone.localtime(found):%Y-%m-%d %H:%M}" if own.kind == "moment" else found.isoformat()
    return format_html('<span title="{}">{}</span>', exact, smart_date(found))


def _shown(own: FieldDef, value: Any) -> str:
    kind = arranged(own).shown_as
    found = value if own.kind == "formula" else in_python(own.kind, value)
    if isinstance(found, Decimal):
        return in_digits(own, found)
    if isinstance(found, bool):
        return pgettext("answer", "是") if found else pgettext("answer", "否")
    if kind == "date" and found is not None:
        return str(smart_date(found))
    return str(value if found is None else found)


def in_digits(own: FieldDef, number: Decimal) -> str:
    """A number with its thousands apart: an amount always with its decimals, others without needless zeros."""
    places = arranged(own).decimals
    if own.kind == "money":
        return f"{number:,.{min(places, 4)}f}"
    return str(num(round(number, places)))


def plain_own(own: FieldDef, record: Any, names: Names) -> Any:
    """A value for a spreadsheet: numbers exact, words for codes, names for ids."""
    value = own.value(record)
    if value in (None, "", []):
        return None
    if own.kind in ("choice", "choices"):
        codes = value if isinstance(value, list) else [value]
        labels = [str(choice.label) if (choice := arranged(own).choice(str(code))) else str(code) for code in codes]
        return "、".join(labels)
    if own.kind == "person":
        return names.people.get(value, str(value))
    if own.kind == "link":
        return names.links.get(str(value), ("", ""))[0]
    found = value if own.kind == "formula" else in_python(own.kind, value)
    if isinstance(found, bool):
        return pgettext("answer", "是") if found else pgettext("answer", "否")
    if own.kind == "moment" and found is not None:
        return timezone.localtime(found).replace(tzinfo=None)
    return Decimal(number_text(round(found, arranged(own).decimals))) if isinstance(found, Decimal) and own.kind == "formula" else found


# Forms ------------------------------------------------------------------------------------------------------------


def form_field(own: FieldDef, spec: ObjectSpec, actor: Actor) -> forms.Field:
    """A form field that asks for a value; shape only, the gate checks the meaning."""
    made = _FIELDS[own.kind](own, actor)
    made.required = own.name in spec.required and own.kind != "yes_no"
    made.label = own.label
    made.help_text = arranged(own).help
    if not isinstance(made.widget, forms.CheckboxSelectMultiple):
        css = "form-select" if isinstance(made.widget, forms.Select) else "form-control"
        made.widget.attrs.setdefault("class", css)
    return made


def _text(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.CharField(max_length=LONGEST_TEXT)


def _long(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))


def _number(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.CharField(widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "form-control num"}))


def _date(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


def _moment(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))


def _choice(own: FieldDef, actor: Actor) -> forms.Field:
    del actor
    offered = [(choice.code, _offered(choice)) for choice in arranged(own).choices]
    return forms.ChoiceField(choices=[("", "—"), *offered])


def _choices(own: FieldDef, actor: Actor) -> forms.Field:
    del actor
    offered = [(choice.code, _offered(choice)) for choice in arranged(own).choices]
    return forms.MultipleChoiceField(choices=offered, widget=_Boxes)


class _Boxes(forms.CheckboxSelectMultiple):
    """Boxes side by side."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        listed = format_html_join(
            "",
            '<label><input class="form-check-input" type="checkbox" name="{}" value="{}"{}>{}</label>',
            ((name, code, mark_safe(" checked") if code in (value or ()) else "", label) for code, label in self.choices),
        )
        return format_html(
            '<div class="zk-several" role="group" id="{}"><div>{}</div></div>', (attrs or {}).get("id", f"id_{name}"), listed
        )


def _offered(choice: Any) -> str:
    return _("%(choice)s（已停用）") % {"choice": choice.label} if choice.is_retired else str(choice.label)


def _yes_no(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return forms.ChoiceField(choices=[("", "—"), ("true", pgettext("answer", "是")), ("false", pgettext("answer", "否"))])


def _person(own: FieldDef, actor: Actor) -> forms.Field:
    del own, actor
    return PersonField()


def _link(own: FieldDef, actor: Actor) -> forms.Field:
    assert isinstance(own.target, type)
    assert issubclass(own.target, Record)
    return PickField(own.target, actor)


_FIELDS: Mapping[str, Callable[[FieldDef, Actor], forms.Field]] = {
    "text": _text, "long": _long, "number": _number, "money": _number, "date": _date, "moment": _moment, "choice": _choice,
    "choices": _choices, "yes_no": _yes_no, "person": _person, "link": _link,
}  # fmt: skip


def for_form(own: FieldDef, record: Any) -> Any:
    """The stored value as its form field shows it."""
    value = own.value(record)
    if own.kind == "moment":
        found = in_python("moment", value)
        return timezone.localtime(found) if found else None
    return str(value).lower() if isinstance(value, bool) else value
