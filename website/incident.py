"""The page of one record: the document for people, what happened to it and when, how to cite and to check it."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from federation import cosignatures
from federation import proofs as theirs
from incidents import overlay, proofs, search
from incidents.differences import changed_fields, differences
from incidents.format import Published, formats, without_suffix
from incidents.models import Incident, Operation, Publication
from incidents.overlay_models import Overlay
from incidents.publishing import instant
from incidents.purge_keys import mark
from incidents.taxonomy import OWN, Taxonomy, Term, taxonomies
from incidents.this_node import this_node
from website.public.answers import SECONDS_KEPT, bad_request, public_page

# The suffixes of the formats that cite, in the order of their use by people.
CITATIONS = ("apa.txt", "bib", "ris", "csl.json")
# In the page's data for search engines the whole document would stand a second time.
_BEYOND_SEARCH_ENGINES = frozenset({"text", "faultline:document"})
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Moment:
    """Something that happened, for the timeline: `at` is a reduced date or an instant, `detail` more on it, or ""."""

    at: str
    what: str
    detail: str = ""
    name: str = ""


@dataclass(frozen=True)
class Version:
    """One entry of the log about the record, and the fields in which it differs from the version before."""

    entry: Publication
    changed: tuple[str, ...]

    @property
    def what(self) -> str:
        """What the entry did to the record, in words."""
        return _words(self.entry)


@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One record for people. An id of another database redirects to ours, a merged record to the one in its place."""
    if erased := search.tombstone(public_id):
        return _gone(request, erased)
    incident = search.by_id(public_id)
    if incident is None and (hiding := overlay.hidden(public_id)):
        return _hidden(request, hiding)
    if incident is None:
        raise Http404
    if incident.public_id != public_id:
        return redirect("website:incident", public_id=incident.public_id, permanent=False)
    if incident.superseded_by:
        moved = redirect("website:incident", public_id=search.in_place_of(incident).public_id, permanent=True)
        # A merge can be taken back: nobody may remember the way for ever.
        patch_cache_control(moved, public=True, max_age=SECONDS_KEPT)
        return moved
    document = json.loads(bytes(incident.document))
    published = Published(bytes(incident.document), this_node())
    versions = _versions(incident)
    context = {
        "record": document,
        "merged": search.merged_into(incident),
        "digest": incident.digest,
        "versions": versions,
        "timeline": timeline(document, [version.entry for version in versions]),
        "formats": list(formats().values()),
        "citations": [(formats()[suffix], formats()[suffix].one(published).decode().strip()) for suffix in CITATIONS],
        "for_search_engines": _for_search_engines(published),
        "crosswalk": _crosswalk(document),
        "proof": (place := proofs.place_of(incident.public_id)),
        "cosigned": len(cosignatures.lines(place.signed)) if place and place.is_signed else 0,
        "theirs": _theirs(incident),
        "overlay": overlay.of(incident.public_id) if incident.origin != settings.NODE_NAME else None,
        "elsewhere": overlay.elsewhere(incident) if incident.origin == settings.NODE_NAME else [],
    }
    return public_page(request, "website/incident.html", context)


def _theirs(incident: Incident) -> theirs.Place | None:
    """Where a record of another node stands in its log."""
    return theirs.place_of(incident.public_id) if incident.origin != settings.NODE_NAME else None


def _gone(request: HttpRequest, incident: Incident) -> HttpResponse:
    """The page of an erased record: 410, and what the log says of the erasure."""
    entry, proof = incident.publications.order_by("number").last(), proofs.place_of(incident.public_id)
    context = {"incident": incident, "entry": entry, "proof": proof, "theirs": _theirs(incident)}
    response = render(request, "website/erased.html", context, status=410)
    patch_cache_control(response, public=True, max_age=SECONDS_KEPT)
    mark(response, request.path)
    return response


def _hidden(request: HttpRequest, hiding: Overlay) -> HttpResponse:
    """The page of a record that this node hides: 410, in this node's own words."""
    response = render(request, "website/hidden.html", {"hiding": hiding, "incident": hiding.incident}, status=410)
    patch_cache_control(response, public=True, max_age=SECONDS_KEPT)
    return response


