"""Changing many records at once, from a handful in one transaction to a million in a job that can be stopped and undone."""
