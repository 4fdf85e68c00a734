"""What a file can be brought in as: targets of one or several entities, declared by the domains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from zhike.kernel.imports.values import FieldShape
from zhike.kernel.later import Later
from zhike.kernel.models import Tracked

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

Words = str | Promise
Names = frozenset[str]
Expressions = Callable[[Names], Mapping[str, str]]


def nothing(_mapped: Names) -> Mapping[str, str]:
    """No expressions at all."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Words of a file that stand for something in the database.

    `make` gives a frame with the column `word` and one column for each of `writes` (staged name -> SQL type);
    a word that is not in it refuses its row with `code`.
    """

    make: Callable[..., pl.DataFrame]
    writes: Mapping[str, str]
    code: str
    takes_actor: bool = False  # the words depend on who imports


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportField:
    """A field that a file column can fill: API name inside its entity, shape, headings people give it (best first)."""

    name: str
    title: Words
    shape: FieldShape
    names: tuple[str, ...] = ()
    column: str = ""  # database column, when it is not called as the field
    raw: str = ""  # database column that keeps what was typed
    is_stored: bool = True
    lookup: Lookup | None = None
    weight: float = 1.0
    json: str = ""  # of an own field: its JSON value as SQL, with {} for the staged column

    @property
    def db_column(self) -> str:
        return self.column or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Database columns (or columns of links) that together say which record a row means.

    A key that is not unique takes the oldest record, or refuses the row with `key_ambiguous` when `is_strict`;
    a wide one means every record that has it (only where nothing else in the file links to the entity). Of two keys
    with one name the first that can be told is used.
    """

    name: str
    columns: tuple[str, ...]
    is_unique: bool = True
    is_strict: bool = True
    is_wide: bool = False
    is_last_resort: bool = False  # used only when no other key has a file column, or when it is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Derive:
    """Columns worked out in Python from stored ones, for new and changed records only; frames have equal heights."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    make: Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Records of one entity that were just written: rows of `table` with lo < seq <= hi."""

    table: str
    lo: int
    hi: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One kind of record in a file row.

    `links` names the entity behind a foreign-key column. `computed` gives database columns as SQL over the staged
    row `s`, `on_create` values for new records only (also as defaults of empty cells); staged columns are quoted
    "entity.field". `makes` are staged columns worked out in Python when a key needs them: the
    field they are made from, and the function that gets all staged columns by name.
    """

    name: str
    model: type[Tracked]
    fields: tuple[ImportField, ...]
    keys: tuple[Key, ...]
    links: Mapping[str, str] = field(default_factory=dict)
    computed: Expressions = nothing
    on_create: Expressions = nothing
    required: tuple[str, ...] = ()  # columns a new record must have
    makes: Mapping[str, tuple[str, Callable[[Mapping[str, pl.Series]], pl.Series]]] = field(default_factory=dict)
    derive: Derive | None = None
    owner_from: str = ""  # link column whose record gives owner and team
    guard: str = ""  # entity whose record decides what is permitted
    cluster_by: str = ""  # link entity whose rows keep these together
    after_chunk: Callable[[Any, Chunk], None] | None = None
    is_short: bool = False  # beside another entity: few of its fields, and none of the company's own
    refresh: str = ""  # link column whose record is searched by what stands here

    def field(self, name: str) -> ImportField | None:
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScope:
    """What a closing step works on: the staging table, mapped fields, table of each entity, the import's actor."""

    stage: str
    mapped: Names
    tables: Mapping[str, str]
    change_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Further set-wise work in chunks of file rows lo < row_no <= hi; answers how many rows it wrote."""

    name: str
    needs: str
    apply: Callable[[Any, StepScope, int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTarget:
    """What `--as` names. `main` is the entity that mode and keys are about.

    `numbering` gives staged columns that need the neighbours of a row (SQL with windows over the staging table `s`).
    """

    name: str
    title: Words
    main: str
    entities: tuple[Entity, ...]
    numbering: Expressions = nothing
    steps: tuple[Step, ...] = ()
    rank: int = 50

    def entity(self, name: str) -> Entity:
        return next(one for one in self.entities if one.name == name)

    def fields(self) -> Iterator[tuple[Entity, ImportField]]:
        for entity in self.entities:
            for one in entity.fields:
                yield entity, one

    def find(self, path: str) -> tuple[Entity, ImportField] | None:
        """The field called `entity.field`."""
        return next(((e, f) for e, f in self.fields() if f"{e.name}.{f.name}" == path), None)

    def found(self, path: str) -> tuple[Entity, ImportField]:
        """The field called `entity.field` of a checked plan; LookupError when there is none."""
        pair = self.find(path)
        if pair is None:
            raise LookupError(path)
        return pair


_targets: dict[str, ImportTarget] = {}


def add_target(target: ImportTarget) -> ImportTarget:
    """Offer a target; ValueError when its name is taken."""
    if target.name in _targets:
        raise ValueError(f"The import target {target.name} is declared twice.")
    _targets[target.name] = target
    return target


def declared(name: str) -> ImportTarget | None:
    """The target as its domain declares it, without the company's own fields."""
    return _targets.get(name)


def all_targets() -> Sequence[ImportTarget]:
    """All targets in the order they are offered, as declared."""
    return sorted(_targets.values(), key=lambda target: (target.rank, target.name))
