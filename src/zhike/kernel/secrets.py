"""Secrets at rest: sealed by AES-GCM with a key of the installation, each bound to the row it belongs to.

A sealed text is base64url of: the number of the key (1 byte), a nonce (12 bytes), the cipher text with its tag.
New secrets take the key with the highest number; older keys stay to open what they sealed.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


class SealBroken(Exception):
    """A sealed text that no key of this installation opens, or that belongs to another row."""


def seal(text: str, *, bound_to: str) -> str:
    """The text sealed for one place (such as "org.singlesignon:0192…:secret"); it opens nowhere else."""
    keys = _keys()
    number = max(keys)
    nonce = secrets.token_bytes(NONCE)
    hidden = AESGCM(keys[number]).encrypt(nonce, text.encode(), bound_to.encode())
    return base64.urlsafe_b64encode(bytes([number]) + nonce + hidden).decode()


def unseal(sealed: str, *, bound_to: str) -> str:
    """The text of a seal made for the same place; raises SealBroken."""
    try:
        raw = base64.urlsafe_b64decode(sealed.encode())
        return AESGCM(_keys()[raw[0]]).decrypt(raw[1 : NONCE + 1], raw[NONCE + 1 :], bound_to.encode()).decode()
    except (InvalidTag, KeyError, IndexError, ValueError, binascii.Error) as broken:
        raise SealBroken(bound_to) from broken


def key_number(sealed: str) -> int:
    """Which key sealed a text: what is left to do when keys are changed."""
    return base64.urlsafe_b64decode(sealed.encode())[0]


def _keys() -> Mapping[int, bytes]:
    keys: Mapping[int, bytes] = settings.ZHIKE_DATA_KEYS
    return keys
