"""Up to four models side by side: what is on record of each, and why the numbers do not rank them."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from catalogue.hub import hubs
from incidents.public_models import Pages, PublicModel, describe, resolve
from website.public import answers

MOST, _LONGEST = 4, 300
_DEFAULT_HUB = "huggingface"


@require_safe
def compare(request: HttpRequest) -> HttpResponseBase:
    """The models named by `m`, each as hub/name or as a name on the Hugging Face Hub; nothing for none."""
    asked = list(dict.fromkeys(text for given in request.GET.getlist("m") if (text := given.strip())))
    if len(asked) > MOST:
        return answers.bad_request(request, gettext("Up to four models can be compared at once."))
    if any("\x00" in text or len(text) > _LONGEST for text in asked):
        return answers.bad_request(request, gettext("A model is named as hub/name, for example huggingface/org/name."))
    if moved := answers.moved_to(request, [("m", text) for text in asked]):
        return moved
    found = [(text, _model(text)) for text in asked]
    fields = [*asked, *[""] * (MOST - len(asked))]
    context = {
        "fields": list(enumerate(fields, start=1)),
        "models": [model for _, model in found if model],
        "missing": [text for text, model in found if model is None],
    }
    return answers.public_page(request, "website/compare.html", context)


def _model(text: str) -> PublicModel | None:
    hub, _, name = text.partition("/")
    if hub not in hubs():
        hub, name = _DEFAULT_HUB, text
    model = resolve(hub, name) if name else None
    return describe(model, Pages(size=3)) if model else None
