"""Who this node is: what `/.well-known/faultline.json` says."""

from typing import Any

from django.conf import settings

from incidents import checkpoints, log
from incidents.keys import Purpose
from incidents.record import SCHEMA
from incidents.sequencing import current_keys
from lib.notes import NoteKey


def node_document() -> dict[str, Any]:
    """The node's name, where its record is read, where its log stands, and its keys."""
    keys = current_keys()
    return {
        "node": settings.NODE_NAME,
        "title": settings.NODE_TITLE,
        "contact": settings.NODE_CONTACT,
        "software": "faultline",
        "record_schema": SCHEMA,
        "log": {
            "origin": settings.LOG_ORIGIN,
            "address": f"{settings.BASE_URL}/log",
            "signed": checkpoints.standing().signed,
            "number": log.head().number,
            "vkey": str(NoteKey(keys.origin, keys.in_force(Purpose.LOG).public)) if keys else None,
        },
        "keys": [key.document() for key in keys.keys] if keys else [],
        "endpoints": {
            "changes": f"{settings.BASE_URL}/api/v1/changes",
            "incidents": f"{settings.BASE_URL}/api/v1/incidents",
            "openapi": f"{settings.BASE_URL}/api/schema",
        },
    }
