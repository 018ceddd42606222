"""Template filters for public records."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from catalogue.hub import Reference, hubs
from incidents.record import MEANINGS, Confidence, EvidenceGrade, Kind, Match, Severity, Status
from incidents.taxonomy import OWN, Term, taxonomies
from lib.text import markdown_html

register = template.Library()

_VOCABULARIES: dict[str, type[StrEnum]] = {
    "kind": Kind,
    "severity": Severity,
    "evidence_grade": EvidenceGrade,
    "confidence": Confidence,
    "match": Match,
    "status": Status,
}


@register.filter
def markdown(text: str) -> SafeString:
    """Untrusted Markdown as safe HTML."""
    return markdown_html(text)


@register.filter
def words(code: str) -> str:
    """A vocabulary's code as words: `not_affected` as "not affected"."""
    return code.replace("_", " ")


@register.filter
def meaning(code: str, vocabulary: str) -> str:
    """What a code of a vocabulary of the record means, in a sentence."""
    return MEANINGS[_VOCABULARIES[vocabulary]][code]


@register.filter
def category_title(code: str) -> str:
    """The title of a category; its code where a foreign record uses one we do not know."""
    term = taxonomies()[OWN].term(code)
    return term.title if term else code


@register.filter
def term_of(code: str, taxonomy: str) -> Term | None:
    """The term with that code in that taxonomy, if it is listed."""
    found = taxonomies().get(taxonomy)
    return found.term(code) if found else None


@register.filter
def reduced_date(text: str) -> str:
    """A day, a month, a year or an instant for people: "2023", "July 2023", "9 July 2023"."""
    parts = [int(part) for part in text[:10].split("-")]
    if len(parts) == 1:
        return text
    month = date(parts[0], parts[1], 1).strftime("%B %Y")
    return f"{parts[2]} {month}" if len(parts) == 3 else month  # noqa: PLR2004 - year, month, day


@register.filter
def taxonomy_title(taxonomy: str) -> str:
    """The title of a taxonomy; its id where we do not know it."""
    found = taxonomies().get(taxonomy)
    return found.title if found else taxonomy


@register.filter
def hub_title(hub: str) -> str:
    """The name of a hub as people write it."""
    found = hubs().get(hub)
    return found.title if found else hub


@register.filter
def hub_url(named: Mapping[str, Any]) -> str:
    """The page of an affected model on its hub, at its revision; "" where it is on none that we know."""
    found = hubs().get(named["hub"] or "")
    return found.url(Reference(found.slug, named["name"], named["revision"] or "")) if found else ""


_BIBTEX_SPECIAL = re.compile(r"[#$%&_{}]")


@register.simple_tag(takes_context=True)
def bibtex(context: Mapping[str, Any]) -> str:
    """The page's record as a BibTeX entry; its version and digest keep the citation exact."""
    record, standing = context["record"], ""
    if record["status"] != Status.PUBLISHED:
        standing = f", {record['status']}"
    address = context["base_url"] + reverse("website:incident", args=[record["id"]])
    fields = {
        "author": f"{{{_in_bibtex(context['node_title'])}}}",
        "title": f"{{{_in_bibtex(record['title'])}}}",
        "year": record["published"][:4],
        "howpublished": f"\\url{{{address}}}",
        "note": f"Incident record {record['id']}, version {record['version']}{standing}, SHA-256 {context['digest']}",
    }
    lines = [f"  {name:<12} = {{{value}}}" for name, value in fields.items()]
    return f"@misc{{{record['id']},\n" + ",\n".join(lines) + "\n}"


def _in_bibtex(text: str) -> str:
    plain = text.replace("\\", "/").replace("~", "-").replace("^", " ")
    return _BIBTEX_SPECIAL.sub(lambda special: f"\\{special.group()}", plain)
