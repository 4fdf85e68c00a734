"""Webhooks: changes told to other systems, signed, in order, again and again until heard."""
