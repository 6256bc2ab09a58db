"""The application for an ASGI server: ``uvicorn example_apps.django_fleet.asgi:application``."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_apps.django_fleet.settings")

# Static files come from where they are, so that there is nothing to collect. In production a web server
# or WhiteNoise has them.
application = ASGIStaticFilesHandler(get_asgi_application())
