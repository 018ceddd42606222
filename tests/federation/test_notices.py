"""Notices between nodes over real HTTP: signed, told once, and harmless whoever repeats them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

import lib.http_signatures
from federation import notices, peering, views
from federation.models import Notice, Peer
from incidents import checkpoints
from incidents.keys import Purpose
from incidents.publishing import publish
from incidents.sequencing import current_keys
from lib import jws
from lib.http_signatures import BadRequestSignatureError, Message, signed_headers, verify
from lib.limits import Limit
from tests import factories
from tests.federation.test_following import followed, pull

pytestmark = pytest.mark.django_db

ADDRESS = "http://testserver/federation/notice"


def grown():
    """Our log with one more record, under a checkpoint."""
    publish(factories.record())
    return checkpoints.sign_due()


class TestTelling:
    def test_reaches_each_peer_once_signed_by_our_key(self, node):
        followed(node)
        size = grown().size
        assert notices.tell_due() == 1
        assert notices.tell_due() == 0
        ((path, headers, body),) = node.posted
        assert json.loads(body) == {"origin": settings.LOG_ORIGIN, "size": size}
        key = current_keys().in_force(Purpose.HTTP)
        message = Message("POST", f"{node.address}{path}", headers)
        assert verify(message, body, keys={key.kid: key.public}, tag=notices.TAG)
        with pytest.raises(BadRequestSignatureError):
            verify(message, body + b" ", keys={key.kid: key.public}, tag=notices.TAG)
        with pytest.raises(BadRequestSignatureError):
            verify(Message("POST", f"http://else.example{path}", headers), body, keys={key.kid: key.public}, tag="x")
        grown()
        assert notices.tell_due() == 1

    def test_waits_ever_longer_for_a_peer_that_is_gone_and_then_says_the_last_only(self, node):
        followed(node)
        node.takes = 503
        grown()
        assert notices.tell_due() == 0
        row = Notice.objects.get()
        assert row.last_error == "status 503"
        assert row.due_at > timezone.now()
        grown()
        assert notices.tell_due() == 0
        assert len(node.posted) == 1
        node.takes = 202
        Notice.objects.update(due_at=timezone.now())
        assert notices.tell_due() == 1
        assert json.loads(node.posted[-1][2])["size"] == checkpoints.latest().size

    def test_does_not_insist_where_we_are_not_followed(self, node):
        followed(node)
        node.takes = 403
        grown()
        notices.tell_due()
        assert Notice.objects.get().due_at > timezone.now() + timedelta(minutes=50)

    def test_is_not_done_to_whom_we_follow_no_more(self, node):
        followed(node)
        peering.pause("other.example")
        grown()
        assert notices.tell_due() == 0
        assert node.posted == []


def said(log, size=5, private=None, address=ADDRESS, tag=notices.TAG):
    body = json.dumps({"origin": log.origin, "size": size}).encode()
    private = private or log.private[Purpose.HTTP]
    kid = jws.thumbprint(jws.public_bytes(log.private[Purpose.HTTP]))
    return body, signed_headers(address, body, private=private, kid=kid, tag=tag)


def post(body, headers):
    return Client().post("/federation/notice", body, content_type="application/json", headers=headers)


class TestBeingTold:
    @pytest.fixture
    def peer(self, node):
        node.log.publish()
        peer = followed(node)
        pull(peer)
        assert peer.due_at > timezone.now() + timedelta(seconds=30)
        return peer

    def is_due(self):
        return Peer.objects.get().due_at <= timezone.now()

    @pytest.mark.usefixtures("peer")
    def test_asks_the_log_at_once(self, node):
        answer = post(*said(node.log))
        assert (answer.status_code, answer.json()) == (202, {"asked": True})
        assert self.is_due()

    @pytest.mark.usefixtures("peer")
    def test_repeated_or_old_news_wakes_nobody(self, node):
        signed = said(node.log)
        post(*signed)
        Peer.objects.update(due_at=timezone.now() + timedelta(minutes=1))
        assert post(*signed).json() == {"asked": False}
        assert post(*said(node.log, size=2)).json() == {"asked": False}
        assert not self.is_due()

    @pytest.mark.parametrize("wrong", ["other key", "other body", "other host", "other purpose", "unsigned", "late"])
    @pytest.mark.usefixtures("peer")
    def test_counts_for_nothing_where_it_is_not_signed_as_it_must_be(self, node, wrong, monkeypatch):
        body, headers = said(node.log)
        if wrong == "other key":
            body, headers = said(node.log, private=node.log.private[Purpose.RECORD])
        elif wrong == "other body":
            body = body.replace(b"5", b"6")
        elif wrong == "other host":
            body, headers = said(node.log, address="http://third.example/federation/notice")
        elif wrong == "other purpose":
            body, headers = said(node.log, tag="something else")
        elif wrong == "unsigned":
            headers = {}
        else:
            two_days_ago = type("Clock", (), {"now": staticmethod(lambda _: datetime.now(UTC) - timedelta(days=2))})
            monkeypatch.setattr(lib.http_signatures, "datetime", two_days_ago)
            body, headers = said(node.log)
        answer = post(body, headers)
        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"
        assert not self.is_due()

    def test_of_nobody_we_follow_is_refused(self, node):
        assert post(*said(node.log)).status_code == 403

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"origin": 1, "size": 1}', b'{"origin": "x", "size": -1}'])
    def test_that_cannot_be_read_is_said_to_be_so(self, body):
        assert post(body, {}).status_code == 400

    def test_is_bounded(self, monkeypatch):
        monkeypatch.setattr(views, "_NOTICES", Limit(2, 3600))
        assert post(b"x" * 3000, {}).status_code == 413
        assert post(b"{}", {}).status_code == 400
        refused = post(b"{}", {})
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 0

    @pytest.mark.usefixtures("peer")
    def test_does_not_free_what_an_operator_must_look_at(self, node):
        Peer.objects.update(parked_at=timezone.now())
        post(*said(node.log))
        assert Peer.objects.get().parked_at
        assert not self.is_due()
