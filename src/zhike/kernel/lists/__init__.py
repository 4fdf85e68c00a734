"""Lists that stay fast: filters in words, keyset pages, and a planner of eight measured rules (`docs/adr/0004-lists.md`)."""
