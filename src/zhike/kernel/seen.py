"""An object type as one actor sees it: everything that a list, page, form, filter, file or interface offers goes from here.

What a field rule hides is not part of the type for that actor; what it masks is shown covered and neither filtered nor
sorted by; what is read-only is asked for only where a new record cannot do without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .actor import Actor, Rule
from .spec import Filter, ObjectSpec, Panel

COVERED = "covered"  # the cell of a masked value


def seen(spec: ObjectSpec, actor: Actor) -> ObjectSpec:
    """The type without what this actor may not see, and with what he may not change marked read-only."""
    rules = actor.rules(spec.label)
    return ruled(spec, rules) if rules else spec


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
        views=tuple(view for view in spec.views if _is_open(view[1], spec, filters)),
        search=replace(spec.search, **_unsearchable(spec, hidden)) if spec.search else None,
        covered=frozenset(closed - hidden),
    )


def never_ruled(spec: ObjectSpec) -> frozenset[str]:
    """Fields that no rule may touch: the record's name, and the order that a list falls back to."""
    return frozenset({spec.name, spec.sorts[0].key})


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


def _is_open(query: str, spec: ObjectSpec, filters: tuple[Filter, ...]) -> bool:
    known = {item.name for item in filters}
    return all(name.partition(".")[0] in known for name in query.split("&") if "." in name.partition("=")[0])


def _unsearchable(spec: ObjectSpec, hidden: set[str]) -> dict[str, Any]:
    """A hidden column cannot be searched by either: a hit would tell what it holds."""
    assert spec.search is not None
    return {role: "" for role in ("code", "phone") if getattr(spec.search, role) in hidden}
