"""What a company asks of those who log in, and the systems it lets vouch for them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from zhike.kernel.models import Tracked
from zhike.kernel.policy import set_policy, shared


class LoginPolicy(Tracked):
    """One row: for whom a second factor is a must, and whether those who come by another system may also use a password."""

    class Mfa(models.TextChoices):
        FREE = "free"
        ROLES = "roles"
        ALL = "all"

    number = models.SmallIntegerField(unique=True, default=1, editable=False)
    mfa = models.CharField(max_length=5, choices=Mfa.choices, default=Mfa.FREE)
    mfa_roles: Any = models.JSONField(default=list, blank=True)
    sso_only = models.BooleanField(default=False)

    class Meta:
        app_label = "org"


class SingleSignOn(Tracked):
    """Another system that vouches for people: OpenID Connect (`server_url`) or SAML (`entity_id`, `sso_url`, `certificate`).

    Who comes is found by the mail it vouches for. A person who is not known is made only with a mail of `domains` and
    gets `role_id` and `team_id`; without domains nobody is made.
    """

    class Kind(models.TextChoices):
        OIDC = "openid_connect", "OpenID Connect"
        SAML = "saml", "SAML 2.0"

    untracked: ClassVar[tuple[str, ...]] = ("secret",)

    kind = models.CharField(max_length=20, choices=Kind.choices)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    is_on = models.BooleanField(default=True)
    trusts_mail = models.BooleanField(default=False)  # what it says of a mail counts even when it does not call it verified
    client_id = models.CharField(max_length=200, blank=True, default="")
    secret = models.TextField(blank=True, default="")  # sealed
    server_url = models.CharField(max_length=300, blank=True, default="")
    entity_id = models.CharField(max_length=300, blank=True, default="")
    sso_url = models.CharField(max_length=300, blank=True, default="")
    certificate = models.TextField(blank=True, default="")
    domains: Any = models.JSONField(default=list, blank=True)
    role_id = models.IntegerField(null=True, blank=True)
    team_id = models.IntegerField(null=True, blank=True)

    class Meta:
        app_label = "org"

    def __str__(self) -> str:
        return self.name


set_policy(LoginPolicy, shared("org.settings"))
set_policy(SingleSignOn, shared("org.settings"))
