"""The short path answers as the whole application does, byte for byte, and hands over whatever is not plain."""

import io
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import short, wsgi
from incidents.models import Incident
from incidents.publishing import ErasureReason, erase, publish
from tests import factories

MERGED = "FL-2026-MERGED00"


def environ(address, *, method="GET", secure=False, host="testserver", **headers):
    path, _, query = address.partition("?")
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "443" if secure else "80",
        "HTTP_HOST": host,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        **headers,
    }


def ask(application, asked):
    """(status line, headers but for what is left of a budget, body) of a WSGI application, as a server sees them."""
    started = []
    answer = application(asked, lambda status, headers: started.append((status, headers)))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    ((status, headers),) = started
    return status, sorted((name, "" if name == "RateLimit" else value) for name, value in headers), body


def nobody(_environ, _start_response):
    raise AssertionError("this went the whole way")


@pytest.fixture(autouse=True)
def _connections_stay():
    """A request's end closes connections past their age, and with them the transaction that a test is."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def whole():
    return get_wsgi_application()


@pytest.fixture
def record(db):
    for number in range(3):
        publish(factories.record(title=f"Incident number {number}", aliases=(f"AIID-{number}",)))
    return Incident.objects.first()


PLAIN = {
    "a list": "/api/v1/incidents",
    "two filters": "/api/v1/incidents?severity=low&kind=incident",
    "a page": "/api/v1/incidents?limit=1",
    "nothing found": "/api/v1/incidents?severity=critical",
    "a term that is none": "/api/v1/incidents?severity=9",
    "no such argument": "/api/v1/incidents?foo=bar",
    "an argument twice": "/api/v1/incidents?kind=hazard&kind=incident",
    "bytes that are no text": "/api/v1/incidents?q=%ff%00",
    "a record": "/api/v1/incidents/{id}",
    "no record": "/api/v1/incidents/FL-2000-00000000",
    "the log": "/api/v1/changes?after=1",
    "no number": "/api/v1/changes?after=x",
}
NOT_PLAIN = {
    "an id in small letters": "/api/v1/incidents/{small}",
    "an id elsewhere": "/api/v1/incidents/AIID-1",
    "a path with more": "/api/v1/incidents/{id}/",
    "a long question": "/api/v1/incidents?q=" + "x" * 3000,
    "a page": "/incidents",
    "nothing": "/api/v1/incident",
}


def filled_in(address, record):
    return address.format(id=record.public_id, small=record.public_id.lower())


@pytest.mark.parametrize("address", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("secure", [False, True])
def test_plain_reads_are_the_same_by_both_ways(record, address, secure, settings):
    settings.SECURE_HSTS_SECONDS = 60
    whole, asked = get_wsgi_application(), filled_in(address, record)
    short_answer = ask(short.ShortPath(nobody), environ(asked, secure=secure))
    assert short_answer == ask(whole, environ(asked, secure=secure))
    names = {name for name, _ in short_answer[1]}
    assert names >= {"Content-Security-Policy", "Permissions-Policy", "X-Content-Type-Options", "X-Frame-Options"}
    assert ("Strict-Transport-Security" in names) is secure


@pytest.mark.parametrize("address", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_other_addresses_go_the_whole_way(whole, record, address):
    asked = filled_in(address, record)
    with pytest.raises(AssertionError, match="whole way"):
        ask(short.ShortPath(nobody), environ(asked))
    assert ask(short.ShortPath(whole), environ(asked))[0] == ask(whole, environ(asked))[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_go_the_whole_way(whole, record, method):
    asked = {"method": method, "HTTP_ORIGIN": "https://elsewhere.example"}
    with pytest.raises(AssertionError, match="whole way"):
        ask(short.ShortPath(nobody), environ("/api/v1/incidents", **asked))
    assert ask(wsgi.application, environ("/api/v1/incidents", **asked)) == ask(
        whole, environ("/api/v1/incidents", **asked)
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"method": "HEAD"},
        {"HTTP_ACCEPT": "application/json"},
        {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"},
        {"HTTP_ACCEPT": "application/xml"},
        {"HTTP_AUTHORIZATION": "Basic bm9ib2R5"},
        {"HTTP_COOKIE": "sessionid=nonsense"},
        {"HTTP_IF_MATCH": '"another"'},
        {"HTTP_IF_NONE_MATCH": '"another"'},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_IF_MODIFIED_SINCE": "Sat, 21 Nov 2026 08:00:00 GMT"},
        {"HTTP_RANGE": "bytes=0-10"},
        {"HTTP_ORIGIN": "https://elsewhere.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize("address", ["/api/v1/incidents?limit=2", "/api/v1/incidents/{id}", "/api/v1/changes"])
def test_headers_of_the_request_mean_the_same_by_both_ways(whole, record, address, headers):
    asked = filled_in(address, record)
    assert ask(short.ShortPath(nobody), environ(asked, **headers)) == ask(whole, environ(asked, **headers))


def test_a_choice_of_format_is_made_by_the_framework_on_both_ways(whole, record):
    asked = "/api/v1/incidents?" + urlencode({"format": "xml"})
    assert ask(short.ShortPath(nobody), environ(asked)) == ask(whole, environ(asked))


def test_a_host_that_is_not_ours_goes_the_whole_way(whole, record):
    asked = {"host": "elsewhere.example"}
    with pytest.raises(AssertionError, match="whole way"):
        ask(short.ShortPath(nobody), environ("/api/v1/incidents", **asked))
    answer = ask(wsgi.application, environ("/api/v1/incidents", **asked))
    assert answer == ask(whole, environ("/api/v1/incidents", **asked))
    assert answer[0].startswith("400")


def test_a_redirect_to_https_goes_the_whole_way(record, settings):
    settings.SECURE_SSL_REDIRECT = True
    whole = get_wsgi_application()
    answer = ask(short.ShortPath(whole), environ("/api/v1/incidents"))
    assert answer[0].startswith("301")
    assert ask(short.ShortPath(nobody), environ("/api/v1/incidents", secure=True))[0].startswith("200")


def test_what_nobody_expected_is_a_problem_document_on_both_ways(whole, record, monkeypatch):
    monkeypatch.setattr("incidents.stored._RECORD", "SELECT nonsense WHERE %s <> ''")
    asked = filled_in("/api/v1/incidents/{id}", record)
    answer = ask(short.ShortPath(nobody), environ(asked))
    assert answer == ask(whole, environ(asked))
    assert answer[0].startswith("500")
    assert ("Content-Type", "application/problem+json") in answer[1]


def test_a_read_is_one_query_and_an_unchanged_one_none(record):
    application = short.ShortPath(nobody)
    address = reverse("api:incident", args=[record.public_id])
    ask(application, environ("/api/v1/incidents"))  # which asks where the log stands
    for asked in ("/api/v1/incidents?severity=low", address):
        with CaptureQueriesContext(connection) as captured:
            ask(application, environ(asked))
        assert len(captured) == 1
    for asked in ("/api/v1/incidents?severity=low", "/api/v1/changes"):
        tag = dict(ask(application, environ(asked))[1])["ETag"]
        with CaptureQueriesContext(connection) as captured:
            assert ask(application, environ(asked, HTTP_IF_NONE_MATCH=tag))[0].startswith("304")
        assert len(captured) == 0


def test_a_list_is_asked_for_once_while_the_log_stands_where_it_stood(record):
    application, asked = short.ShortPath(nobody), "/api/v1/incidents?severity=low&limit=2"
    before = ask(application, environ(asked))
    with CaptureQueriesContext(connection) as captured:
        assert ask(application, environ(asked)) == before
        assert ask(application, environ(asked, HTTP_IF_NONE_MATCH=dict(before[1])["ETag"]))[0].startswith("304")
    assert len(captured) == 0
    newest = publish(factories.record()).incident
    assert newest.public_id.encode() in ask(application, environ(asked))[2]
    erase(newest.public_id, reason=ErasureReason.PERSON)
    assert newest.public_id.encode() not in ask(application, environ(asked))[2]


def test_what_the_catalogue_has_a_part_in_is_asked_for_each_time(record):
    application = short.ShortPath(nobody)
    for asked in ("/api/v1/incidents?licence=mit", "/api/v1/incidents?facets=kind"):
        ask(application, environ(asked))
        with CaptureQueriesContext(connection) as captured:
            ask(application, environ(asked))
        assert len(captured) >= 1


@pytest.mark.django_db(transaction=True, databases=["default", "public"])
def test_a_connection_that_the_server_has_closed_costs_the_reader_nothing(monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_READS", "public")
    incident = publish(factories.record()).incident
    asked, application = reverse("api:incident", args=[incident.public_id]), short.ShortPath(nobody)
    before = ask(application, environ(asked))
    own = connections["public"].connection.info.backend_pid
    connections["public"].connection.pgconn.finish()
    assert ask(application, environ(asked)) == before
    assert connections["public"].connection.info.backend_pid != own
    connections["public"].close()
