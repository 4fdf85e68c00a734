"""The way in: links to join, passwords, second factors, log-in by another system, one's own account."""
