"""Log-in rules of the product on top of allauth: who may, what is told, what is mailed, how secrets are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import unstash_login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.mail import post
from zhike.kernel.secrets import seal, unseal
from zhike.org.entry.policy import rules
from zhike.org.models import Grant, User
from zhike.org.passwords import check_password
from zhike.server.companies import company_name
from zhike.server.letters import letter

KEEPS_PASSWORD = ("org.settings", "change")
WRONG = gettext_lazy("用户名或密码不对，再看一眼大小写")
CODE_WRONG = gettext_lazy("验证码不对，或已经用过，等下一个再试")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are invited by an administrator: nobody signs up alone."""

    error_messages: ClassVar[Mapping[str, str | Promise]] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": gettext_lazy("这个账号已经停用，找管理员开通"),
        "username_password_mismatch": WRONG,
        "email_password_mismatch": WRONG,
        "invalid_login": WRONG,
        "too_many_login_attempts": gettext_lazy("错的次数太多，过五分钟再试"),
        "rate_limited": gettext_lazy("试得太快，过一会儿再来"),
        "enter_current_password": gettext_lazy("现在的密码不对"),
        "incorrect_password": gettext_lazy("密码不对"),
        "incorrect_code": CODE_WRONG,
        "invalid_password_reset": gettext_lazy("链接已经失效，重新要一个"),
        "sso_only": gettext_lazy("你用单点登录进来，不用密码。点下面的按钮"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        del request
        return False

    def add_message(self, *args: object, **kwargs: object) -> None:
        """Logging in and out needs no message: the page that comes is the message."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person of a name and password; those who come by another system have no way in by password."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None and must_use_sso(user):
            raise self.validation_error("sso_only")
        return user

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Tries count for a person, under whatever host name the company is asked."""
        del request
        return str(credentials.get("email", credentials.get("username", ""))).lower()

    def set_password(self, user: User, password: str) -> None:
        """A new password; whoever waited for an invitation has joined by it."""
        check_password(password, user)
        user.set_password(password)
        user.invited_at = None
        user.save(update_fields=["password", "invited_at"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """One of our own letters, in the reader's language, by a job; kinds that we do not have are not sent."""
        user = context.get("user")
        with translation.override(user.language if isinstance(user, User) else translation.get_language()):
            found = letter(template_prefix, context | {"company": company_name()})
        if found:
            post(to=email, subject=found.subject, body=found.body)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        if not must_use_sso(user):
            super().send_password_reset_mail(user, email, context)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell a person what was changed about the log-in, when and from where."""
        with translation.override(user.language):
            at = date_format(timezone.localtime(), "Y-m-d H:i")
        told = {"user": user, "at": at, "ip": self.get_client_ip(self.request)} | (context or {})
        if user.email or email:
            self.send_mail(template_prefix, email or user.email, told)


def must_use_sso(user: User) -> bool:
    """Whether a person has no way in by password: the company says so, another system vouches for him, and he is not
    one of those who can put the settings right when that system is down."""
    if not rules().sso_only or not SocialAccount.objects.filter(user=user).exists():
        return False
    return not Grant.objects.filter(role__users=user, label=KEEPS_PASSWORD[0], verb=KEEPS_PASSWORD[1]).exists()


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: secrets sealed for their person, names in words."""

    error_messages: ClassVar[Mapping[str, str | Promise]] = {**DefaultMFAAdapter.error_messages, "incorrect_code": CODE_WRONG}

    def encrypt(self, text: str) -> str:
        return seal(text, bound_to=_owner())

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, bound_to=_owner())

    def _get_user_identifier(self, user: User) -> str:
        return user.username

    def _get_site_name(self) -> str:
        return f"{_('知客')} {company_name()}".strip()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """通行密钥 2."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("通行密钥 %(number)s") % {"number": number}


def _owner() -> str:
    """Whose second factor is at work: who is logged in, or who is about to be."""
    request = context.request
    if request.user.is_authenticated:
        return f"mfa:{request.user.pk}"
    login = unstash_login(request, peek=True)
    return f"mfa:{login.user.pk if login and login.user else 0}"
