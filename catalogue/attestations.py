"""Attested openness: files of the Model Openness Framework (https://isitopen.ai), imported as they are.

An attestation names a model by the hub's name; it makes no model known to the catalogue and asks no hub.
"""

from django.db.models.functions import Lower

from catalogue.models import Attestation, Model
from catalogue.mof import Release, UnreadableMofError, read_release
from lib.canonical import digest

MOF = "mof"
_HUB = "huggingface"


def take(source: str, text: str) -> str:
    """Keeps one model file; how it went: new, unchanged, replaced, or "refused: " and the reason."""
    try:
        release = read_release(text)
    except UnreadableMofError as error:
        return f"refused: {error}"
    if not release.model:
        return "refused: names no model on Hugging Face"
    known = Attestation.objects.filter(framework=MOF, source=source).first()
    sha256 = digest(text.encode())
    if known and known.sha256 == sha256:
        return "unchanged"
    values = {"hub": _HUB, "name": release.model, "title": release.name, "text": text, "sha256": sha256}
    Attestation.objects.update_or_create(framework=MOF, source=source, defaults=values)
    return "replaced" if known else "new"


def attested(model: Model) -> Release | None:
    """The one release that is attested for the model by the hub's name for it; None where none is, or several are.

    Not by other names: which of them we know may come from a report that nobody has decided on.
    """
    rows = Attestation.objects.alias(key=Lower("name")).filter(hub=model.hub, framework=MOF, key=model.name.lower())
    texts = list(rows.order_by("source").values_list("text", flat=True)[:2])
    return read_release(texts[0]) if len(texts) == 1 else None
