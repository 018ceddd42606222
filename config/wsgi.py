"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from config.bodies import of_any_length

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = of_any_length(get_wsgi_application())
