"""The kernel's part of imports and of bulk changes and of the past is loaded when the app starts: tables, verbs and jobs."""

from __future__ import annotations

from .bulk import deleting, setting
from .bulk import running as bulk_running
from .bulk import tables as bulk_tables
from .imports import checking, running, tables
from .past import tables as past_tables

__all__ = ["bulk_running", "bulk_tables", "checking", "deleting", "past_tables", "running", "setting", "tables"]
