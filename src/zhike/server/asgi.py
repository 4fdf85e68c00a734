"""The web application for any ASGI server."""

import os

from django.core.asgi import get_asgi_application

from zhike.server.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
if os.environ.get("ZHIKE_SUPERVISED"):
    # A web server killed at once leaves its worker processes behind, and those keep the port.
    die_with_parent()

application = get_asgi_application()
