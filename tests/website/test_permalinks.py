"""Views as Parquet and as metadata, and the short address of a view."""

import io

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from incidents import log as public_log
from reports import workflow
from tests import factories
from tests.website.test_pages import case_of, published, text_of
from website.public import permalinks

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)


@given(st.lists(st.tuples(st.sampled_from(["q", "category", "model", "as_of"]), texts), min_size=1, max_size=12))
def test_every_view_comes_back_from_its_code(pairs):
    assert permalinks.read(permalinks.written(pairs)) == pairs


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        ("1uavWg5DmFgA", [("as_of", "78")]),
        ("1qlT1wwwmVDshqswtAA", [("category", "backdoor"), ("severity", "high"), ("as_of", "78")]),
    ],
)
def test_codes_once_given_out_lead_where_they_led(code, pairs):
    assert permalinks.read(code) == pairs


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda content: "1" + content.hex())))
def test_what_was_never_given_out_leads_nowhere(code):
    with pytest.raises(permalinks.BadCodeError):
        permalinks.read(code)


def test_a_mistyped_or_swollen_code_leads_nowhere():
    code = permalinks.written([("q", "a" * 9000), ("as_of", "1")])
    for broken in ("1uavWg5DmFgB", "1uavWg5DmFg", "2uavWg5DmFgA", code):
        with pytest.raises(permalinks.BadCodeError):
            permalinks.read(broken)


@pytest.mark.django_db
class TestViews:
    def test_a_short_address_shows_the_view_as_it_stood(self):
        incident = published(title="As it was", category="bias")
        page = Client().get("/incidents.metadata.json?category=bias").json()
        workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
        assert Client().get("/incidents.json?category=bias").json()["items"] == []
        short = page["permalink"].removeprefix("http://testserver")
        assert len(short) < 30
        assert "As it was" in text_of(Client().get(short, follow=True))

    def test_a_code_that_means_nothing_is_a_404(self):
        assert Client().get("/v/made-up/").status_code == 404

    def test_the_view_is_had_as_parquet_at_the_same_address(self):
        one = published(category="bias")
        published(category="misuse")
        response = Client().get("/incidents.parquet?category=bias")
        table = parquet.read_table(io.BytesIO(b"".join(response.streaming_content)))
        assert response["Content-Type"] == "application/vnd.apache.parquet"
        assert table["id"].to_pylist() == [one.public_id]

    def test_the_metadata_say_what_the_files_are(self):
        published(category="bias")
        found = Client().get("/incidents.metadata.json?category=bias").json()
        assert found["filters"] == {"category": ["bias"]}
        assert found["total"] == {"value": 1, "basis": "exact"}
        assert found["as_of"] == public_log.head().number
        csv = Client().get(found["files"]["csv"].removeprefix("http://testserver"))
        assert b"".join(csv.streaming_content).decode().splitlines()[0].split(",") == found["columns"]
        pinned = Client().get(found["pinned"].removeprefix("http://testserver"))
        assert pinned.status_code == 200
        assert found["permalink"] in pinned.content.decode()
