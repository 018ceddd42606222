"""What looking a model up and inspecting it cost: calls, bytes and time in one process, against the stand-in.

Run by hand: `make bench ARGS="-k lookups"`. The stand-in shares the processor, so a worker alone is faster.
"""

import time

import pytest

from catalogue.hub import Reference
from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Inspection, Snapshot
from catalogue.naming import name_model
from tests.catalogue.test_inspections import HONEST, torch_zip
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.stand_ins.ranges import StandInFiles

MODELS, WEIGHTS_BYTES = 300, 50_000_000
# So slow a worker would not keep up with a node of a few thousand models a day.
LEAST_LOOKUPS_A_MINUTE, LEAST_INSPECTIONS_A_MINUTE = 300, 30


@pytest.mark.django_db
def test_lookups_and_inspections(settings):
    settings.WAKES = {event: [] for event in settings.WAKES}
    names = [f"bench/model-{number:03}" for number in range(MODELS)]
    weights = torch_zip(HONEST, WEIGHTS_BYTES)
    with StandInFiles(host="localhost") as files, StandInHub(map(example_model, names)) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        hub.allow(100_000, 300.0)
        hub.cdn = files
        for name in names:
            hub.put_file(name, "pytorch_model.bin", weights)
            hub.contents[name, "README.md"] = b"# A card\n" * 500
            name_model(Reference("huggingface", name))
        lookups = measured(hub, files, look_up_due)
        inspections = measured(hub, files, lambda: while_due(inspect_due))
    assert Snapshot.objects.count() == MODELS
    assert Inspection.objects.exclude(inspected_at=None).count() == MODELS
    assert lookups > LEAST_LOOKUPS_A_MINUTE
    assert inspections > LEAST_INSPECTIONS_A_MINUTE


def while_due(work):
    while work():
        pass


def measured(hub, files, work) -> float:
    """Does the work, prints what it cost, and says how many models a minute that were."""
    calls, parts = len(hub.requests), len(files.requests)
    bytes_sent = hub.bytes_sent + files.bytes_sent
    started = time.perf_counter()
    work()
    a_minute = MODELS / (time.perf_counter() - started) * 60
    calls, parts = len(hub.requests) - calls, len(files.requests) - parts
    bytes_sent = hub.bytes_sent + files.bytes_sent - bytes_sent
    print(
        f"\n{a_minute:.0f} models a minute; a model: {calls / MODELS:.1f} calls of the hub, "
        f"{parts / MODELS:.1f} parts of files, {bytes_sent / MODELS / 1000:.1f} kB"
    )
    return a_minute
