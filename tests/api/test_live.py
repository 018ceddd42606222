"""The node as a stranger meets it: a client generated from its OpenAPI document, and bytes no client would send."""

import importlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from accounts import tokens
from accounts.models import Scope
from reports.models import Activity
from tests import factories
from tests.api.test_reports import ANSWERS
from tests.conftest import ROOT, environment, kill_tree
from tests.waiting import IN_TIME, PATIENCE

# It knows no media type of exports; to it they are bytes.
CONFIG = """
post_hooks: []
content_type_overrides:
  application/jsonl: application/octet-stream
  application/vnd.apache.parquet: application/octet-stream
"""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def node(django_db_setup, tmp_path_factory):
    """The address of a web server of our own, for all tests here: they leave nothing behind in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("node") / "web.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "error"],
            cwd=ROOT,
            env=environment(FAULTLINE_BASE_URL=address),
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"{address}/livez"):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield address
    finally:
        kill_tree(process)


def _answers(address):
    try:
        return httpx2.get(address).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
def generated(node, tmp_path, monkeypatch):
    """The package that openapi-python-client makes of the node's own document; a warning fails."""
    (tmp_path / "openapi.json").write_bytes(httpx2.get(f"{node}/api/schema").content)
    (tmp_path / "config.yml").write_text(CONFIG)
    program = Path(sys.executable).with_name("openapi-python-client")
    command = [program, "generate", "--path", "openapi.json", "--output-path", "generated_client", "--meta", "none"]
    made = subprocess.run(
        [*command, "--config", "config.yml", "--fail-on-warning"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)

    def part(name):
        return importlib.import_module(f"generated_client.{name}")

    yield part
    for name in [name for name in sys.modules if name.startswith("generated_client")]:
        del sys.modules[name]


def test_a_generated_client_lists_reads_checks_and_reports(node, generated):
    incident = factories.published_incident()
    mira = factories.moderator()
    _row, text = tokens.create(user=mira, name="client", scopes=list(Scope), days=7)
    client = generated("client").Client(base_url=node)
    known = generated("client").AuthenticatedClient(base_url=node, token=text)
    models = generated("models")

    page = generated("api.incidents.list_incidents").sync(client=client, hub="huggingface", limit=5)
    assert [item.id for item in page.items] == [incident.public_id]
    record = generated("api.incidents.get_incident").sync(incident.public_id, client=client)
    assert (record.title, record.severity.value) == ("Chat model recommends one shop", "low")
    missing = generated("api.incidents.get_incident").sync("FL-2026-00000000", client=client)
    assert (missing.type_, missing.status) == ("/api/problems/not-found", 404)

    question = models.CheckQuestion(items=["example-org/tiny-chat", models.Item(id="example-org/other")])
    answer = generated("api.check.check_models").sync(client=client, body=question)
    assert [item.affected for item in answer.results] == [True, False]
    assert answer.results[0].records[0].id == incident.public_id

    body = models.Submission.from_dict(ANSWERS)
    receipt = generated("api.reports.submit_report").sync(client=known, body=body)
    assert Activity.objects.filter(verb="submit", actor=mira).count() == 1
    asked = models.ReceiptQuestion(receipt=receipt.receipt)
    status = generated("api.reports.get_report_status").sync(client=client, body=asked)
    assert status.state == "received"

    evidence = generated("types").File(payload=_text_file(), file_name="notes.txt", mime_type="text/plain")
    form = models.SubmitReportFilesBody(report=body, evidence=[evidence])
    with_file = generated("api.reports.submit_report").sync(client=client, body=form)
    assert with_file.receipt != receipt.receipt
    stranger = generated("client").AuthenticatedClient(base_url=node, token=tokens._new_text())
    refused = generated("api.incidents.list_incidents").sync(client=stranger)
    assert refused.type_ == "/api/problems/unknown-token"


def _text_file():
    from io import BytesIO

    return BytesIO(b"It named the same shop each time.")


def test_what_no_client_sends_is_answered_with_a_problem_and_never_a_500(node):
    deep = b"[" * 100_000 + b"]" * 100_000
    surrogate = json.dumps({**ANSWERS, "text": "x" * 40 + "\ud800"}).encode()
    json_type = {"Content-Type": "application/json"}
    tries = [
        ("GET", "/api/v1/incidents?q=%27%3B%20DROP%20TABLE%20accounts_user%3B--", None, {}, {200}),
        ("GET", "/api/v1/incidents?model=%27%20OR%20%271%27%3D%271", None, {}, {200}),
        ("GET", "/api/v1/incidents?limit=9" + "9" * 400, None, {}, {400}),
        ("GET", "/api/v1/changes?after=99999999999999999999", None, {}, {400}),
        ("GET", "/api/v1/incidents?q=%00", None, {}, {400}),
        ("GET", "/api/v1/incidents?q=%ff%fe", None, {}, {200, 400}),
        ("GET", "/api/v1/incidents/%00", None, {}, {400, 404}),
        ("GET", "/api/v1/models/huggingface/%ED%A0%80", None, {}, {400, 404}),
        ("GET", "/api/v1/incidents?q=" + "a" * 9000, None, {}, {414}),
        ("POST", "/api/v1/check", deep, json_type, {400}),
        ("POST", "/api/v1/check", b'{"items": ["' + b"9" * 3_000_000 + b'"]}', json_type, {413}),
        ("POST", "/api/v1/check", b'{"items": [1e999999999]}', json_type, {400, 422}),
        ("POST", "/api/v1/check", b'{"items": [' + b"9" * 10_000 + b"]}", json_type, {400, 422}),
        ("POST", "/api/v1/check", b'{"items": ["a\\u0000b"]}', json_type, {200, 422}),
        ("POST", "/api/v1/check", b"<xml/>", {"Content-Type": "text/xml"}, {415}),
        ("POST", "/api/v1/check", b"\xff\xfe\x00", json_type, {400}),
        ("POST", "/api/v1/check", b"", json_type, {422}),
        ("POST", "/api/v1/check/bom", deep, json_type, {400}),
        ("POST", "/api/v1/reports", surrogate, json_type, {422}),
        ("POST", "/api/v1/reports", b"--x", {"Content-Type": "multipart/form-data; boundary=x"}, {400, 422}),
        ("POST", "/api/v1/reports", b"--x", {"Content-Type": "multipart/form-data"}, {400}),
        ("POST", "/api/v1/reports", b"{}", {"Content-Type": "application/json; charset=nonsense"}, {400, 422}),
        ("DELETE", "/api/v1/incidents", None, {}, {405}),
        ("GET", "/api/v1/incidents", None, {"Accept": "text/html"}, {406}),
        ("GET", "/api/v1/incidents", None, {"Host": "elsewhere.example"}, {400}),
        ("GET", "/api/v1/nothing", None, {}, {404}),
    ]
    for method, path, body, headers, expected in tries:
        answer = httpx2.request(method, f"{node}{path}", content=body, headers=headers, timeout=PATIENCE)
        assert answer.status_code in expected, (method, path[:80], answer.status_code, answer.text[:300])
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", (path[:80], answer.headers)
            assert httpx2.get(f"{node}{answer.json()['type']}").status_code == 200, answer.json()


def test_a_body_may_come_in_chunks_up_to_the_same_bound(node):
    whole = json.dumps({"items": ["example-org/tiny-chat"]}).encode()

    def post(path, parts, content_type="application/json"):
        return httpx2.post(
            f"{node}{path}", content=iter(parts), headers={"Content-Type": content_type}, timeout=PATIENCE
        )

    answer = post("/api/v1/check", [whole[:7], whole[7:]])
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert (answer.status_code, answer.json()["results"][0]["asked"]) == (200, "example-org/tiny-chat")
    refused = post("/api/v1/check", [b" " * 65_536] * 40)
    assert (refused.status_code, refused.json()["type"]) == (413, "/api/problems/too-large")
    form = (
        b'--x\r\nContent-Disposition: form-data; name="report"\r\n\r\n'
        + json.dumps(ANSWERS).encode()
        + b"\r\n--x--\r\n"
    )
    sent = post("/api/v1/reports", [form[:50], form[50:]], "multipart/form-data; boundary=x")
    assert sent.status_code == 201, sent.text


def test_a_request_that_never_ends_its_headers_holds_up_nobody_else(node):
    host, port = node.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(40)]
    try:
        for one in slow:
            one.sendall(b"GET /api/v1/incidents HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert httpx2.get(f"{node}/api/v1/incidents", timeout=IN_TIME).status_code == 200
    finally:
        for one in slow:
            one.close()
