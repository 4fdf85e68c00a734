"""Roles: what they grant and which fields they close, how that is changed, and what a change would do."""