@require_safe
def in_format(_request: HttpRequest, address: str) -> HttpResponseBase:
    """An address with the suffix of a format leads to the record in it, one without a suffix to the page."""
    public_id, asked = without_suffix(address)
    return redirect("api:incident", public_id=address) if asked else redirect("website:incident", public_id=public_id)


@require_safe
def changes(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """What differs between two versions of a record, field by field; of the last two without arguments."""
    incident = _found(public_id)
    if incident.public_id != public_id:
        return redirect("website:incident-changes", public_id=incident.public_id, permanent=False)
    entries = list(incident.publications.order_by("version").defer("document"))
    to = _version(request, "to", incident.version)
    since = _version(request, "from", max((to or 1) - 1, 1))
    numbers = {entry.version for entry in entries}
    if since not in numbers or to not in numbers:
        return bad_request(request, _("This record has no such version. It has the versions 1 to %d.") % len(entries))
    sides = {entry.version: entry for entry in incident.publications.filter(version__in=[since, to])}
    before, after = (json.loads(bytes(sides[number].document)) for number in (since, to))
    context = {
        "record": after,
        "entries": entries,
        "before": sides[since],
        "after": sides[to],
        "differences": differences(before, after),
    }
    return public_page(request, "website/incident_changes.html", context)


def timeline(document: dict[str, Any], entries: list[Publication]) -> list[Moment]:
    """What is public of when things happened, oldest first; a day, month or year before what is known to be in it."""
    moments = [Moment(instant(entry.at), _words(entry), name=entry.operation) for entry in entries]
    if document["occurred"]:
        moments.append(Moment(document["occurred"], _("Occurred"), name="occurred"))
    answered = _("The publisher answered")
    moments += [Moment(said["at"], answered, said["by"], "statement") for said in document.get("statements", [])]
    for named in document["affected"]:
        moments += [
            Moment(noticed["noticed"], _("A change of the model was noticed"), named["name"], "change")
            for noticed in named["changes"]
        ]
    return sorted(dict.fromkeys(moments), key=lambda moment: moment.at)


def _words(entry: Publication) -> str:
    return {
        Operation.PUBLISH: _("Published"),
        Operation.CORRECT: _("Corrected"),
        Operation.DISPUTE: _("Disputed"),
        Operation.WITHDRAW: _("Withdrawn"),
        Operation.MERGE: _("Merged into another record"),
        Operation.RESTORE: _("Restored after a merge") if entry.entry_id else _("Restored"),
        Operation.ERASE: _("Erased"),
    }[Operation(entry.operation)]


def _versions(incident: Incident) -> list[Version]:
    """Oldest first."""
    entries = overlay.as_logged(incident.publications.order_by("number"))
    documents = [json.loads(bytes(entry.document)) for entry in entries]
    for entry, document in zip(entries, documents, strict=True):
        if entry.index_at_origin:  # shown here since `at`, but said there before
            entry.at = datetime.fromisoformat(document["modified"])
    changed = [(), *(tuple(changed_fields(old, new)) for old, new in pairwise(documents))]
    return [Version(entry, fields) for entry, fields in zip(entries, changed, strict=True)]


def _for_search_engines(published: Published) -> dict[str, Any]:
    """The record in the terms of schema.org, for the page itself."""
    report = json.loads(formats()["jsonld"].one(published))
    return {name: value for name, value in report.items() if name not in _BEYOND_SEARCH_ENGINES}


def _crosswalk(document: dict[str, Any]) -> list[tuple[Taxonomy, list[Term]]]:
    """What comes nearest to the category in each other taxonomy, but for the terms that the record itself gives."""
    own = taxonomies()[OWN].term(document["category"])
    given = {(one["taxonomy"], one["term"]) for one in document["classifications"]}
    near = own.crosswalk if own else {}
    found = [
        (taxonomy, [term for code in near.get(name, ()) if (term := taxonomy.term(code)) and (name, code) not in given])
        for name, taxonomy in taxonomies().items()
    ]
    return [(taxonomy, terms) for taxonomy, terms in found if terms]


def _found(public_id: str) -> Incident:
    incident = search.by_id(public_id)
    if incident is None:
        raise Http404
    return incident


def _version(request: HttpRequest, name: str, default: int) -> int | None:
    """The version that an argument asks for; None where it is no number."""
    text = request.GET.get(name, "") or str(default)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
