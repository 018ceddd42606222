"""What every hub must do. A new file in catalogue/hubs/ is tested here by being there."""

import inspect
import socket
from pathlib import Path

import pytest
from huggingface_hub import close_session
from hypothesis import given
from hypothesis import strategies as st

import catalogue.hubs
from catalogue.hub import Hub, Knows, Outcome, Reference, UnreadableReferenceError, hubs
from catalogue.references import read

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def example_name(slug: str) -> str:
    """A name in the form of the hub."""
    return hubs()[slug].example


every_hub = pytest.mark.parametrize("slug", sorted(hubs()))


def test_every_file_in_the_folder_is_a_hub():
    folder = Path(catalogue.hubs.__file__).parent
    assert set(hubs()) == {file.stem for file in folder.glob("*.py")} - {"__init__"}


@every_hub
def test_has_what_the_contract_asks_for(slug):
    hub = hubs()[slug]
    assert hub.slug == slug
    assert hub.title
    assert hub.knows <= set(Knows)
    for verb in ("read", "url", "purl", "is_immutable", "ask"):
        expected = inspect.signature(getattr(Hub, verb)).parameters
        assert list(inspect.signature(getattr(hub, verb)).parameters) == list(expected)[1:]


@every_hub
@pytest.mark.parametrize("revision", ["", COMMIT])
def test_its_own_address_of_a_model_reads_back_as_that_model(slug, revision):
    hub = hubs()[slug]
    reference = Reference(slug, example_name(slug), revision)
    assert hub.url(reference).startswith("https://")
    assert hub.read(hub.url(reference)) == reference


@every_hub
def test_its_package_url_reads_back_as_that_model(slug):
    hub = hubs()[slug]
    revision = COMMIT if hub.is_immutable(COMMIT) else ""
    for reference in (Reference(slug, example_name(slug)), Reference(slug, example_name(slug), revision, "a/b.bin")):
        assert hub.purl(reference).startswith("pkg:")
        assert read(hub.purl(reference)) == reference


@every_hub
@pytest.mark.parametrize("revision", ["", "main", "master", "latest", "v1.0", "refs/pr/1", "0123456"])
def test_a_revision_that_can_move_is_not_immutable_and_not_in_the_package_url(slug, revision):
    hub = hubs()[slug]
    assert not hub.is_immutable(revision)
    assert hub.purl(Reference(slug, example_name(slug), revision)) == hub.purl(Reference(slug, example_name(slug)))


@every_hub
@pytest.mark.parametrize("text", ["", "bert", "acme/bert", "https://example.org/acme/bert", "http://[", "pkg:npm/x"])
def test_leaves_alone_what_is_not_its_business(slug, text):
    assert hubs()[slug].read(text) is None


@every_hub
@given(text=st.text(max_size=300))
def test_reads_refuses_or_leaves_any_text_alone(slug, text):
    try:
        reference = hubs()[slug].read(text)
    except UnreadableReferenceError:
        return
    assert reference is None or reference.hub == slug


@every_hub
def test_never_raises_where_there_is_no_network(slug, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("the network is down")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    close_session()
    answer = hubs()[slug].ask(Reference(slug, example_name(slug)))
    assert (answer.outcome, answer.facts) == (Outcome.TRANSIENT, None)
    assert answer.detail
