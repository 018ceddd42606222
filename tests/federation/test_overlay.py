"""This node's own word on records of others: beside them, never in their words, and undone as easily."""

import pytest
from django.test import Client
from django.urls import reverse

from federation import auditing
from federation.models import Peer
from incidents import overlay, search_rows
from incidents.exports import building
from incidents.models import Fact, Incident, Overlay
from incidents.publishing import publish
from tests import factories
from tests.federation.test_following import followed, listed, pull

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(node):
    """One of another node, which is shown here."""
    record = node.log.publish(title="A model names a shop")
    pull(followed(node))
    return record


@pytest.fixture
def moderator(signed_in):
    return signed_in(factories.moderator())


def press(client, record, verb, **typed):
    return client.post(reverse("admin:incidents_overlay_act", args=[record.id, verb]), typed, follow=True)


def stored(name):
    answer = Client().get(f"/api/v1/exports/{name}")
    assert answer.status_code == 200
    return b"".join(answer)


def api(record, end=""):
    return Client().get(f"/api/v1/incidents/{record.id}{end}")


def lists_at(number):
    """The ids that the API lists, finds by a word and lists as withdrawn, in a state of the log or now."""
    state = {} if number is None else {"as_of": number}
    return [set(listed(**state)), set(listed(q="shop", **state)), set(listed(status="withdrawn", **state))]


class TestANote:
    def test_stands_beside_the_document_on_the_page_and_in_the_api(self, record, moderator):
        mine = publish(factories.record()).incident.public_id
        assert api(record, "/overlay").status_code == 404
        press(moderator, record, "annotate", note="We saw <b>the same</b>.\x00\u202e", same_event=mine)
        answer = api(record)
        assert answer.json() == record.document()
        assert f"/api/v1/incidents/{record.id}/overlay" in answer["Link"]
        said = api(record, "/overlay").json()
        assert (said["note"], said["same_event"], said["hidden"]) == ("We saw <b>the same</b>.", mine, None)
        page = Client().get(f"/incidents/{record.id}/").content.decode()
        assert "We saw &lt;b&gt;the same&lt;/b&gt;." in page
        assert f"/incidents/{record.id}/" in Client().get(f"/incidents/{mine}/").content.decode()
        assert "overlay" not in Client().get(f"/api/v1/incidents/{mine}").headers["Link"]

    def test_is_of_records_of_others_alone_and_links_to_ours(self, record, moderator):
        mine = publish(factories.record())
        own = reverse("admin:incidents_overlay_act", args=[mine.incident.public_id, "annotate"])
        assert "this node&#x27;s own" in moderator.post(own, follow=True).content.decode()
        refused = press(moderator, record, "annotate", same_event=record.id)
        assert "is no record of this node" in refused.content.decode()
        assert not Overlay.objects.exists()


class TestHiding:
    def test_takes_it_from_every_page_and_list_in_our_words_and_back(self, record, moderator, settings, tmp_path):
        settings.EXPORT_ROOT = tmp_path
        press(moderator, record, "hide", because="A court asked us to")
        assert listed() == []
        assert listed(q="shop") == []
        answer = api(record)
        assert (answer.status_code, answer["Content-Type"]) == (410, "application/problem+json")
        assert "A court asked us to" in answer.json()["detail"]
        page = Client().get(f"/incidents/{record.id}/")
        assert page.status_code == 410
        assert "A court asked us to" in page.content.decode()
        assert "names a shop" not in page.content.decode()
        assert api(record, "/versions").status_code == 410
        changes = Client().get("/api/v1/changes").json()["entries"]
        assert [(one["operation"], one["document"]) for one in changes] == [("publish", None), ("withdraw", None)]
        assert Fact.objects.get().status == "withdrawn"
        assert b"names a shop" not in Client().get("/feeds/archive.atom").content
        building.refresh(going_on=lambda: None)
        assert stored("incidents.jsonl") == b""
        assert record.id.encode() in stored("withdrawn.jsonl")
        assert list(auditing.problems()) == []
        press(moderator, record, "show")
        assert listed(q="shop") == [record.id]
        assert api(record).json() == record.document()
        assert [one["version"] for one in api(record, "/versions").json()["items"]] == [1]

    def test_stays_whatever_its_origin_adds_and_the_newest_is_shown_again(self, node, record, moderator):
        press(moderator, record, "hide", because="A court asked us to")
        changed = node.log.revise(record, title="Another shop")
        pull(Peer.objects.get())
        assert listed() == []
        assert api(record).status_code == 410
        press(moderator, record, "show")
        assert api(record).json() == changed.document()

    def test_takes_it_from_the_lists_of_earlier_states_too_and_keeps_its_number(self, node, record):
        other = node.log.publish(title="A model names another shop")
        changed = node.log.revise(record, title="A model names a shop and its street")
        pull(Peer.objects.get())
        states = [lists_at(number) for number in (1, 2, 3)]
        assert states[0] == [{record.id}, {record.id}, set()]
        assert states[2] == [{record.id, other.id}, {record.id, other.id}, set()]
        overlay.hide(record.id, because="A court asked us to")
        third = node.log.revise(record, title="What its origin says meanwhile")
        pull(Peer.objects.get())
        for _ in range(2):  # as they are written, and as they are derived again
            assert lists_at(1) == [set()] * 3
            assert [lists_at(number) for number in (2, 3, 4, 5)] == [[{other.id}, {other.id}, set()]] * 4
            assert lists_at(None) == [{other.id}, {other.id}, set()]
            assert list(auditing.problems()) == []
            search_rows.rebuild()
        publish(factories.record())
        assert Client().get("/api/v1/changes").json()["entries"][-1]["number"] == 6
        overlay.show_again(record.id)
        assert [lists_at(number) for number in (1, 2, 3)] == states
        assert record.id in lists_at(None)[1]
        assert api(record).json() == third.document()
        assert changed.version == 2
        assert list(auditing.problems()) == []

    def test_says_why_and_only_once(self, record, moderator):
        assert "Say why" in press(moderator, record, "hide", because=" ").content.decode()
        overlay.hide(record.id, because="A court asked us to")
        assert "is hidden already" in press(moderator, record, "hide", because="again").content.decode()
        press(moderator, record, "show")
        assert "is not hidden" in press(moderator, record, "show").content.decode()

    def test_ends_with_an_erasure_by_its_origin(self, node, record):
        overlay.hide(record.id, because="A court asked us to")
        node.log.erase(record)
        pull(Peer.objects.get())
        assert not Overlay.objects.exists()
        assert Incident.everything.get(public_id=record.id).erased_at
