"""This node, as formats name it."""

from django.conf import settings

from incidents.format import Node


def this_node() -> Node:
    """Its address, title and name, from the settings."""
    return Node(settings.BASE_URL, settings.NODE_TITLE, settings.NODE_NAME)
