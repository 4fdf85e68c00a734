"""What is kept for seconds in a process is nothing that another test left."""

from __future__ import annotations

import pytest

from zhike.org.entry.policy import forget_rules


@pytest.fixture(autouse=True)
def _fresh_rules() -> None:
    """What another test asked of those who log in is not asked here."""
    forget_rules()
