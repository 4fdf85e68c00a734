"""Four records of each type (林悦's, 周航's, 陈默's, nobody's) and the people who look at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.cast import CAST, actor
from tests.made import make
from zhike.kernel.actor import Actor
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec

# The names share no character, so that none is part of another or of a word of the screens.
NAMES = {"林悦": "松江甲", "周航": "虹口乙", "陈默": "番禺丙", "": "戊戌丁"}
SPECS = list(objects)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a `spec` runs for each object type."""
    if "spec" in metafunc.fixturenames:
        metafunc.parametrize("spec", SPECS, ids=[spec.label for spec in SPECS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Records by their owner's name ("" for nobody's), and the cast as actors."""

    records: dict[str, Record]
    actors: dict[str, Actor]

    def seen_by(self, spec: ObjectSpec, name: str, verb: str = "view") -> set[str]:
        """Owners whose record this person may see, worked out from scope and team alone."""
        grant = self.actors[name].scope(spec.policy.label, verb)
        if grant is None:
            return set()
        if spec.policy.shared:
            return set(NAMES)
        return {
            "OWN": {name} & set(NAMES),
            "TEAM": {"林悦", "周航"},
            "BRANCH": {"林悦", "周航"},
            "ALL": set(NAMES),
        }[grant.name]


@pytest.fixture
def samples(db: None) -> Callable[[ObjectSpec], Samples]:
    """Make the four records of a type."""
    actors = {member.name: actor(member.name) for member in CAST}

    def made(spec: ObjectSpec) -> Samples:
        return Samples(records={owner: make(spec.label, text, actors.get(owner)) for owner, text in NAMES.items()}, actors=actors)

    return made
