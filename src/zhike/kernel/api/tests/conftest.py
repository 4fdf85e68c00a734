"""Programs of the cast and of integrations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cast import actor
from zhike.kernel.links.integrations import save_integration
from zhike.kernel.links.tables import Integration
from zhike.kernel.links.tokens import NewToken, make_token
from zhike.kernel.testing.api import Program
from zhike.org.models import Role, Team

MakeProgram = Callable[..., Program]


@pytest.fixture
def program() -> MakeProgram:
    """A program with a token of somebody of the cast: `program("林悦")`, narrowed by `scopes`."""

    def made(name: str, **scopes: str) -> Program:
        wanted = NewToken(name="试用", scopes={label.replace("_", "."): level for label, level in scopes.items()})
        return Program(token=make_token(wanted, by=actor(name))[1])

    return made


@pytest.fixture
def system() -> MakeProgram:
    """A program of an integration with a role, at home in a team: `system("仓库", "sales", "上海组")`."""

    def made(name: str, role: str = "admin", team: str = "") -> Program:
        admin = actor("管理员")
        row = Integration(name=name, role_id=Role.objects.get(code=role).pk, team_id=Team.objects.get(name=team).pk if team else None)
        save_integration(row, by=admin)
        return Program(token=make_token(NewToken(name="试用"), by=admin, integration=row)[1])

    return made
