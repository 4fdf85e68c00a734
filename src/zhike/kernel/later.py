"""Heavy libraries loaded at first use, so that a web process which never counts stays small."""

from __future__ import annotations

import importlib
from typing import Any


class Later:
    """A module that is imported when something is first asked of it; ModuleNotFoundError then when it is missing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # import_module holds the import lock, which importlib.util.LazyLoader does not before Python 3.12
        return getattr(importlib.import_module(self._name), attribute)
