"""Signatures after the Standard Webhooks form: `v1,` and the base64 of HMAC-SHA256 over id, timestamp and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

START = "whsec_"


def new_secret() -> str:
    """A new secret of 256 random bits, as receivers' libraries take it."""
    return START + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """The signature of one message under one secret."""
    key = base64.b64decode(secret.removeprefix(START))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets_in_force: list[str], message_id: str, timestamp: int, body: str) -> dict[str, str]:
    """The headers a receiver checks; while a secret is being changed there is a signature under each."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets_in_force),
    }
