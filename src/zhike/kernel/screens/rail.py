"""The rail: places that parts of the product add, and those that object types declare for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ..actor import Actor
from ..registry import objects
from ..spec import ObjectSpec, Words
from ..text.pinyin import syllables


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in the rail, lower ranks first; `needs` names the grant to see it, `keys` what people type to find it."""

    key: str
    label: Words
    url: str
    icon: str
    rank: int
    needs: str = ""
    hotkey: str = ""
    keys: str = ""
    starts: tuple[str, ...] = ()

    def is_at(self, path: str) -> bool:
        """Whether an address belongs to this place."""
        return path == "/" if self.url == "/" else path.startswith((self.url, *self.starts))


_places: dict[str, Place] = {}


def add_place(place: Place) -> Place:
    """Offer a place; called where its screen is declared."""
    _places[place.key] = place
    return place


def places_for(actor: Actor) -> list[Place]:
    """The places this actor may go to, in their order."""
    every = [*_places.values(), *(place for spec in objects if (place := _place_of(spec)))]
    return sorted((place for place in every if not place.needs or actor.may(place.needs, "view")), key=lambda place: place.rank)


def _place_of(spec: ObjectSpec) -> Place | None:
    if spec.rail is None:
        return None
    return Place(
        key=spec.slug, label=spec.plural, url=f"/{spec.slug}/", icon=spec.icon, rank=spec.rail.rank, needs=spec.policy.label,
        hotkey=spec.rail.hotkey, keys=_typed(str(spec.plural)), starts=spec.rail.starts,
    )  # fmt: skip


@cache
def _typed(label: str) -> str:
    """Pinyin of a label and its initials: kh kehu."""
    parts = syllables(label)
    return f"{''.join(part[:1] for part in parts)} {''.join(parts)}"
