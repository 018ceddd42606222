"""What operators watch: in a form that Prometheus reads, and for nobody else."""

import re

import pytest
from django.test import Client

from federation.models import Acceptance
from tests import factories
from tests.federation.conftest import node  # noqa: F401 - a fixture
from tests.federation.test_following import followed, pull

pytestmark = pytest.mark.django_db

LINE = re.compile(r'faultline_[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[0-9.e+]+')


def read(**asked):
    answer = Client().get("/metrics", **asked)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.content.decode().splitlines()
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_tells_of_the_log_of_peers_of_the_queue_and_of_what_is_due(node):  # noqa: F811
    factories.report(contact="ana@example.org")
    node.log.publish()
    peer = followed(node, Acceptance.MODERATE)
    pull(peer)
    found = read()
    assert found["faultline_log_entries"] == "0"
    assert found['faultline_peer_lag_entries{peer="other.example"}'] == "0"
    assert found['faultline_peer_runs_total{peer="other.example",state="success"}'] == "1"
    assert found['faultline_peer_entries_aside{peer="other.example",verdict="waiting"}'] == "1"
    assert found['faultline_queue_reports{lane="all"}'] == "1"
    assert found['faultline_due_rows{kind="catalogue.lookup"}'] == "1"
    assert found['faultline_due_rows{kind="federation.peer"}'] == "0"
    assert "ana@example.org" not in str(found)


def test_is_for_this_machine_alone_unless_a_token_is_set(settings):
    assert Client().get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404
    settings.METRICS_TOKEN = "a secret of operators"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
    assert read(REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer a secret of operators"})
