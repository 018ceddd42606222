"""Other nodes in the console: what operators and moderators see of them, and what their buttons do."""

import pytest
from django.test import Client
from django.urls import reverse

from federation import peering
from federation.models import Acceptance, Outcome, Peer, PeerState, PulledObject, Run, Verdict
from lib.canonical import digest
from tests import factories
from tests.federation.test_following import followed, listed, pull
from tests.reports.test_step_up import prove, sign_in, six_minutes_later
from tests.stand_ins.node import Log

pytestmark = pytest.mark.django_db

LIST = "/console/federation/peer/"
INBOX = "/console/federation/outcome/"


@pytest.fixture
def operator(signed_in):
    return signed_in(factories.operator())


def page_of(peer):
    return reverse("admin:federation_peer_change", args=[peer.pk])


def press(client, peer, verb, **answers):
    return client.post(reverse("admin:federation_peer_act", args=[peer.pk, verb]), answers, follow=True)


def text(answer):
    return answer.content.decode()


class TestAddingAPeer:
    def test_shows_the_fingerprint_before_the_key_is_pinned(self, node, operator):
        given = {"node": node.address, "vkey": node.log.vkey, "acceptance": "publish"}
        looked = operator.post(f"{LIST}add/", given)
        key = peering.introduce(node=node.address, vkey=node.log.vkey).key
        assert digest(key.public) in text(looked)
        assert "other.example/log" in text(looked)
        assert not Peer.objects.exists()
        followed = operator.post(f"{LIST}add/", {**given, "follow": "yes"}, follow=True)
        assert "Following other.example" in text(followed)
        assert (Peer.objects.get().vkey, Peer.objects.get().acceptance) == (node.log.vkey, "publish")

    def test_refuses_a_key_of_another_log_and_what_is_no_key(self, node, operator):
        for vkey, said in ((Log("else.example").vkey, "keeps the log other.example/log"), ("key", "verifier key")):
            given = {"node": node.address, "vkey": vkey, "acceptance": "publish", "follow": "yes"}
            assert said in text(operator.post(f"{LIST}add/", given))
        assert not Peer.objects.exists()

    def test_asks_for_the_second_factor_and_keeps_what_was_typed(self, node):
        client, secret = sign_in(factories.operator())
        six_minutes_later(client)
        given = {"node": node.address, "vkey": node.log.vkey, "acceptance": "publish", "follow": "yes"}
        asked = client.post(f"{LIST}add/", given)
        assert not Peer.objects.exists()
        back = prove(client, asked, secret)
        assert node.log.vkey in text(back)
        assert "follow it” again" in text(back)
        client.post(f"{LIST}add/", given)
        assert Peer.objects.exists()


class TestAPeer:
    def test_is_listed_with_how_it_stands(self, node, operator):
        node.log.publish()
        peer = followed(node, Acceptance.MODERATE)
        pull(peer)
        node.log.publish()
        listed_ = text(operator.get(LIST))
        assert "other.example" in listed_
        assert "success, 20" in listed_
        page = text(operator.get(page_of(peer)))
        assert "0 of 2 entries" in page
        assert node.log.vkey in page.replace("&#x2B;", "+")
        assert "1 record<" in page

    def test_is_paused_resumed_asked_and_followed_no_more(self, node, operator):
        peer = followed(node)
        for verb, state in (("pause", "paused"), ("resume", "followed"), ("pull", "followed"), ("remove", "removed")):
            press(operator, peer, verb)
            assert Peer.objects.get().state == state
        assert "was removed" in text(press(operator, peer, "resume"))
        assert Peer.objects.get().state == PeerState.REMOVED

    def test_takes_what_the_policy_says_and_a_wrong_one_changes_nothing(self, node, operator):
        peer = followed(node)
        policy = {"acceptance": "moderate", "licences": "CC-BY-4.0", "most_entries": 500, "most_object_bytes": 100_000}
        press(operator, peer, "policy", **policy, by_category="misuse publish\nbackdoor reject")
        peer.refresh_from_db()
        assert (peer.acceptance, peer.most_entries) == ("moderate", 500)
        assert peer.acceptance_by_category == {"misuse": "publish", "backdoor": "reject"}
        for wrong, said in (
            ("no-category publish", "is no category"),
            ("backdoor perhaps", "publish, moderate or reject"),
        ):
            assert said in text(press(operator, peer, "policy", **policy, by_category=wrong))
        peer.refresh_from_db()
        assert peer.acceptance_by_category == {"misuse": "publish", "backdoor": "reject"}

    def test_shows_both_sides_of_a_contradiction_until_it_is_trusted_again(self, node, operator):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        first = node.log.checkpoint()
        log = Log()
        log.private, log.keys = node.log.private, node.log.keys
        log.entries, log.last = node.log.entries[:1], {"keys": node.log.last["keys"]}
        log.publish(title="Another history")
        node.log = log
        pull(peer)
        page = text(operator.get(page_of(peer)))
        for note in (first, log.checkpoint()):
            assert note.splitlines()[2] in page.replace("&#x2B;", "+")
        press(operator, peer, "trust")
        assert Peer.objects.get().distrusted_at is None


