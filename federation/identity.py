"""Who this node is: what `/.well-known/faultline.json` says."""

from typing import Any

from django.conf import settings

from incidents import log
from incidents.record import SCHEMA


def node_document() -> dict[str, Any]:
    """The node's name, where its record is read, and where its log stands."""
    head = log.head()
    return {
        "node": settings.NODE_NAME,
        "title": settings.NODE_TITLE,
        "contact": settings.NODE_CONTACT,
        "software": "faultline",
        "record_schema": SCHEMA,
        "log": {"number": head.number, "chain": head.chain},
        "endpoints": {
            "changes": f"{settings.BASE_URL}/api/v1/changes",
            "incidents": f"{settings.BASE_URL}/api/v1/incidents",
            "openapi": f"{settings.BASE_URL}/api/schema",
        },
    }
