"""How mail leaves: one address in the environment as Django's settings."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
SECONDS = 20


def mail_settings(url: str, sender: str) -> dict[str, object]:
    """Django's EMAIL_* of smtp://user:password@host:25, smtp+tls:// (STARTTLS, 587) or smtps:// (TLS, 465); ValueError for another kind.

    Without an address nothing is sent: mail goes to where it is forgotten.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend", "EMAIL_HOST": ""}
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("ZHIKE_SMTP_URL has to look like smtp://user:password@host:25, smtp+tls://… or smtps://…")
    from_address = sender or dict(parse_qsl(parts.query)).get("from", "") or f"zhike@{parts.hostname}"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": SECONDS,
        "DEFAULT_FROM_EMAIL": from_address,
        "SERVER_EMAIL": from_address,
    }
