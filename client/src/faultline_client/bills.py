"""What a node needs to see of a bill of materials: which components there are, and what derives from what.

Everything else stays here: authors, licences, notes, services, vulnerabilities, properties, model cards.
"""

import json
from typing import Any

_KEPT = frozenset(
    {
        "bomFormat",
        "specVersion",
        "spdxVersion",
        "metadata",
        "component",
        "components",
        "packages",
        "files",
        "relationships",
        "@graph",
        "bom-ref",
        "SPDXID",
        "spdxId",
        "@id",
        "type",
        "@type",
        "name",
        "group",
        "version",
        "versionInfo",
        "packageVersion",
        "software_packageVersion",
        "purl",
        "packageUrl",
        "software_packageUrl",
        "externalRefs",
        "referenceType",
        "referenceLocator",
        "externalIdentifier",
        "externalIdentifierType",
        "identifier",
        "externalRef",
        "locator",
        "externalReferences",
        "url",
        "downloadLocation",
        "software_downloadLocation",
        "homepage",
        "homePage",
        "software_homePage",
        "hashes",
        "alg",
        "content",
        "checksums",
        "checksumValue",
        "verifiedUsing",
        "algorithm",
        "hashValue",
        "pedigree",
        "ancestors",
        "relationshipType",
        "spdxElementId",
        "relatedSpdxElement",
        "from",
        "to",
    }
)


class UnreadableBillError(ValueError):
    """The file is not JSON; the message says so."""


def identities(content: bytes) -> dict[str, Any]:
    """The bill with nothing but its components' identities and relations. Raises UnreadableBillError."""
    try:
        bill = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableBillError(f"not JSON: {error}") from error
    if not isinstance(bill, dict):
        raise UnreadableBillError("a bill of materials is a JSON object")
    return {name: _reduced(value) for name, value in bill.items() if name in _KEPT}


def _reduced(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reduced(inner) for name, inner in value.items() if name in _KEPT}
    return [_reduced(inner) for inner in value] if isinstance(value, list) else value
