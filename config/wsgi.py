"""The WSGI application."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.bodies import of_any_length

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

whole: Any = of_any_length(get_wsgi_application())

from config.short import ShortPath  # noqa: E402 - it finds the views, so Django must be set up

application = ShortPath(whole)
