"""The one refusal that a rule may raise."""

from __future__ import annotations


class Refused(Exception):
    """A rule said no; `code` is stable, is what tests and the API look at, and screens put it into words."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code
