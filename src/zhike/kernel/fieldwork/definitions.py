"""What a definition of an own field has to be before it is stored: names, kind, choices, limits, formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zhike.kernel.actor import SYSTEM
from zhike.kernel.customfields.catalogue import FILTERED, SORTED, UNIQUE, Definitions
from zhike.kernel.customfields.formula import Ref, parse, written
from zhike.kernel.customfields.kinds import checked
from zhike.kernel.customfields.tables import CustomField, Kind
from zhike.kernel.errors import Refused
from zhike.kernel.registry import objects
from zhike.kernel.text.pinyin import sort_key
from zhike.kernel.veil import CUSTOM

KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TONES = ("", "key", "line", "good", "due", "bad")
MOST_FIELDS = 200  # of one object type, archived ones too
MOST_SORTED = 4  # each costs three indexes at every write
MOST_FILTERED = 20
MOST_CHOICES = 200
NOT_REQUIRED = (Kind.FORMULA, Kind.YES_NO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants a field to be. `choices` are (code or "" for a new one, name, English name, tone, is retired)."""

    name: str
    kind: str
    name_en: str = ""
    key: str = ""
    target: str = ""
    formula: str = ""
    choices: tuple[tuple[str, str, str, str, bool], ...] = ()
    help: str = ""
    default: Any = None
    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int = 2
    is_required: bool = False
    required_roles: tuple[int, ...] = ()
    is_unique: bool = False
    is_read_only: bool = False
    is_filterable: bool = False
    is_sortable: bool = False
    is_in_list: bool = True
    is_in_form: bool = True
    is_searchable: bool = False


PLAIN = (
    "name", "name_en", "target", "help", "low", "high", "decimals", "is_required", "is_unique", "is_read_only", "is_filterable", "is_sortable",
    "is_in_list", "is_in_form", "is_searchable",
)  # fmt: skip


def write_wish(field: CustomField, wish: Wish) -> None:
    """Put a wish into a definition; what its kind cannot be falls away. Raises Refused with what is wrong.

    Codes: name_missing, taken (name), key_wrong, kind_unknown, target_unknown, choices_missing, choice_twice, limits_crossed,
    too_many_fields, too_many_sorted, too_many_filtered, formula_*, invalid_value (default).
    """
    others = list(CustomField.objects.filter(label=field.label).exclude(pk=field.pk))
    for name in PLAIN:
        setattr(field, name, getattr(wish, name))
    field.name, field.name_en = wish.name.strip(), wish.name_en.strip()
    field.required_roles = sorted(wish.required_roles) if wish.is_required else []
    _check_names(field, wish, others)
    _fit_kind(field)
    field.choices = _choices(field, wish.choices) if field.kind in (Kind.CHOICE, Kind.CHOICES) else []
    _check_target(field)
    if field.low is not None and field.high is not None and field.low > field.high:
        raise Refused("limits_crossed")
    field.decimals = max(0, min(field.decimals, 4))
    _check_counts(field, others)
    field.formula = wish.formula.strip() if field.kind == Kind.FORMULA else ""
    _check_formula(field, others)
    field.default = _default(field, others, wish.default)


def _check_names(field: CustomField, wish: Wish, others: Sequence[CustomField]) -> None:
    if not field.name or len(field.name) > 60 or len(field.name_en) > 60 or set(field.name) & set("{}\"'"):
        raise Refused("name_missing")
    if any(one.name == field.name and not one.is_archived for one in others):
        raise Refused("taken", field="name", title=field.name)
    if not field.key:
        field.key = free_key(wish.key or wish.name_en or wish.name, {one.key for one in others})
    if not KEY.fullmatch(field.key) or len(field.key) > 40:
        raise Refused("key_wrong", key=field.key)
    if any(one.key == field.key for one in others):
        raise Refused("taken", field="key", title=field.key)


def free_key(text: str, taken: Iterable[str]) -> str:
    """A key from a name: pinyin or the words themselves, with a number where somebody has it already."""
    plain = re.sub(r"[^a-z0-9]+", "_", sort_key(text).lower()).strip("_")[:34].strip("_")
    base = plain if re.match("[a-z]", plain) else f"f_{plain}".strip("_") if plain else "field"
    known, found, number = set(taken), base, 1
    while found in known:
        number += 1
        found = f"{base}_{number}"
    return found


