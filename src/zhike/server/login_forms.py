"""Forms of log-in where allauth's ask too much or too little."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ResetPasswordKeyForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django import forms
from django.core.cache import cache

from zhike.org.passwords import problems_of

SECONDS_VALID = 120  # longer than any code counts, with the tolerance for slow clocks


class ResetPasswordForm(ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, typed once: it can be looked at."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        self.fields["password1"] = forms.CharField(strip=False)

    def clean_password1(self) -> str:
        password: str = self.cleaned_data["password1"]
        problems = problems_of(password, self.user)
        if problems:
            raise forms.ValidationError("，".join(problems))
        return password


class _Once:
    """A code counts once, although a clock half a minute off is borne with."""

    user: Any

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if not cache.add(f"mfa:{self.user.pk}:{code}", 1, SECONDS_VALID):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_Once, AuthenticateForm):  # type: ignore[misc]
    """The code of a phone, or a recovery code, at log-in."""


class CodeAgainForm(_Once, ReauthenticateForm):  # type: ignore[misc]
    """The same, before something delicate."""
