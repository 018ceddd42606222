"""Hubs over TLS: a private authority's certificates, and what happens where a certificate is not to be trusted."""

import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from huggingface_hub import close_session

from catalogue import asking
from catalogue.hub import Outcome, Reference, hubs
from catalogue.lookups import look_up_due
from catalogue.models import Drift, Lookup, Snapshot
from catalogue.naming import name_model
from lib import http
from lib.ranges import RangeBrokenError, RangedFile
from tests.conftest import ROOT, environment
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.stand_ins.ollama import StandInRegistry
from tests.stand_ins.ranges import StandInFiles
from tests.stand_ins.tls import HOST, Authority, over_tls
from tests.waiting import IN_TIME

NAME = "acme/bert"
STAND_INS = {"huggingface": lambda: StandInHub([example_model(NAME)]), "ollama": lambda: StandInRegistry([NAME])}
REASONS = {
    "untrusted": "unable to get local issuer certificate",
    "wrong host": "IP address mismatch",
    "expired": "certificate has expired",
}


@pytest.fixture
def authority(tmp_path, monkeypatch):
    """One whose certificates are trusted in this test, by clients that are made anew in it and after it."""

    def forget_clients():
        asking._client.cache_clear()
        close_session()

    monkeypatch.setattr(http, "_also_trusted", [])
    authority = Authority(tmp_path)
    http.trust_also(authority.bundle)
    forget_clients()
    yield authority
    forget_clients()


@pytest.fixture
def bad_certificate(authority, tmp_path):
    """What a server shows, by what is wrong with it."""
    contexts = {
        "untrusted": lambda: Authority(tmp_path, "Nobody we know").context(),
        "wrong host": lambda: authority.context("hub.example"),
        "expired": lambda: authority.context(expired=True),
    }
    return lambda what: contexts[what]()


@pytest.mark.parametrize("slug", STAND_INS)
def test_a_model_is_looked_up_where_a_trusted_authority_certified_the_hub(settings, authority, slug):
    with over_tls(STAND_INS[slug](), authority.context()) as hub:
        settings.HUB_ENDPOINTS = {slug: hub.url}
        answer = hubs()[slug].ask(Reference(slug, NAME))
    assert (answer.outcome, answer.facts.name) == (Outcome.OK, NAME)
    assert answer.endpoint.startswith("https://")


@pytest.mark.parametrize("what", REASONS)
@pytest.mark.parametrize("slug", STAND_INS)
def test_a_certificate_that_is_not_to_be_trusted_is_the_connections_fault(settings, bad_certificate, slug, what):
    with over_tls(STAND_INS[slug](), bad_certificate(what)) as hub:
        settings.HUB_ENDPOINTS = {slug: hub.url}
        answer = hubs()[slug].ask(Reference(slug, NAME))
    assert answer.outcome is Outcome.TRANSIENT
    assert "certificate verify failed" in answer.detail
    assert REASONS[what] in answer.detail
    assert hub.requests == []


@pytest.mark.parametrize("what", REASONS)
def test_no_part_of_a_file_is_read_behind_such_a_certificate(bad_certificate, what):
    with (
        over_tls(StandInFiles(), bad_certificate(what)) as site,
        RangedFile(site.put("f", b"content")) as file,
        pytest.raises(RangeBrokenError, match=REASONS[what]),
    ):
        file.read(0, 4)
    assert site.requests == []


def test_parts_of_a_file_are_read_from_another_certified_host(authority):
    cdn = over_tls(StandInFiles(host="localhost"), authority.context("localhost"))
    with (
        cdn,
        over_tls(StandInFiles(cdn=cdn), authority.context()) as hub,
        RangedFile(hub.put("f", b"content"), headers={"Authorization": "Bearer secret"}) as file,
    ):
        assert file.read(0, 4) == b"cont"
    assert cdn.authorizations == [None]