def _fit_kind(field: CustomField) -> None:
    """What a kind cannot do is switched off."""
    if field.kind not in Kind.values:
        raise Refused("kind_unknown", kind=field.kind)
    field.is_filterable = field.is_filterable and field.kind in FILTERED
    field.is_sortable = field.is_sortable and field.kind in SORTED
    field.is_unique = field.is_unique and field.kind in UNIQUE
    field.is_required = field.is_required and field.kind not in NOT_REQUIRED
    field.is_searchable = field.is_searchable and field.kind in (Kind.TEXT, Kind.LONG)
    if field.kind not in (Kind.NUMBER, Kind.MONEY):
        field.low = field.high = None
    if field.kind != Kind.LINK:
        field.target = ""


def _choices(field: CustomField, given: Sequence[tuple[str, str, str, str, bool]]) -> list[dict[str, Any]]:
    """The choices in their new order; one that is not named any more is kept as retired, because records may hold it."""
    before = {one["code"]: one for one in field.choices}
    made: list[dict[str, Any]] = []
    codes: set[str] = set(before)
    for code, name, name_en, tone, retired in given:
        if not name.strip():
            continue
        if code not in before:
            code = free_key(name_en or name, codes)
            codes.add(code)
        made.append(
            {
                "code": code,
                "name": name.strip()[:60],
                "name_en": name_en.strip()[:60],
                "tone": tone if tone in TONES else "",
                "retired": retired,
            }
        )
    named = {one["code"] for one in made}
    made += [{**one, "retired": True} for code, one in before.items() if code not in named]
    names = [one["name"] for one in made if not one["retired"]]
    if not names:
        raise Refused("choices_missing")
    if len(names) != len(set(names)):
        raise Refused("choice_twice", name=next(name for name in names if names.count(name) > 1))
    if len(made) > MOST_CHOICES:
        raise Refused("too_many_choices", limit=MOST_CHOICES)
    return made


def _check_target(field: CustomField) -> None:
    if field.kind == Kind.LINK and not (field.target and objects.has(field.target)):
        raise Refused("target_missing")


def _check_counts(field: CustomField, others: Sequence[CustomField]) -> None:
    used = [one for one in others if not one.is_archived]
    if len(others) >= MOST_FIELDS:
        raise Refused("too_many_fields", limit=MOST_FIELDS)
    if field.is_sortable and sum(one.is_sortable for one in used) >= MOST_SORTED:
        raise Refused("too_many_sorted", limit=MOST_SORTED)
    if field.is_filterable and sum(one.is_filterable for one in used) >= MOST_FILTERED:
        raise Refused("too_many_filtered", limit=MOST_FILTERED)


def _check_formula(field: CustomField, others: Sequence[CustomField]) -> None:
    """The formula is kept with stable names; this or any other formula that cannot be read afterwards is refused."""
    used = [one for one in others if not one.is_archived]
    model = objects.get(field.label).model
    if field.kind == Kind.FORMULA:
        known = Definitions(model, used).fields
        # Those that read this one cannot be read yet; to name one of them, or itself, is to run in a circle.
        waiting = {ref.name: ref for row in (*used, field) if row.kind == Kind.FORMULA and (ref := _waiting(row)).name not in known}
        node = parse(field.formula, known | waiting)
        if node.reads & waiting.keys():
            raise Refused("formula_cycle", formula=field.formula)
        field.formula = written(node, lambda ref: ref.name, as_words=False)
    after = Definitions(model, [*used, field])
    if after.bad:
        name, refusal = next(iter(after.bad.items()))
        if name != f"{CUSTOM}{field.key}":
            raise Refused("formula_needs", name=next(one.name for one in used if f"{CUSTOM}{one.key}" == name))
        raise refusal


def _waiting(row: CustomField) -> Ref:
    return Ref(name=f"{CUSTOM}{row.key}", label=row.name, kind="number", sql="", read=lambda record: None)


def _default(field: CustomField, others: Sequence[CustomField], given: Any) -> Any:
    if field.kind in (Kind.FORMULA, Kind.LINK, Kind.PERSON) or given in (None, "", []):
        return None
    made = Definitions(objects.get(field.label).model, [field]).made()[field.pk]
    return checked(made, given, SYSTEM)


def readers_of(field: CustomField) -> list[str]:
    """Names of formulas in use that read this field, directly or through others."""
    rows = list(CustomField.objects.filter(label=field.label, is_archived=False))
    nodes = Definitions(objects.get(field.label).model, rows).nodes
    by_name = {f"{CUSTOM}{row.key}": row.name for row in rows}
    return [by_name[name] for name, node in nodes.items() if f"{CUSTOM}{field.key}" in node.reads]
