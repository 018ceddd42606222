"""Who this node is: what `/.well-known/faultline.json` says."""

from typing import Any

from django.conf import settings
from django.db.models import Max

from federation import cosignatures, notices
from federation.served import mirrored
from federation.witnessing import witness_key
from incidents import checkpoints
from incidents.keys import Purpose
from incidents.models import Publication
from incidents.record import SCHEMA
from incidents.sequencing import current_keys
from lib.notes import NoteKey


def node_document() -> dict[str, Any]:
    """The node's name, where its record is read, where its log stands, its keys, and whose logs it mirrors."""
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
            "number": Publication.objects.aggregate(last=Max("entry"))["last"] or 0,
            "vkey": str(NoteKey(keys.origin, keys.in_force(Purpose.LOG).public)) if keys else None,
        },
        "witness": {"vkey": str(witness_key(keys)) if keys else None},
        "mirrors": [
            {"origin": one.origin, "address": f"{settings.BASE_URL}/mirror/{one.origin_digest}", "size": one.size}
            for one in mirrored()
        ],
        "keys": [key.document() for key in keys.keys] if keys else [],
        "endpoints": {
            "changes": f"{settings.BASE_URL}/api/v1/changes",
            "incidents": f"{settings.BASE_URL}/api/v1/incidents",
            "cosignature": f"{settings.BASE_URL}{cosignatures.PATH}",
            "notice": f"{settings.BASE_URL}{notices.PATH}",
            "peers": f"{settings.BASE_URL}/api/v1/peers",
            "openapi": f"{settings.BASE_URL}/api/schema",
        },
    }
