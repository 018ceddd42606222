"""A model's badge, and cards for other people's frames."""

from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from incidents.publishing import publish
from incidents.record import AffectedModel, AffectedStatus, Match
from reports import workflow
from tests import factories
from tests.website.test_pages import case_of, problems_of, published, text_of

pytestmark = pytest.mark.django_db

BADGE = "/models/huggingface/example-org/tiny-chat/badge.svg"


def said(path=BADGE):
    drawn = Client().get(path).content.decode()
    return ET.fromstring(drawn).findtext("{http://www.w3.org/2000/svg}title")  # noqa: S314 - our own


def affected(status):
    named = AffectedModel(hub="huggingface", name="example-org/tiny-chat", match=Match.REPOSITORY, status=status)
    return (named,)


class TestBadge:
    def test_says_the_same_of_a_model_nobody_named_and_one_only_reported(self):
        factories.report(models=("example-org/tiny-chat",))
        response = Client().get(BADGE)
        assert said() == "Faultline: no incidents on record"
        assert Client().get(BADGE.replace("tiny", "unheard-of")).content == response.content

    def test_counts_published_incidents_and_dates_the_last(self):
        publish(factories.record())
        assert said() == "Faultline: 1 incident, 2026-03"
        later = {"published": "2026-05-01T10:00:00Z", "modified": "2026-05-01T10:00:00Z"}
        publish(factories.record(**later))
        assert said() == "Faultline: 2 incidents, last 2026-05"

    @pytest.mark.parametrize("kind", ["hazard", "exercise", "measurement"])
    def test_counts_no_other_kind(self, kind):
        publish(factories.record(kind=kind))
        assert said() == "Faultline: no incidents on record"

    def test_counts_nothing_that_calls_the_model_not_affected(self):
        publish(factories.record(affected=affected(AffectedStatus.NOT_AFFECTED)))
        assert said() == "Faultline: no incidents on record"
        publish(factories.record(affected=affected(AffectedStatus.FIXED)))
        assert said() == "Faultline: 1 incident, 2026-03"

    def test_counts_nothing_disputed_or_withdrawn(self):
        incident = published(models=("example-org/tiny-chat",))
        assert "1 incident" in said()
        workflow.dispute(case=case_of(incident), by=factories.senior_moderator(), notice="They disagree with it.")
        assert said() == "Faultline: no incidents on record"

    def test_is_for_every_page_to_show_and_keep(self):
        response = Client().get(BADGE)
        assert response["Content-Type"] == "image/svg+xml"
        assert response["Cache-Control"] == "public, max-age=3600"
        assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response.cookies == {}
        assert "Cookie" not in response.get("Vary", "")
        assert Client().get(BADGE, headers={"If-None-Match": response["ETag"]}).status_code == 304

    @pytest.mark.parametrize(
        "path",
        ["/models/nowhere/a/b/badge.svg", f"/models/huggingface/{'x' * 301}/badge.svg"],
    )
    def test_of_no_hub_there_is_none(self, path):
        assert Client().get(path).status_code == 404

    def test_a_strange_name_breaks_nothing(self):
        assert said("/models/huggingface/%00%3Cscript%3E/badge.svg") == "Faultline: no incidents on record"

    def test_stands_on_the_page_of_its_model(self):
        publish(factories.record())
        page = Client().get("/models/huggingface/example-org/tiny-chat/").content.decode()
        assert f'<img src="{BADGE}" alt="1 incident, 2026-03"' in page


class TestEmbeds:
    def test_may_be_framed_by_anybody_and_nothing_else_may(self):
        incident = publish(factories.record()).incident
        paths = (f"/embed/incidents/{incident.public_id}/", "/embed/models/huggingface/example-org/tiny-chat/")
        for path in paths:
            response = Client().get(path)
            assert response.status_code == 200
            assert "frame-ancestors *" in response["Content-Security-Policy"]
            assert "script-src" not in response["Content-Security-Policy"]
            assert "X-Frame-Options" not in response
            assert response.cookies == {}
            assert problems_of(response.content.decode()) == []
            assert incident.title in text_of(response)
            assert "<form" not in response.content.decode()
        page = Client().get(f"/incidents/{incident.public_id}/")
        assert page["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]

    def test_a_withdrawn_record_says_so_and_why(self):
        incident = published()
        workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
        card = text_of(Client().get(f"/embed/incidents/{incident.public_id}/"))
        assert "Withdrawn. It was another model." in card
        assert "The model names the same shop" not in card

    def test_of_what_is_not_public_there_is_none(self):
        factories.report(models=("org/only-reported",))
        for path in ("/embed/incidents/FL-2026-00000000/", "/embed/models/huggingface/org/only-reported/"):
            assert Client().get(path).status_code == 404
