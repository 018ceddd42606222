"""The admin application with our own site class."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """`django.contrib.admin`, served by the moderation console's site."""

    default_site = "accounts.console.Console"
