"""What every template knows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from accounts.management.commands import demo_moderator
from website.language import editions


def node(request: HttpRequest) -> dict[str, object]:
    """What the node is called and where, whether it sends mail, who may sign up, the login a demonstration shows.

    And of the page: its language, that one's direction, and its editions in all languages.
    """
    return {
        "language": translation.get_language(),
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        "editions": editions(request),
        "node_title": settings.NODE_TITLE,
        "node_name": settings.NODE_NAME,
        "node_contact": settings.NODE_CONTACT,
        "base_url": settings.BASE_URL,
        "mail_on": settings.MAIL_ON,
        "signup_open": settings.SIGNUP,
        "demo_login": (next(iter(demo_moderator.NAMES)), demo_moderator.PASSWORD) if settings.DEMO else None,
    }
