"""The tables of object types, panels and timeline sources: filled while the app starts, then closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.checks import Error

from .actions import set_prepare
from .addresses import know_slug
from .policy import set_policy
from .spec import ObjectSpec, SidePanel, TimelineSource


class Registry:
    """Object types by model, label and slug."""

    def __init__(self) -> None:
        self._specs: dict[str, ObjectSpec] = {}
        self._panels: dict[str, list[SidePanel]] = {}
        self._sources: dict[str, list[TimelineSource]] = {}
        self._open = True

    def add(self, spec: ObjectSpec) -> ObjectSpec:
        """Register an object type; RuntimeError after start-up or when it is there already."""
        if not self._open:
            raise RuntimeError("Object types are declared while the app starts.")
        if spec.label in self._specs:
            raise RuntimeError(f"{spec.label} is declared twice.")
        spec = replace(spec, policy=set_policy(spec.model, spec.policy))
        self._specs[spec.label] = spec
        know_slug(spec.label, spec.slug)
        if spec.prepare:
            set_prepare(spec.model, spec.prepare)
        return spec

    def show_on(self, label: str, panel: SidePanel) -> None:
        """Let a higher domain show something on the page of a lower object type."""
        self._panels.setdefault(label, []).append(panel)

    def tell_on(self, label: str, source: TimelineSource) -> None:
        """Let a domain put entries on the timeline of an object type."""
        self._sources.setdefault(label, []).append(source)

    def close(self) -> None:
        self._open = False

    def panels(self, label: str) -> list[SidePanel]:
        return sorted(self._panels.get(label, []), key=lambda panel: panel.rank)

    def sources(self, label: str) -> list[TimelineSource]:
        return self._sources.get(label, [])

    def of(self, model: type[Any]) -> ObjectSpec:
        return self._specs[model._meta.label_lower]

    def get(self, label: str) -> ObjectSpec:
        return self._specs[label]

    def has(self, label: str) -> bool:
        return label in self._specs

    def by_slug(self, slug: str) -> ObjectSpec | None:
        return next((spec for spec in self if spec.slug == slug), None)

    def __iter__(self) -> Iterator[ObjectSpec]:
        return iter(self._specs.values())


objects = Registry()


def check_paths(app_configs: object, **kwargs: object) -> list[Error]:
    """System check: a spec names only fields that its model has."""
    return [
        Error(f"{spec.label} names fields it does not have: {', '.join(bad)}", id="kernel.E001")
        for spec in objects
        if (bad := spec.unknown_paths())
    ]
