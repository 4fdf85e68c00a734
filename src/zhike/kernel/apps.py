from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class KernelConfig(AppConfig):
    name = "zhike.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import registry
        from .imports import declared

        autodiscover_modules(
            "objects",
            "listeners",
            "jobs",
            "mail",
            "metrics",
            "importing",
            "upkeep",
            "search.listeners",
            "fieldwork.jobs",
            "fieldwork.works",
            "hooks.listeners",
            "hooks.jobs",
            "api.jobs",
            "savedviews.rules",
        )
        declared.offer_declared()
        registry.objects.close()
        register(registry.check_paths)
        post_migrate.connect(_install_history, sender=self)


def _install_history(**kwargs: object) -> None:
    """Triggers follow the columns: they are written again after each migrate that changed them. Then what other parts do."""
    from . import history, migrated

    del kwargs
    history.install()
    migrated.run_steps()
