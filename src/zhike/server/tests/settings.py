"""The least Django that the server room needs, so its tests do not depend on the domains."""

from zhike.server.connection import connection_settings
from zhike.server.home import current_home

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "zhike.server.tests.site",
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "zhike.server.tests.site.urls"
DATABASES = {"default": connection_settings()}
STATIC_URL = "/static/"
STATIC_ROOT = current_home().static
STATICFILES_DIRS: list[str] = []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
USE_TZ = True
