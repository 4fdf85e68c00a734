"""The kernel's part of imports is loaded when the app starts: its tables and its jobs."""

from __future__ import annotations

from .imports import checking, running, tables

__all__ = ["checking", "running", "tables"]
