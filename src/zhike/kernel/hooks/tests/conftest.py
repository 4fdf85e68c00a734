"""A receiver, and webhooks that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from tests.cast import actor
from zhike.kernel.hooks.actions import save_hook
from zhike.kernel.hooks.tests.receiver import Receiver, receiving
from zhike.kernel.links.integrations import save_integration
from zhike.kernel.links.tables import Hook, Integration
from zhike.org.models import Role, Team

MakeHook = Callable[..., tuple[Hook, str]]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Somebody who listens on loopback, which the environment allows here."""
    settings.ZHIKE_HOOK_NETWORKS, settings.ZHIKE_HOOK_PLAIN = ["127.0.0.0/8"], True
    with receiving() as heard:
        yield heard


@pytest.fixture
def hook_to(receiver: Receiver) -> MakeHook:
    """A webhook to the receiver, acting as an integration with a role (and team); with its secret."""

    def made(
        *, role: str = "admin", team: str = "", events: dict[str, list[str]] | None = None, fields: dict[str, list[str]] | None = None
    ) -> tuple[Hook, str]:
        admin = actor("管理员")
        row = Integration(name=f"仓库{Integration.objects.count()}", role_id=Role.objects.get(code=role).pk)
        row.team_id = Team.objects.get(name=team).pk if team else None
        save_integration(row, by=admin)
        hook = Hook(
            name="仓库系统", url=receiver.url, integration=row, fields=fields or {},
            events=events or {"customers.customer": ["created", "changed", "deleted"]},
        )  # fmt: skip
        return hook, save_hook(hook, by=admin)

    return made
