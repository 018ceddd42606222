"""The method: what the words mean, who decides, and what counts say and do not say."""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from incidents.record import MEANINGS
from incidents.taxonomy import OWN, taxonomies
from website.public import answers


@require_safe
def about(request: HttpRequest) -> HttpResponseBase:
    """What the record means: kinds, grades, categories."""
    meanings = {vocabulary.__name__: list(entries.items()) for vocabulary, entries in MEANINGS.items()}
    return answers.public_page(request, "website/about.html", {"meanings": meanings, "tree": taxonomies()[OWN].tree()})
