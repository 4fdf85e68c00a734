"""What parts of the product do after every migrate of a company's database."""

from __future__ import annotations

from collections.abc import Callable

_steps: list[Callable[[], None]] = []


def after_migrate(step: Callable[[], None]) -> Callable[[], None]:
    """Have something done after every migrate, once all tables are there; it must be safe to do again."""
    _steps.append(step)
    return step


def run_steps() -> None:
    """Do it all, in the order in which it was declared."""
    for step in _steps:
        step()
