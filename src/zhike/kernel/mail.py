"""Mail: handed to a job in the transaction of the change, sent after it holds, in the language of who gets it."""

from __future__ import annotations

import json
import uuid

from django.conf import settings
from django.core.mail import EmailMessage

from .jobs import job
from .secrets import seal, unseal


def can_mail() -> bool:
    """Whether a mail server is named in the settings."""
    return bool(settings.ZHIKE_SMTP_URL)


def post(*, to: str, subject: str, body: str) -> bool:
    """Have a mail sent; False, and nothing happens, without a mail server.

    The job keeps the mail sealed: links in it open accounts, and the queue is a table like any other.
    """
    if not can_mail():
        return False
    number = uuid.uuid4().hex
    letter = json.dumps({"to": to, "subject": " ".join(subject.split()), "body": body})
    send.defer(number=number, letter=seal(letter, bound_to=f"mail:{number}"))
    return True


@job(queue="mail")
def send(number: str, letter: str) -> None:
    """Send one mail; the job is tried again when the mail server does not take it."""
    told = json.loads(unseal(letter, bound_to=f"mail:{number}"))
    EmailMessage(told["subject"], told["body"], to=[told["to"]], headers={"Auto-Submitted": "auto-generated"}).send()
