"""How open a model is, from what its hub said last: the raw answer and the inspection in, a profile out."""

import json
import zlib
from typing import Any

from catalogue import lineage
from catalogue.attestations import attested
from catalogue.hub import hubs
from catalogue.models import Inspection, Model
from catalogue.openness import Profile, assess
from catalogue.snapshots import latest_snapshot


def profile_of(model: Model) -> Profile | None:
    """The model's openness as of its last snapshot; None where its hub gave nothing to judge by."""
    evidence_of = getattr(hubs()[model.hub], "evidence", None)
    snapshot = latest_snapshot(model, "")
    if evidence_of is None or snapshot is None or not hasattr(snapshot, "raw") or not snapshot.raw.body:
        return None
    inspected = Inspection.objects.filter(model=model).first()
    closer: dict[str, Any] = inspected.document if inspected else {}
    document: Any = json.loads(zlib.decompress(bytes(snapshot.raw.body)))
    evidence = evidence_of(
        document,
        on=snapshot.taken_at.date(),
        card_text=closer.get("card_text"),
        bases=_licences_above(model),
        datasets_found=closer.get("datasets_found"),
        attested=attested(model),
        attested_at="https://mot.isitopen.ai",
    )
    return assess(evidence)


def _licences_above(model: Model) -> dict[str, str]:
    """Licences as claimed by every known ancestor, by name."""
    above = Model.objects.filter(pk__in=lineage.ancestors(model)).order_by("pk")
    found = ((base.name, latest_snapshot(base, "")) for base in above)
    return {name: snapshot.licence for name, snapshot in found if snapshot}
