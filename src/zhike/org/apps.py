"""People, teams, roles and how they come in."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OrgConfig(AppConfig):
    """The app; after every migrate the ready roles get what object types declare for them."""

    name = "zhike.org"
    label = "org"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        post_migrate.connect(_write_ready_roles, sender=self)


def _write_ready_roles(**_told: Any) -> None:
    from .ready_roles import write_ready_roles

    write_ready_roles()
