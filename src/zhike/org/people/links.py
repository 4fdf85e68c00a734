"""Links to join: one person, one use, one end. Only the digest of a link is stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from zhike.kernel import history
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.mail import post

from ..models import User
from ..passwords import check_password
from .tables import JoinLink, PersonSheet

DAYS = 7
PATH = "/login/join/"


def make_link(user: User, *, by: int | None, days: int = DAYS) -> str:
    """The token of a new link for a person; those made for him before do not work any more."""
    now, token = timezone.now(), secrets.token_urlsafe(32)
    with transaction.atomic():
        JoinLink.objects.filter(user_id=user.pk, used_at=None).delete()
        JoinLink.objects.create(user_id=user.pk, digest=_digest(token), made_by=by, made_at=now, until=now + dt.timedelta(days=days))
    return token


def person_of(token: str) -> User | None:
    """Whom a link is for; None when it was used, is over, or its person was let go."""
    link = JoinLink.objects.filter(digest=_digest(token), used_at=None, until__gt=timezone.now()).first()
    return User.objects.filter(pk=link.user_id, is_active=True).first() if link else None


def join(token: str, *, name: str, password: str) -> User:
    """Use a link: the person has this name and password from now on. Refused: link_over, required, weak_password."""
    with transaction.atomic():
        link = JoinLink.objects.select_for_update().filter(digest=_digest(token), used_at=None, until__gt=timezone.now()).first()
        user = User.objects.filter(pk=link.user_id, is_active=True).first() if link else None
        if link is None or user is None:
            raise Refused("link_over")
        clean = " ".join(name.split())[:80]
        if not clean:
            raise Refused("required", field="name")
        renamed, user.name = user.name != clean, clean
        check_password(password, user)
        user.set_password(password)
        user.invited_at = None
        user.save(update_fields=["name", "password", "invited_at"])
        if renamed:
            _keep_name(user)
        link.used_at = timezone.now()
        link.save(update_fields=["used_at"])
    return user


def _keep_name(user: User) -> None:
    by = Actor(kind="person", user_id=user.pk, name=str(user))
    history.begin_change(by, verb="change_own", label="org.personsheet")
    PersonSheet.objects.filter(user_id=user.pk).update(name=user.name)


def mail_link(user: User, *, company: str, sender: str, url: str) -> bool:
    """Mail a link in the language of the one who gets it; False without a mail address or a mail server."""
    if not user.email:
        return False
    with translation.override(user.language):
        names = {"who": sender, "company": company, "name": user.name, "user": user.username, "url": url, "days": DAYS}
        subject = _("%(who)s 请你加入%(company)s的知客") % names
        body = (
            _(
                "%(name)s，你好：\n\n%(who)s 请你加入%(company)s的知客。点下面的链接，设一个密码就能用：\n\n%(url)s\n\n用户名是 %(user)s。链接只能用一次，%(days)s 天内有效。"
            )
            % names
        )
    return post(to=user.email, subject=subject, body=body)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
