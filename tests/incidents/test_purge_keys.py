"""What caches drop answers by: the same keys on pages, the API and the short path."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from incidents.publishing import ErasureReason, erase, publish
from incidents.purge_keys import keys_of
from tests import factories

MOST_BYTES = 300


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/", ["records"]),
        ("/incidents/", ["records"]),
        ("/incidents.csv", ["records"]),
        ("/incidents/FL-2026-ABCD1234/", ["record-FL-2026-ABCD1234"]),
        ("/incidents/FL-2026-ABCD1234/changes/", ["record-FL-2026-ABCD1234"]),
        ("/api/v1/incidents/FL-2026-ABCD1234.bib", ["record-FL-2026-ABCD1234"]),
        ("/embed/incidents/FL-2026-ABCD1234/", ["record-FL-2026-ABCD1234"]),
        ("/incidents/AIID-313/", ["records"]),
        ("/models/huggingface/Org/Name/", ["records", "model-huggingface/org/name"]),
        ("/models/huggingface/Org/Name/badge.svg", ["records", "model-huggingface/org/name"]),
        ("/api/v1/models/huggingface/org/name", ["records", "model-huggingface/org/name"]),
    ],
)
def test_an_answer_is_known_by_what_it_is_made_of(path, keys):
    assert keys_of(path) == keys


@given(st.text(max_size=3000))
def test_keys_are_few_short_and_fit_into_headers(name):
    keys = keys_of(f"/models/huggingface/{name}/")
    assert len(" ".join(keys)) <= MOST_BYTES
    assert all(key.isascii() and key.isprintable() and not set(key) & {" ", ","} for key in keys)


@pytest.mark.django_db
def test_pages_and_the_api_carry_them_also_once_a_record_is_erased():
    made = publish(factories.record()).incident
    client, key = Client(), f"record-{made.public_id}"
    for path in (f"/incidents/{made.public_id}/", f"/api/v1/incidents/{made.public_id}"):
        assert (client.get(path)["Surrogate-Key"], client.get(path)["Cache-Tag"]) == (key, key)
    for path in ("/", "/incidents/", "/api/v1/incidents", "/api/v1/changes", "/statistics/"):
        assert client.get(path)["Surrogate-Key"] == "records"
    erase(made.public_id, reason=ErasureReason.PERSON)
    assert client.get(f"/incidents/{made.public_id}/")["Surrogate-Key"] == key
    assert "Surrogate-Key" not in client.get("/report/")