class TestAHeldRun:
    @pytest.fixture
    def peer(self, node):
        records = [node.log.publish(title=f"Shop {number}") for number in range(25)]
        peer = followed(node)
        pull(peer)
        for record in records[:21]:
            node.log.retract(record)
        pull(peer)
        return peer

    def test_names_what_it_would_withdraw_and_is_released_and_undone(self, peer, operator):
        page = text(operator.get(page_of(peer)))
        assert "21 records would be withdrawn" in page
        assert "Shop 20" in page
        press(operator, peer, "release")
        pull(peer)
        assert len(listed(limit=100)) == 4
        assert "21 records changed" in text(press(operator, peer, "undo"))
        assert len(listed(limit=100)) == 25
        assert Run.objects.get(decision="undone").decided_by == factories.operator()

    def test_is_refused(self, peer, operator):
        press(operator, peer, "refuse")
        pull(peer)
        assert len(listed(limit=100)) == 25
        assert "No run of this peer waits" in text(press(operator, peer, "release"))

    def test_is_not_decided_on_without_fresh_proof(self, peer):
        client, secret = sign_in(factories.operator())
        six_minutes_later(client)
        asked = client.post(reverse("admin:federation_peer_act", args=[peer.pk, "release"]))
        assert Run.objects.get(state="held").decision == ""
        assert "Press “Release” again" in text(prove(client, asked, secret))


class TestQuarantine:
    @pytest.fixture
    def peer(self, node):
        node.log.publish()
        node.faults["objects/"] = lambda content: (200, content.split(b"\n", 1)[0] + b"\n\n")
        node.faults["object/"] = lambda _: (404, b"")
        peer = followed(node)
        pull(peer)
        return peer

    def button(self, client, peer, verb):
        return client.post(reverse("admin:federation_peer_entry", args=[peer.pk, 1, verb]), follow=True)

    def test_is_retried_once_the_object_can_be_had(self, node, peer, operator):
        assert "no object came" in text(operator.get(page_of(peer)))
        assert "no object came" in text(self.button(operator, peer, "retry"))
        node.faults.clear()
        assert "judged again: shown" in text(self.button(operator, peer, "retry"))
        assert len(listed()) == 1
        assert PulledObject.objects.filter(body=None).count() == 0
        assert "not in quarantine" in text(self.button(operator, peer, "retry"))

    def test_is_dismissed(self, peer, operator):
        self.button(operator, peer, "dismiss")
        outcome = Outcome.objects.get(entry__index=1)
        assert outcome.verdict == Verdict.REJECTED
        assert "no object came" in outcome.reason


class TestTheInbox:
    @pytest.fixture
    def waiting(self, node):
        node.log.publish(title="A model names a shop <b>")
        pull(followed(node, Acceptance.MODERATE))
        return Outcome.objects.get(verdict=Verdict.WAITING)

    def decide(self, client, row, verb, **answers):
        return client.post(reverse("admin:federation_outcome_act", args=[row.pk, verb]), answers, follow=True)

    def test_shows_the_record_which_a_moderator_publishes(self, waiting, signed_in):
        client = signed_in(factories.moderator())
        assert "A model names a shop &lt;b&gt;" in text(client.get(INBOX, {"verdict": "waiting"}))
        assert "As other.example signed it" in text(client.get(f"{INBOX}{waiting.pk}/change/"))
        self.decide(client, waiting, "publish")
        assert listed() == [waiting.entry.subject]
        answer = Client().get(f"/api/v1/incidents/{waiting.entry.subject}")
        assert answer.json()["origin"] == "other.example"

    def test_is_rejected_with_a_reason_and_that_is_taken_back(self, waiting, signed_in):
        client = signed_in(factories.moderator())
        self.decide(client, waiting, "reject", reason="No model of ours")
        assert "No model of ours" in text(client.get(INBOX))
        assert "does not wait" in text(self.decide(client, waiting, "publish"))
        self.decide(client, waiting, "ask_again")
        assert Outcome.objects.get(pk=waiting.pk).verdict == Verdict.WAITING
        assert listed() == []
