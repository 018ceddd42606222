"""A node written from docs/federation.md alone, in a process of its own: followed, heard and witnessed as any other."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from federation import witnessing
from federation.models import Acceptance, Peer, RunState
from incidents import checkpoints, publishing
from lib.notes import open_note, parse_key
from tests import factories
from tests.federation.test_following import pull

STRANGER = Path(__file__).parent.parent / "stand_ins" / "stranger.py"


@pytest.fixture
def stranger():
    """Its process; called with a line, it does what that says."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(STRANGER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def does(line):
        print(line, file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    does.says = json.loads(process.stdout.readline())
    yield does
    process.communicate(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_is_followed_tells_of_news_and_gets_our_cosignature(stranger, live_server):
    publishing.publish(factories.record())
    checkpoints.sign_due()
    call_command("peer", "add", stranger.says["address"], "--vkey", stranger.says["vkey"], "--accept", "publish")
    peer = Peer.objects.get()
    run = pull(peer)
    assert (run.state, run.counts) == (RunState.SUCCESS, {"keys": 1, "shown": 1}), run.error
    page = Client().get("/incidents/FL-2026-5TRANGER/").content.decode()
    assert "A made-up model that names one shop" in page
    assert Client().get("/mirror/" + peer.origin_digest + "/checkpoint").status_code == 200

    assert stranger("revise") == 3
    Peer.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert stranger(f"tell {live_server.url}") == 202
    assert Peer.objects.get().due_at <= timezone.now()
    assert pull(peer).counts == {"shown": 1}
    record = Client().get("/api/v1/incidents/FL-2026-5TRANGER").json()
    assert (record["version"], record["severity"]) == (2, "moderate")

    assert witnessing.return_due() == 1
    (note,) = stranger("witnesses")
    ours = parse_key(Client().get("/.well-known/faultline.json").json()["witness"]["vkey"])
    assert open_note(note, [ours]).startswith("stranger.example/log\n3\n")
    # And its key as a witness of ours is what the document has others derive.
    assert parse_key(stranger.says["witness"]).name == peer.domain
    assert Acceptance(peer.acceptance) is Acceptance.PUBLISH
