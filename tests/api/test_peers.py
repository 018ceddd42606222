"""Whom a node follows, as the world may know it: by API and as a page."""

import pytest
from django.test import Client

from federation.models import Acceptance, Peer
from tests.federation.conftest import node  # noqa: F401 - a fixture
from tests.federation.test_following import followed, pull

pytestmark = pytest.mark.django_db


def test_says_how_far_each_is_read_and_nothing_of_how_it_is_judged(node):  # noqa: F811
    assert Client().get("/api/v1/peers").json()["items"] == []
    record = node.log.publish()
    pull(followed(node, Acceptance.PUBLISH))
    Peer.objects.update(last_error="something of ours")
    answer = Client().get("/api/v1/peers")
    (peer,) = answer.json()["items"]
    assert peer.pop("last_exchange")
    assert peer == {
        "name": "other.example",
        "origin": "other.example/log",
        "state": "followed",
        "size": 2,
        "lag": 0,
        "cosigned": 0,
        "cosigned_at": None,
        "contradicted_itself": False,
        "vkey": node.log.vkey,
        "mirror": peer["mirror"],
    }
    path = peer["mirror"].partition("//")[2].partition("/")[2]
    assert Client().get(f"/{path}/checkpoint").content.decode() == node.log.checkpoint()
    assert Client().get("/api/v1/peers", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    page = Client().get("/origins/").content.decode()
    assert '<tr id="other.example">' in page
    assert "something of ours" not in page
    assert 'href="/origins/#other.example"' in Client().get(f"/incidents/{record.id}/").content.decode()
