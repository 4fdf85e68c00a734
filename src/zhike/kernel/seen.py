"""An object type as one actor sees it: everything that a list, page, form, filter, file or interface offers goes from here.

What a field rule hides is not part of the type for that actor; what it masks is shown covered and neither filtered nor
sorted by; what is read-only is asked for only where a new record cannot do without it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from .actor import Actor, Rule
from .customfields import offers
from .customfields.catalogue import Catalogue, catalogue
from .customfields.kinds import arranged
from .fielddefs import FieldDef
from .spec import Filter, ObjectSpec, Panel

COVERED = "covered"  # the cell of a masked value


def seen(spec: ObjectSpec, actor: Actor) -> ObjectSpec:
    """The type with the company's own fields, without what this actor may not see, and with what he may not change
    marked read-only."""
    full = with_own_fields(spec, catalogue(actor.schema))
    rules = actor.rules(spec.label)
    required = tuple(field.name for field in full.custom if arranged(field).requires(actor.role_ids))
    if required:
        full = replace(full, required=(*full.required, *required))
    return ruled(full, with_formulas(full.custom, rules)) if rules else full


_extended: OrderedDict[tuple[int, int], tuple[ObjectSpec, Catalogue, ObjectSpec]] = OrderedDict()
EXTENDED = 512  # object types x states of catalogues in one process


def with_own_fields(spec: ObjectSpec, known: Catalogue) -> ObjectSpec:
    """The type with all fields of the company's own; made once for each state of the catalogue."""
    fields = known.of(spec.label)
    if not fields:
        return spec
    key = (id(spec), id(known))
    found = _extended.get(key)
    if found is None:
        found = (spec, known, _with(spec, fields))  # keeps both alive, so that their ids stay theirs
        _extended[key] = found
        while len(_extended) > EXTENDED:
            _extended.popitem(last=False)
    return found[2]


def _with(spec: ObjectSpec, fields: tuple[FieldDef, ...]) -> ObjectSpec:
    sorts = [sort for field in fields if (sort := offers.sort(field))]
    filters = [item for field in fields if (item := offers.filter_of(field))]
    read_only = [field.name for field in fields if arranged(field).is_read_only]
    asked = [field for field in fields if not arranged(field).is_read_only]
    return replace(
        spec,
        custom=fields,
        columns=(*spec.columns, *(offers.column(field) for field in fields)),
        default_columns=(*spec.default_columns, *(field.name for field in fields if arranged(field).is_in_list)),
        sorts=(*spec.sorts, *sorts),
        filters=(*spec.filters, *filters),
        panels=(*spec.panels, Panel(title=_("更多"), fields=tuple(field.name for field in fields))),
        form=(*spec.form, *(field.name for field in asked if arranged(field).is_required)) if spec.form else (),
        form_more=(
            *spec.form_more,
            *(field.name for field in asked if arranged(field).is_in_form and not arranged(field).is_required),
        )
        if spec.form
        else (),
        read_only=(*spec.read_only, *read_only),
    )


def with_formulas(fields: Iterable[FieldDef], rules: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """Rules with those that follow: who may not see a field does not see what a formula makes of it."""
    closed = {name for name, rule in rules.items() if rule >= Rule.MASKED}
    return {**rules, **{field.name: Rule.HIDDEN for field in fields if arranged(field).reads & closed}}


def ruled(spec: ObjectSpec, rules: Mapping[str, Rule]) -> ObjectSpec:
    """The type under field rules. The title and the first order always stay: a list cannot do without them."""
    rules = {name: rule for name, rule in rules.items() if name not in never_ruled(spec)}
    hidden = {name for name, rule in rules.items() if rule is Rule.HIDDEN}
    closed = {name for name, rule in rules.items() if rule >= Rule.MASKED}
    filters = tuple(item for item in spec.filters if not {item.name, item.column} & closed)
    return replace(
        spec,
        columns=tuple(
            replace(column, cell=COVERED) if _top(column.path) in closed else column
            for column in spec.columns
            if _top(column.path) not in hidden
        ),
        default_columns=tuple(path for path in spec.default_columns if _top(path) not in hidden),
        sorts=tuple(sort for sort in spec.sorts if sort.key not in closed),
        filters=filters,
        sums=tuple(name for name in spec.sums if name not in closed),
        panels=_panels(spec.panels, hidden),
        form=_asked(spec, spec.form, rules),
        form_more=_asked(spec, spec.form_more, rules),
        required=tuple(name for name in spec.required if name not in hidden),
        read_only=tuple(dict.fromkeys([*spec.read_only, *rules])),
        views=tuple(view for view in spec.views if _is_open(view[1], closed, filters)),
        custom=tuple(field for field in spec.custom if field.name not in hidden),
        covered=frozenset(closed - hidden),
        hidden=frozenset(hidden),
    )


def never_ruled(spec: ObjectSpec) -> frozenset[str]:
    """Fields that no rule may touch: the record's name, the order that a list falls back to, the record it belongs to."""
    return frozenset({spec.name, spec.sorts[0].key, *filter(None, (spec.policy.link,))})


def _top(path: str) -> str:
    return path.partition("__")[0]


def _panels(panels: Iterable[Panel], hidden: set[str]) -> tuple[Panel, ...]:
    kept = (replace(panel, fields=tuple(name for name in panel.fields if name not in hidden)) for panel in panels)
    return tuple(panel for panel in kept if panel.fields)


def _asked(spec: ObjectSpec, fields: Iterable[str], rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """What a form for a new record asks: nothing hidden, and what is read-only later only when it is required."""
    return tuple(
        name
        for name in fields
        if (rule := rules.get(name)) is None or rule is Rule.MASKED or (rule is Rule.READ_ONLY and name in spec.required)
    )


def _is_open(query: str, closed: set[str], filters: tuple[Filter, ...]) -> bool:
    """Whether a ready view neither filters nor orders by what is closed."""
    known = {item.name for item in filters}
    named = [part.partition("=") for part in query.split("&")]
    return all(name.partition(".")[0] in known if "." in name else value.lstrip("-") not in closed for name, _sign, value in named)
