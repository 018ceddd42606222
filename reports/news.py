"""Which records that match a query are new or changed since an entry of the log: what subscriptions tell of.

A query is filters of the list in one spelling. What is told is read from the public record alone.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from incidents import listing
from incidents.filters import ARGUMENTS, read_filters
from incidents.listing import Order, Sort
from incidents.models import Publication
from incidents.publishing import instant
from incidents.record import Status
from incidents.taxonomy import OWN, taxonomies

MOST_QUERY = 2000


def one_spelling(given: Mapping[str, Sequence[str]]) -> str:
    """Filters of the list as one query text, in one order; what is no filter is left out. Raises BadFilterError."""
    kept = {name: sorted({value for value in given[name] if value}) for name in sorted(ARGUMENTS & given.keys())}
    kept = {name: values for name, values in kept.items() if values}
    read_filters(kept)
    return urlencode(kept, doseq=True)


def described(query: str) -> str:
    """A query as people read it, in the language that is active; words for all records where it is empty."""
    pairs = [
        f"{_spoken('field', name)}: {', '.join(_spoken(name, value) for value in values)}"
        for name, values in parse_qs(query).items()
    ]
    return "; ".join(pairs) or _("all records")


def _spoken(vocabulary: str, code: str) -> str:
    """A code in words; as it stands where it has none, as in English."""
    term = taxonomies()[OWN].term(code) if vocabulary == "category" else None
    plain = term.title if term else code.replace("_", " ")
    said = _(plain) if term else pgettext(vocabulary, plain)
    return code if said == plain else said


def changed(query: str, *, after: int, until: int, most: int, with_withdrawn: bool = False) -> list[dict[str, Any]]:
    """The records that match and have an entry of the log in (after, until], as they stood then; the newest first.

    Withdrawn ones are among them where the query asks for them, or with `with_withdrawn`.
    """
    entries = Publication.objects.filter(number__gt=after, number__lte=until)
    first = entries.aggregate(at=Min("at"))["at"]
    if first is None:
        return []
    given = parse_qs(query)
    if with_withdrawn:
        given.setdefault("status", list(Status))
    since = max([*given.get("modified_from", []), instant(first)])
    wanted = read_filters(given | {"modified_from": [since]})
    page = listing.find(wanted, number=until, order=Order(Sort.MODIFIED), limit=most)
    ids = set(entries.values_list("incident__public_id", flat=True))
    documents = [json.loads(document) for document in page.documents]
    return [document for document in documents if document["id"] in ids]
