"""Other nodes in the console: one module a subject. Each registers its own."""

from federation.admin import outcomes, peers

__all__ = ["outcomes", "peers"]
