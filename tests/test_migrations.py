"""Models and migrations agree, and an empty database comes up by migrating."""

from __future__ import annotations

from django.core.management import call_command


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_system_checks_find_nothing(db: None) -> None:
    call_command("check", fail_level="WARNING")
