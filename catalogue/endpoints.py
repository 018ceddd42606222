"""Where each hub is asked, and with which credential: what the operator set, else the hub's own address."""

from django.conf import settings


def endpoint(slug: str, default: str) -> str:
    """The base address of a hub's API, without a slash at the end."""
    return str(settings.HUB_ENDPOINTS.get(slug, default)).rstrip("/")


def token(slug: str) -> str:
    """The hub's read token; "" is anonymous."""
    return str(settings.HUB_TOKENS.get(slug, ""))
