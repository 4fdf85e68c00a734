"""The log-in page, with the demo people where the company is the demo."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView

from zhike.demo.logins import DEMO_LOGINS, DEMO_PASSWORD


class LoginPage(LoginView):  # type: ignore[misc]
    """allauth's log-in (rate limits, sessions) in our own page."""

    template_name = "kernel/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        company = getattr(self.request, "company", None)
        context["username_field"] = "login"
        if company is not None and company.is_demo:
            context["demo_logins"] = DEMO_LOGINS
            context["demo_password"] = DEMO_PASSWORD
        return context
