"""Django's settings: everything a company may choose comes from the environment, see `docs/guide/settings.md`."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from zhike.server.connection import database_settings
from zhike.server.home import current_home
from zhike.server.logs import logging_settings
from zhike.server.mailing import mail_settings

HOME = current_home()
PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("ZHIKE_DEBUG") == "1"
SECRET_KEY = HOME.secret_key()
# Hosts are looked at by CompanyMiddleware, which also knows those that companies have of their own.
ZHIKE_HOSTS = os.environ.get("ZHIKE_HOSTS", "127.0.0.1,localhost,.localhost,[::1]").split(",")
ALLOWED_HOSTS = ["*"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if os.environ.get("ZHIKE_BEHIND_TLS") == "1" else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_PROXY_SSL_HEADER is not None
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("ZHIKE_ORIGINS", "").split(",") if origin]

# Object types of one's own: Python packages beside the product, see docs/add-an-object.md.
OWN_APPS = [name for name in os.environ.get("ZHIKE_APPS", "").split(",") if name]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "procrastinate.contrib.django",
    "django_htmx",
    "zhike.org",
    "zhike.customers",
    "zhike.catalog",
    "zhike.sales",
    "zhike.orders",
    "zhike.analytics",
    *OWN_APPS,
    "zhike.server",
    "zhike.kernel",  # last: its ready() collects what the others declare
]

MIDDLEWARE = [
    "zhike.server.requests.RequestMiddleware",
    "zhike.server.probes.ProbeMiddleware",
    "zhike.server.middleware.CompanyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "zhike.server.middleware.PrivateMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "zhike.server.middleware.WordsMiddleware",
    "zhike.server.middleware.ActorMiddleware",
]

ROOT_URLCONF = "zhike.server.urls"
WSGI_APPLICATION = "zhike.server.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "server" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "zhike.server.frame.frame",
            ],
            "builtins": ["zhike.kernel.templatetags.zhike_ui", "django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

DATABASES = database_settings()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES: dict[str, str] = {}

AUTH_USER_MODEL = "org.User"
ZHIKE_TEAM_MODEL = "org.Team"
ZHIKE_PERSON_OF = "zhike.org.links.person_of"
ZHIKE_INTEGRATION_OF = "zhike.org.links.integration_of"
ZHIKE_HOOK_NETWORKS = [net for net in os.environ.get("ZHIKE_HOOK_NETWORKS", "").split(",") if net]
ZHIKE_HOOK_PLAIN = os.environ.get("ZHIKE_HOOK_PLAIN") == "1"
ZHIKE_API_PER_MINUTE = int(os.environ.get("ZHIKE_API_PER_MINUTE", "600"))
ZHIKE_API_ORIGINS = [origin for origin in os.environ.get("ZHIKE_API_ORIGINS", "").split(",") if origin]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name", "email")},
    },
    {"NAME": "zhike.org.passwords.KnownPasswordValidator"},
    {"NAME": "zhike.org.passwords.CompanyNameValidator"},
]
ZHIKE_DATA_KEYS = HOME.data_keys()
ZHIKE_COMPANY_NAME_OF = "zhike.server.companies.company_name"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_ADAPTER = "zhike.server.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "reset_password_from_key": "zhike.server.login_forms.ResetPasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_ADAPTER = "zhike.server.accounts.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1  # phones whose clock is half a minute off
MFA_FORMS = {"authenticate": "zhike.server.login_forms.CodeForm", "reauthenticate": "zhike.server.login_forms.CodeAgainForm"}
SOCIALACCOUNT_ADAPTER = "zhike.server.sso.SsoAdapter"
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = "oidc"
# How many proxies stand in front: rate limits look at the address that the last of them saw.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("ZHIKE_PROXIES", "1" if SECURE_PROXY_SSL_HEADER else "0"))
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"

ZHIKE_SMTP_URL = os.environ.get("ZHIKE_SMTP_URL", "")
globals().update(mail_settings(ZHIKE_SMTP_URL, os.environ.get("ZHIKE_MAIL_FROM", "")))

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = os.environ.get("ZHIKE_TIME_ZONE", "Asia/Shanghai")
ZHIKE_REVEALS_A_DAY = int(os.environ.get("ZHIKE_REVEALS_A_DAY", "200"))
USE_TZ = True
USE_I18N = True

ZHIKE_IMPORTS = HOME.imports
STATIC_URL = "/static/"
STATIC_ROOT = HOME.static
STORAGES = {
    "default": {"BACKEND": "zhike.server.files.CompanyStorage", "OPTIONS": {"location": HOME.files}},
    "staticfiles": {
        "BACKEND": "zhike.server.static.ModuleStorage"
        if (HOME.static / "staticfiles.json").exists()
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# In the company's database: what limits tries at log-in has to hold over all web processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kernel_cache",
        "KEY_FUNCTION": "zhike.server.files.cache_key",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "zhike_session"
CSRF_COOKIE_NAME = "zhike_csrf"
CSRF_FAILURE_VIEW = "zhike.server.errors.csrf_failed"
SESSION_COOKIE_AGE = 14 * 24 * 3600

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

LOGGING = logging_settings()
PROCRASTINATE_ON_APP_READY = None
