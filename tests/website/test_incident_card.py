"""A record as an image."""

from io import BytesIO

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from incidents.publishing import publish
from incidents.record import AffectedModel, Match
from tests import factories
from website import incident_card

pytestmark = pytest.mark.django_db


def card_of(incident, **headers):
    return Client().get(f"/incidents/{incident.public_id}/card.png", headers=headers)


def test_the_image_has_the_size_its_page_says_and_is_for_everybody():
    incident = publish(factories.record()).incident
    response = card_of(incident)
    assert response["Content-Type"] == "image/png"
    assert Image.open(BytesIO(response.content)).size == (1200, 630)
    assert len(response.content) < 60_000
    assert response["Cache-Control"] == "public, max-age=3600"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.cookies == {}
    page = Client().get(f"/incidents/{incident.public_id}/").content.decode()
    assert f"/incidents/{incident.public_id}/card.png" in page


def test_it_is_not_drawn_again_for_whoever_has_it():
    incident = publish(factories.record()).incident
    again = card_of(incident, **{"If-None-Match": card_of(incident)["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_title_is_another_image():
    one, other = (publish(factories.record(title=title)).incident for title in ("The first one", "The second one"))
    assert card_of(one).content != card_of(other).content


def test_letters_that_our_typefaces_lack_give_way_to_the_id():
    named = (AffectedModel(hub="huggingface", name="org/name", match=Match.REPOSITORY),)
    missing = factories.record(title="模型推荐一家商店", affected=named).document()
    plain = missing | {"title": missing["id"]}
    assert incident_card._png(missing) == incident_card._png(plain)
    assert incident_card._png(missing | {"title": "Ąčęłń"}) != incident_card._png(plain)


def test_of_no_record_there_is_none():
    assert Client().get("/incidents/FL-2026-00000000/card.png").status_code == 404


@given(st.text(min_size=5, max_size=200))
def test_every_title_can_be_wrapped(title):
    face = incident_card._Face(incident_card._SERIF, 46, 700)
    lines = incident_card._wrapped(title, face)
    assert len(lines) <= 4
    assert all(face.width(line) <= 1056 for line in lines)