@pytest.mark.parametrize("slug", STAND_INS)
def test_a_redirect_from_https_to_http_is_not_followed(settings, authority, slug):
    with over_tls(STAND_INS[slug](), authority.context()) as hub:
        settings.HUB_ENDPOINTS = {slug: hub.url}
        hub.fail(NAME, "without_tls")
        answer = hubs()[slug].ask(Reference(slug, NAME))
    assert answer.outcome is Outcome.MALFORMED
    assert len(hub.requests) == 1


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("slug", STAND_INS)
def test_a_handshake_that_is_never_answered_ends_in_time(settings, slug):
    settings.HUB_TIMEOUT_SECONDS = 0.8
    with socket.create_server((HOST, 0)) as silent:
        settings.HUB_ENDPOINTS = {slug: f"https://{HOST}:{silent.getsockname()[1]}"}
        started = time.monotonic()
        answer = hubs()[slug].ask(Reference(slug, NAME))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert time.monotonic() - started < IN_TIME


@pytest.mark.django_db(transaction=True)
def test_a_model_behind_an_expired_certificate_is_never_gone_and_is_there_again_with_a_new_one(settings, authority):
    settings.WAKES = {wakes: [] for wakes in settings.WAKES}
    alias = name_model(Reference("huggingface", NAME))
    with over_tls(StandInHub([example_model(NAME)]), authority.context()) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        look_up_due()
    port = int(hub.url.rpartition(":")[2])
    with over_tls(StandInHub([example_model(NAME)], port=port), authority.context(expired=True)):
        close_session()
        for _ in range(4):
            Lookup.objects.update(due_at=timezone.now() - timedelta(days=30))
            look_up_due()
    lookup = Lookup.objects.get(alias=alias)
    assert (lookup.outcome, lookup.answer, lookup.parked_at) == ("transient", "ok", None)
    assert (lookup.times_missing, lookup.missing_since) == (0, None)
    assert "certificate has expired" in lookup.last_error
    assert not Drift.objects.exists()

    with over_tls(StandInHub([example_model(NAME)], port=port), authority.context()):
        Lookup.objects.update(due_at=timezone.now())
        look_up_due()
    assert Lookup.objects.get(alias=alias).outcome == "ok"
    assert Snapshot.objects.count() == 1


class TestAnOperatorsBundle:
    def look_up(self, hub: StandInHub, bundle: Path | str) -> subprocess.CompletedProcess[str]:
        variables = environment(FAULTLINE_HUB_HUGGINGFACE_ENDPOINT=hub.url, FAULTLINE_CA_BUNDLE=str(bundle))
        command = [sys.executable, "manage.py", "look_up", NAME]
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

    def test_is_trusted_by_every_process_of_the_node(self, tmp_path):
        authority = Authority(tmp_path)
        with over_tls(StandInHub([example_model(NAME)]), authority.context()) as hub:
            trusting = self.look_up(hub, authority.bundle)
            other = self.look_up(hub, "")
        assert (trusting.returncode, "outcome     ok" in trusting.stdout) == (0, True)
        assert other.returncode == 1
        assert other.stderr.strip().startswith("CommandError: transient: ConnectError")
        assert "certificate verify failed" in other.stderr

    def test_may_hold_several_authorities_and_words_in_any_language(self, tmp_path, monkeypatch):
        monkeypatch.setattr(http, "_also_trusted", [])
        authorities = [Authority(tmp_path, name) for name in ("First", "Second")]
        bundle = tmp_path / "bundle.pem"
        bundle.write_text("\n# Behörde\n".join(one.bundle.read_text() for one in authorities))
        http.trust_also(bundle)
        for authority in authorities:
            with (
                over_tls(StandInFiles(), authority.context()) as site,
                RangedFile(site.put("f", b"content")) as file,
            ):
                assert file.read(0, 4) == b"cont"

    @pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nAAAA\n", "ä"])
    def test_that_is_none_keeps_the_node_from_starting(self, tmp_path, content):
        bundle = tmp_path / "bundle.pem"
        if content is not None:
            bundle.write_text(content)
        with pytest.raises(ValueError, match=r"bundle\.pem is no readable file of PEM certificates: "):
            http.trust_also(bundle)

    def test_that_is_none_is_named_with_its_variable(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env=environment(FAULTLINE_CA_BUNDLE=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(
            "django.core.exceptions.ImproperlyConfigured: FAULTLINE_CA_BUNDLE: "
        )
