"""The WSGI application."""

import gc
import os
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.bodies import of_any_length

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

whole: Any = of_any_length(get_wsgi_application())

from config.short import ShortPath  # noqa: E402 - it finds the views, so Django must be set up

application = ShortPath(whole)

# What is there now stays: the collector of cycles would else walk all of it whenever an answer makes many objects.
gc.collect()
gc.freeze()
