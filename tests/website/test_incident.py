"""The page of one record."""

import json
import re

import pytest
from django.test import Client

from incidents import checkpoints
from incidents.models import Incident, Operation
from incidents.publishing import publish, revise
from incidents.record import AffectedModel, Match, ModelChange, Record, Statement
from reports import workflow
from tests import factories
from tests.website.test_pages import case_of, problems_of, published, text_of

pytestmark = pytest.mark.django_db


def page_of(incident, client=None):
    return (client or Client()).get(f"/incidents/{incident.public_id}/")


def corrected(incident, **changes):
    document = json.loads(bytes(Incident.objects.get(pk=incident.pk).document))
    following = {"version": document["version"] + 1, "modified": "2026-04-02T08:00:00Z", "notice": "A mistake."}
    return revise(Operation.CORRECT, Record.model_validate(document | following | changes)).incident


def block(page):
    """The data for search engines, as a parser of HTML finds it."""
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL).group(1))


class TestTimeline:
    def test_tells_what_is_public_oldest_first(self):
        affected = AffectedModel(
            hub="huggingface",
            name="org/name",
            match=Match.REPOSITORY,
            changes=(ModelChange(change="weights_replaced", noticed="2026-02-03T00:00:00Z"),),
        )
        said = Statement(by="The publisher", at="2026-03-20T00:00:00Z", text="We are looking into it.")
        incident = publish(factories.record(occurred="2026-01", affected=(affected,), statements=(said,))).incident
        corrected(incident, title="Another title of it")
        page = text_of(page_of(incident))
        timeline = page[page.index("Timeline") : page.index(" Models ")]
        assert " ".join(timeline.split()) == (
            "Timeline January 2026 Occurred 3 February 2026 A change of the model was noticed org/name "
            "1 March 2026 Published 20 March 2026 The publisher answered The publisher 2 April 2026 Corrected"
        )

    def test_says_nothing_of_when_it_was_reported(self):
        assert "eported" not in (page := text_of(page_of(published())))[page.index("Timeline") : page.index(" Models ")]


class TestCitation:
    def test_is_given_in_four_forms_of_the_version_shown(self):
        incident = publish(factories.record(title="A title & its <signs>")).incident
        page = page_of(incident).content.decode()
        assert f"(2026, March 1). A title &amp; its &lt;signs&gt; ({incident.public_id}, Version 1)" in page
        assert f"@misc{{{incident.public_id}," in page
        assert "TY  - RPRT" in page
        assert "&quot;genre&quot;: &quot;Incident record&quot;" in page
        for suffix in ("bib", "ris", "csl.json"):
            assert Client().get(f"/api/v1/incidents/{incident.public_id}.{suffix}").status_code == 200
            assert f'href="/api/v1/incidents/{incident.public_id}.{suffix}" download' in page

    def test_stands_in_the_head_for_reference_managers(self):
        incident = publish(factories.record()).incident
        page = page_of(incident).content.decode()
        said = dict(re.findall(r'<meta name="(citation_\w+)" content="([^"]*)"', page))
        assert said["citation_title"] == incident.title
        assert said["citation_publication_date"] == "2026/03/01"
        assert said["citation_technical_report_number"] == incident.public_id
        assert said["citation_public_url"].endswith(f"/incidents/{incident.public_id}/")


class TestSearchEngines:
    def test_are_told_in_the_terms_of_schema_org(self):
        incident = publish(factories.record()).incident
        said = block(page_of(incident).content.decode())
        assert (said["@type"], said["reportNumber"]) == ("Report", incident.public_id)
        assert said["about"][0]["name"] == "example-org/tiny-chat"
        assert "faultline:document" not in said

    def test_no_text_of_a_record_ends_the_data(self):
        title = "</script><script>alert(1)</script> <!-- & \\u003c"
        page = page_of(publish(factories.record(title=title)).incident).content.decode()
        assert block(page)["name"] == title
        assert page.count("<script") == 1
        assert problems_of(page) == []


class TestVersions:
    def test_each_says_what_it_changed_and_leads_to_how(self):
        incident = publish(factories.record()).incident
        corrected(incident, title="Another title of it", severity="high")
        page = page_of(incident)
        assert "Changed: notice, severity, title." in text_of(page)
        address = f"/incidents/{incident.public_id}/changes/?from=1&to=2"
        assert address.replace("&", "&amp;") in page.content.decode()
        changes = Client().get(address)
        assert problems_of(changes.content.decode()) == []
        said = changes.content.decode()
        assert re.search(r"<del>.*Chat model recommends one shop</del>", said)
        assert re.search(r"<ins>.*Another title of it</ins>", said)

    def test_without_arguments_the_last_two_are_compared(self):
        incident = publish(factories.record()).incident
        corrected(incident, title="Another title of it")
        said = text_of(Client().get(f"/incidents/{incident.public_id}/changes/"))
        assert "What changed from version 1 to 2" in said

    def test_one_version_alone_has_nothing_to_compare(self):
        incident = publish(factories.record()).incident
        response = Client().get(f"/incidents/{incident.public_id}/changes/")
        assert "There is one version only" in text_of(response)

    @pytest.mark.parametrize("query", ["from=0", "to=9", "from=x", "to=-1", "from=1&to=99999999999", "from=²"])
    def test_versions_that_are_not_there_are_refused(self, query):
        incident = publish(factories.record()).incident
        response = Client().get(f"/incidents/{incident.public_id}/changes/?{query}")
        assert response.status_code == 400
        assert "It has the versions 1 to 1" in text_of(response)

    def test_of_no_record_there_are_none(self):
        assert Client().get("/incidents/FL-2026-00000000/changes/").status_code == 404


class TestProof:
    def test_names_the_leaf_and_waits_for_the_checkpoint(self):
        incident = publish(factories.record()).incident
        entry = incident.publications.get()
        page = page_of(incident).content.decode()
        assert f"<strong>leaf {entry.number}</strong> of a Merkle tree" in page
        assert f"/api/v1/incidents/{incident.public_id}/proof" not in page

    @pytest.mark.django_db(transaction=True)
    def test_leads_to_the_proof_once_a_checkpoint_covers_it(self):
        incident = publish(factories.record()).incident
        checkpoints.sign_due()
        assert f"/api/v1/incidents/{incident.public_id}/proof" in page_of(incident).content.decode()
        assert Client().get(f"/api/v1/incidents/{incident.public_id}/proof").status_code == 200


def test_a_withdrawn_record_is_a_tombstone_with_the_reason_first():
    incident = published(title="A record soon withdrawn")
    workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
    response = page_of(incident)
    page = response.content.decode()
    assert response.status_code == 200
    assert problems_of(page) == []
    assert page.index("It was another model.") < page.index("What it said before it was withdrawn")
    assert '<meta name="robots" content="noindex">' in page
    assert "application/ld+json" not in page.replace('type="application/ld+json" title', "")


def test_near_terms_elsewhere_are_those_of_the_category():
    page = text_of(page_of(publish(factories.record(category="backdoor")).incident))
    assert "Near terms elsewhere" in page
    assert "AML.T0018" in page


def test_many_versions_cost_no_more_queries_than_one(client, django_assert_max_num_queries):
    incident = publish(factories.record()).incident
    page_of(incident, client)
    with django_assert_max_num_queries(7):
        page_of(incident, client)
    for number in range(4):
        corrected(incident, title=f"Title number {number}")
    with django_assert_max_num_queries(7):
        page_of(incident, client)
