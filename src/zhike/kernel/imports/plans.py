"""What one run will do: the target, which file column fills which field, by which keys, for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from zhike.kernel.actor import Actor, Rule, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.imports.guessing import Guess, Guessable, guess_mapping
from zhike.kernel.imports.own import find_target
from zhike.kernel.imports.reading import Source
from zhike.kernel.imports.tables import ImportRun
from zhike.kernel.imports.targets import Entity, ImportField, ImportTarget, Key, Names, all_targets
from zhike.kernel.imports.values import Kind
from zhike.kernel.models import rules_over
from zhike.kernel.policy import policy_of
from zhike.kernel.text.folding import fold

Mode = Literal["insert", "update", "upsert"]
CLEARLY = 2  # columns more that tell a file's kind
CHUNK = 20_000  # records written in one transaction
SEPARATOR = "chr(31)"
SQL_TYPES = {
    Kind.INTEGER: "bigint", Kind.DECIMAL: "numeric", Kind.RATE: "numeric",
    Kind.DATE: "date", Kind.DATETIME: "timestamptz", Kind.BOOLEAN: "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may choose; `keys` are field names in order of preference, empty: the target's own."""

    mode: Mode = "upsert"
    keys: tuple[str, ...] = ()
    on_refused: Literal["rest", "nothing"] = "rest"
    clear_empty: bool = False
    owner_id: int | None = None
    team_id: int | None = None
    language: str = "zh-hans"
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Options:
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in plain.items() if name in known}
        return cls(**{**values, "keys": tuple(values.get("keys", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run made ready: everything that staging, building and applying ask about it."""

    run_id: str
    target: ImportTarget
    mapping: Mapping[str, str]  # file column -> field
    options: Options
    actor: Actor
    batch: int = 100_000
    chunk: int = field(default_factory=lambda: CHUNK)

    @property
    def hex(self) -> str:
        return self.run_id.replace("-", "")

    @property
    def stage(self) -> str:
        return f"zhike_stage_{self.hex}"

    def table(self, entity: str) -> str:
        return f"{self.stage}_{entity}"

    @property
    def mapped(self) -> Names:
        """Staged names that have a file column, and those worked out by numbering."""
        named = frozenset(self.mapping.values())
        return named | frozenset(self.target.numbering(named))

    @property
    def entities(self) -> list[Entity]:
        """Entities that the file says something about, in the order of the target."""
        return [entity for entity in self.target.entities if self.keys(entity)]

    def entity(self, name: str) -> Entity | None:
        return next((entity for entity in self.entities if entity.name == name), None)

    def columns(self, entity: Entity) -> dict[str, str]:
        """Database columns of an entity that the file fills, as SQL over a staged row."""
        mapped = self.mapped
        found: dict[str, str] = {}
        for one in entity.fields:
            name = f"{entity.name}.{one.name}"
            if name not in mapped:
                continue
            if one.json:
                found[one.name] = one.json.format(staged(entity.name, next(iter(one.lookup.writes)) if one.lookup else one.name))
            elif one.lookup:
                found |= {column: staged(entity.name, column) for column in one.lookup.writes}
            elif one.is_stored:
                found[one.db_column] = staged(entity.name, one.name)
            if one.raw:
                found[one.raw] = staged(entity.name, one.raw)
        return found | dict(entity.computed(mapped))

    def links(self, entity: Entity) -> dict[str, Entity]:
        """Foreign-key columns whose entity the file tells."""
        found = {column: self.entity(name) for column, name in entity.links.items()}
        return {column: linked for column, linked in found.items() if linked is not None}

    def keys(self, entity: Entity) -> list[Key]:
        """The keys that can be told from the file, in order; empty when the file does not tell this entity."""
        chosen = [key for key in entity.keys if self._is_chosen(entity, key)] if self._chooses(entity) else []
        told = {key.name: key for key in reversed(chosen or entity.keys) if self.can_tell(entity, key)}
        usual = [key for key in chosen or entity.keys if told.get(key.name) is key]
        if chosen:
            return usual
        firm = [key for key in usual if not key.is_last_resort]
        return firm or usual[:1]

    def _chooses(self, entity: Entity) -> bool:
        return any(path.partition(".")[0] == entity.name for path in self.options.keys)

    def _is_chosen(self, entity: Entity, key: Key) -> bool:
        return f"{entity.name}.{key.name}" in self.options.keys

    def can_tell(self, entity: Entity, key: Key) -> bool:
        told = self.columns(entity)
        return all(self._tells(entity, column, told) for column in key.columns)

    def _tells(self, entity: Entity, column: str, told: Mapping[str, str]) -> bool:
        if column in entity.makes:
            return f"{entity.name}.{entity.makes[column][0]}" in self.mapped
        if column in entity.links:
            return bool(self.keys(self.target.entity(entity.links[column])))
        return column in told

    def made(self) -> list[tuple[Entity, str]]:
        """Staged columns that the keys in use need worked out."""
        return [
            (entity, column)
            for entity in self.target.entities
            for key in self.keys(entity)
            for column in key.columns
            if column in entity.makes
        ]

    def part(self, entity: Entity, column: str) -> str:
        """One column of a key as SQL text over a staged row."""
        if column in entity.makes:
            return staged(entity.name, column)
        if column in entity.links:
            return self.key_sql(self.target.entity(entity.links[column]))
        return f"({self.columns(entity)[column]})::text"

    def key_sql(self, entity: Entity) -> str:
        """What tells records of an entity apart, as SQL text over a staged row `s`; null when the row names none."""
        keys = self.keys(entity)
        variants = [f" || {SEPARATOR} || ".join(self.part(entity, column) for column in key.columns) for key in keys]
        if len(variants) == 1:
            return f"({variants[0]})"
        return "coalesce(" + ", ".join(f"'{n}' || {SEPARATOR} || {v}" for n, v in enumerate(variants)) + ")"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def staged(entity: str, name: str) -> str:
    """A staged column as SQL."""
    return f"s.{quoted(f'{entity}.{name}')}"


def guessables(target: ImportTarget, by: Actor | None = None) -> list[Guessable]:
    return [
        Guessable(field=f"{e.name}.{f.name}", names=(*f.names, str(f.title), f"{e.name}.{f.name}"), shape=f.shape, weight=f.weight)
        for e, f in target.fields()
        if by is None or may_fill(e, f, by)
    ]


def guess(target: ImportTarget, source: Source, by: Actor | None = None) -> tuple[Guess, ...]:
    """Which field each file column is probably meant for; only fields that `by` may fill."""
    return guess_mapping(source.columns, source.sample(200), guessables(target, by), fold=fold)


def likelier(than: ImportTarget, source: Source, guesses: Sequence[Guess], by: Actor) -> str:
    """The name of another target that `by` may import and a file clearly fits better; empty when there is none."""
    others = [target_named(one.name) for one in all_targets() if one.name != than.name and may_import(one, by)]
    fit, _few, best = max(((_fit(one, guess(one, source, by)), -len(one.entities), one.name) for one in others), default=(0, 0, ""))
    return best if fit >= _fit(than, guesses) + CLEARLY else ""


def _fit(target: ImportTarget, guesses: Sequence[Guess]) -> int:
    """How many columns fit; one that tells the records of the target apart counts for more."""
    main = target.entity(target.main)
    telling = {column for key in main.keys for column in key.columns}
    has_key = any(f"{main.name}.{one.name}" == guess.field for one in main.fields if one.db_column in telling for guess in guesses)
    return len(guesses) + (CLEARLY if has_key else 0)


def may_import(target: ImportTarget, by: Actor) -> bool:
    """Whether somebody may bring in this kind of file at all."""
    return by.may(policy_of(target.entity(target.main).model).label, "import")


def may_fill(entity: Entity, field: ImportField, by: Actor) -> bool:
    """Whether somebody may bring in a field: an import changes records too, so nothing that a rule closes or keeps."""
    rules = rules_over(entity.model, by)
    return not rules or not {field.name, field.db_column, field.db_column.removesuffix("_id")} & rules.keys()


def target_named(name: str) -> ImportTarget:
    """The target with the company's own fields; Refused("target_unknown") when there is none of that name."""
    target = find_target(name)
    if target is None:
        raise Refused("target_unknown", target=name)
    return target


def plan_of(run: ImportRun) -> Plan:
    """The plan of a stored run; raises what `check_plan` raises."""
    plan = Plan(
        run_id=str(run.pk),
        target=target_named(run.target),
        mapping=run.mapping,
        options=Options.of(run.options),
        actor=actor_from(run.actor),
    )
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Raise Refused: field_unknown, field_twice, field_not_permitted, key_unknown, key_not_in_file, fields_missing, nothing_mapped."""
    if not plan.mapping:
        raise Refused("nothing_mapped")
    seen: set[str] = set()
    for path in plan.mapping.values():
        if plan.target.find(path) is None:
            raise Refused("field_unknown", field=path, target=plan.target.name)
        if path in seen:
            raise Refused("field_twice", field=path)
        if not may_fill(*plan.target.found(path), plan.actor):
            raise Refused("field_not_permitted", field=path)
        seen.add(path)
    for path in plan.options.keys:
        _check_key(plan, path)
    main = plan.target.entity(plan.target.main)
    if not plan.keys(main):
        wanted = [f"{main.name}.{column}" for key in main.keys for column in key.columns]
        raise Refused("fields_missing", fields=", ".join(dict.fromkeys(wanted)))


def _check_key(plan: Plan, path: str) -> None:
    name, _, rest = path.partition(".")
    found = [e for e in plan.target.entities if e.name == name]
    keys = [key for e in found for key in e.keys if key.name == rest]
    if not keys:
        offered = [f"{e.name}.{key.name}" for e in plan.target.entities for key in e.keys]
        raise Refused("key_unknown", key=path, offered=", ".join(offered))
    if not any(plan.can_tell(found[0], key) for key in keys):
        raise Refused("key_not_in_file", key=path)


def check_columns(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    """Raise Refused("column_unknown") for a mapped column that the file does not have."""
    for column in mapping:
        if column not in columns:
            raise Refused("column_unknown", column=column, columns=", ".join(columns)[:300])


def actor_plain(by: Actor) -> dict[str, Any]:
    """The rights of an actor at this moment, to be kept with the run that another process works on."""
    return {
        "kind": by.kind, "user_id": by.user_id, "name": by.name, "team_ids": sorted(by.team_ids),
        "branch_ids": sorted(by.branch_ids), "home_team": by.home_team, "source": by.source, "reason": by.reason,
        "grants": [[label, verb, int(scope)] for (label, verb), scope in by.grants.items()],
        "rules": [[label, name, int(rule)] for label, rules in by.field_rules.items() for name, rule in rules.items()],
        "shared": dict(by.shared), "apart": sorted(by.apart), "roles": sorted(by.role_ids),
    }  # fmt: skip


def actor_from(plain: Mapping[str, Any]) -> Actor:
    """The actor whose rights were kept."""
    rules: dict[str, dict[str, Rule]] = {}
    for label, name, rule in plain.get("rules", ()):
        rules.setdefault(label, {})[name] = Rule(rule)
    return Actor(
        kind=plain["kind"], user_id=plain["user_id"], name=plain["name"], team_ids=frozenset(plain["team_ids"]),
        branch_ids=frozenset(plain["branch_ids"]), home_team=plain["home_team"], source=plain["source"],
        reason=plain["reason"], grants={(label, verb): Scope(scope) for label, verb, scope in plain["grants"]},
        field_rules=rules, shared=plain.get("shared", {}), apart=frozenset(plain.get("apart", ())), role_ids=frozenset(plain.get("roles", ())),
    )  # fmt: skip
