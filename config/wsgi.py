"""The WSGI application."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

whole: Any = get_wsgi_application()

from config.short import ShortPath  # noqa: E402 - it finds the views, so Django must be set up

application = ShortPath(whole)
