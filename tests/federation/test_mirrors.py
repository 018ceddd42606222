"""Any node serves any log that it follows: what it says can be read, and checked, while its origin is away."""

import pytest
from django.test import Client

from federation.models import PulledEntry
from incidents import checkpoints
from incidents.publishing import publish
from lib.canonical import digest
from tests import factories
from tests.federation.test_following import followed, listed, node, pull  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

HERE = f"/mirror/{digest(b'other.example/log')}"


def test_a_mirror_has_the_very_files_of_the_log(node):  # noqa: F811
    for _ in range(3):
        record = node.log.publish()
    node.log.erase(record)
    pull(followed(node))
    for path in (
        "checkpoint",
        "tile/entries/000.p/5",
        "tile/entries/000.p/2",
        "tile/0/000.p/5",
        "objects/000.p/5",
        f"object/{node.log.last[record.id].obj}",
    ):
        if path == "checkpoint":
            assert Client().get(f"{HERE}/{path}").content.decode() == PulledEntry.objects.first().peer.mirror.note
            continue
        assert Client().get(f"{HERE}/{path}").content == node.log.file(path), path
    erased = PulledEntry.objects.get(subject=record.id, revision=1).object_digest
    assert Client().get(f"{HERE}/object/{erased}").status_code == 410
    for path in ("tile/0/000.p/6", "tile/entries/000", "tile/1/000", f"object/{'0' * 64}"):
        assert Client().get(f"{HERE}/{path}").status_code == 404
    assert Client().get(f"/mirror/{'0' * 64}/checkpoint").status_code == 404


def test_our_own_log_lies_beside_them(settings):
    publish(factories.record())
    checkpoints.sign_due()
    own = f"/mirror/{digest(settings.LOG_ORIGIN.encode())}"
    assert Client().get(f"{own}/checkpoint").content == Client().get("/log/checkpoint").content
