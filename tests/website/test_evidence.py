"""Files through the doors of the website: the form, a result file that begins a draft, and behind a receipt."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from lib import uploads
from reports import workflow
from reports.abuse import limits
from reports.evidence import store
from reports.models import Draft, Evidence, Message, Report, ReportState
from tests import factories
from tests.stand_ins import files
from tests.website import reporter
from tests.website.test_pages import problems_of

pytestmark = pytest.mark.django_db

STEP = "/report/evidence/"


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    """An empty folder."""
    settings.EVIDENCE_ROOT = tmp_path
    return tmp_path


def upload(content=b"a line of evidence\n", name="notes.md", content_type="application/x-anything"):
    return SimpleUploadedFile(name, content, content_type)


def attach(client, *sent, **changes):
    """Posts the step of the evidence with files."""
    return client.post(STEP, {"evidence": list(sent), **changes})


def tokens(response):
    return re.findall(r'name="held" value="([^"]+)"', response.content.decode())


def held(client):
    """The tokens of the files that the draft carries."""
    return tokens(client.get(STEP))


def kept_in(root):
    return [path for path in root.rglob("*") if path.is_file()]


# --- The form ------------------------------------------------------------------------------------------------------
def test_a_report_with_files_is_stored_with_them_whatever_the_browser_calls_them(client):
    reporter.fill(client)
    photo = upload(files.telling_jpeg(), "photo.html", "text/html")
    assert attach(client, photo, upload())["Location"] == "/report/impact/"
    assert "photo.html.jpg\nnotes.md" in client.get("/report/review/").content.decode()
    reporter.send(client)
    kept = Report.objects.get().evidence.all()
    assert [(one.name, one.media_type) for one in kept] == [
        ("photo.html.jpg", "image/jpeg"),
        ("notes.md", "text/plain"),
    ]
    assert files.SECRET not in store.get(kept[0].stored_as)


def test_a_report_without_files_is_stored_as_ever(client):
    reporter.fill(client)
    reporter.send(client)
    assert not Evidence.objects.exists()


def test_a_refused_file_is_named_and_the_good_ones_need_not_be_chosen_again(client):
    reporter.fill(client)
    response = attach(client, upload(files.archive(a=b"b"), "results.eval"), upload(), seed="7")
    page = response.content.decode()
    assert response.status_code == 400
    assert problems_of(page) == []
    assert "results.eval: The file is a ZIP archive" in page
    assert "Leave out notes.md" in page
    assert 'value="7"' in page
    reporter.send(client)
    assert Evidence.objects.get().name == "notes.md"


def test_a_file_survives_a_mistake_elsewhere_and_can_be_left_out(client):
    reporter.fill(client)
    response = attach(client, upload(), upload(b"another\n", "other.txt"), seed="a word")
    assert response.status_code == 400
    first, second = tokens(response)
    assert client.post(STEP, {"held": [first, second], "drop": [first]}).status_code == 302
    reporter.send(client)
    assert Evidence.objects.get().name == "other.txt"


def test_typing_and_going_elsewhere_lose_no_file(client):
    reporter.fill(client)
    attach(client, upload())
    client.post("/report/evidence/keep/", {"links": "https://example.org/typed", "evidence": "[object File]"})
    client.post("/report/impact/", {"severity": "high"})
    assert len(held(client)) == 1
    for action in ("back", "more:4"):
        client.post(STEP, {"held": held(client), "action": action})
        assert len(held(client)) == 1


def test_a_file_chosen_again_is_sent_once(client):
    reporter.fill(client)
    attach(client, upload())
    attach(client, upload(), held=held(client))
    reporter.send(client)
    assert Evidence.objects.count() == 1


def test_a_forged_token_is_a_message_and_is_not_kept(client):
    reporter.fill(client)
    response = client.post(STEP, {"held": ["forged"]})
    assert response.status_code == 400
    assert "choose it again" in response.content.decode()
    assert held(client) == []


def test_a_file_that_is_gone_is_said_before_the_report_is_sent(client, root):
    reporter.fill(client)
    attach(client, upload())
    for path in kept_in(root):
        path.unlink()
    response = client.post("/report/review/", {"seal": reporter.seal_of(client)})
    assert response.status_code == 400
    assert "notes.md is no longer held. Please choose it again." in response.content.decode()
    assert not Report.objects.exists()


def test_the_same_held_file_cannot_go_with_two_reports(client):
    reporter.fill(client)
    attach(client, upload())
    other = reporter.fill(Client())
    other.post(STEP, {"held": held(client)})
    reporter.send(client)
    response = other.post("/report/review/", {"seal": reporter.seal_of(other)})
    assert response.status_code == 400
    assert problems_of(response.content.decode()) == []
    assert "was sent with another report" in response.content.decode()
    assert Report.objects.count() == 1


def test_files_go_with_a_deleted_draft_but_never_from_a_report(client, root):
    reporter.fill(client)
    attach(client, upload(), upload(b"another\n", "other.txt"))
    client.post("/report/delete/")
    assert kept_in(root) == []
    sent = reporter.fill(Client())
    attach(sent, upload())
    copied = reporter.fill(Client())
    copied.post(STEP, {"held": held(sent)})
    reporter.send(sent)
    copied.post("/report/delete/")
    assert len(kept_in(root)) == 1
    sent.post("/report/receipt/")
    assert store.get(Evidence.objects.get().stored_as) == b"a line of evidence\n"


def test_a_forged_request_is_refused_files_or_not():
    client = Client(enforce_csrf_checks=True)
    assert attach(client, upload()).status_code == 403
    assert client.post("/report/status/evidence/", {"pass": "x", "evidence": upload()}).status_code == 403
    assert client.post("/report/from-results/", {"results": upload()}).status_code == 403


# --- Bounds, while it streams --------------------------------------------------------------------------------------
def test_a_file_beyond_the_bound_is_skimmed_and_the_text_is_not_lost(client, root, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    reporter.begin(client)
    response = attach(client, upload(bytes(300_000), "film.mp4"), upload(), turn0="What was said")
    page = response.content.decode()
    assert response.status_code == 400
    assert "film.mp4: The file is larger than" in page
    assert "What was said" in page
    assert "Leave out notes.md" in page
    assert len(kept_in(root)) == 1


def test_files_together_and_by_number_have_a_bound(client, monkeypatch):
    reporter.begin(client)
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 150)
    page = attach(client, *(upload(b"x" * 99 + b"%d" % n, f"{n}.txt") for n in range(3))).content.decode()
    assert page.count("The files together are larger than") == 4  # two files, in the summary and at the field
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 10_000)
    page = attach(client, *(upload(b"line %d" % n, f"{n}.txt") for n in range(7))).content.decode()
    assert "6.txt: At most 5 files" in page
    assert page.count('name="drop"') == 5


def test_what_is_dropped_makes_room_again(client, monkeypatch):
    reporter.begin(client)
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 150_000)
    page = attach(client, upload(bytes(190_000), "big.bin"), upload(b"y" * 90_000, "fits.txt")).content.decode()
    assert "Leave out fits.txt" in page


def test_a_body_beyond_reading_is_not_read(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BODY_BYTES", 1000)
    for path in (STEP, "/report/from-results/", "/report/status/evidence/"):
        response = client.post(path, {"evidence": upload(b"x" * 2000)})
        assert response.status_code == 413
        assert "That is too large" in response.content.decode()
        assert problems_of(response.content.decode()) == []


def test_no_other_page_takes_files(client, root):
    reporter.begin(client)
    client.post("/report/status/", {"receipt": "x", "evidence": upload()})
    client.post("/console/login/", {"username": "x", "password": "y", "evidence": upload()})
    client.post("/report/account/", {"text": "x", "evidence": upload(name="unasked.txt")})
    client.post("/report/evidence/keep/", {"evidence": upload(name="unasked.txt")})
    client.post(STEP, {"evidence": upload(), "surprise": upload(name="unasked.txt")})
    assert len(kept_in(root)) == 1


def test_nobody_without_a_draft_leaves_files(client, root):
    assert attach(client, upload())["Location"] == "/report/?gone"
    assert kept_in(root) == []


def test_files_are_taken_within_a_limit(client, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, limits.FILES, limits.Limits(each=limits.Limit(1, 60)))
    reporter.begin(client)
    assert attach(client, upload()).status_code == 302
    late = attach(client, upload(b"more\n", "more.txt"), held=held(client), turn0="What was said")
    assert late.status_code == 429
    assert "Retry-After" in late
    assert "Too many came from your network." in late.content.decode()
    assert "What was said" in client.get(STEP).content.decode()
    assert len(held(client)) == 1


# --- Behind a receipt ----------------------------------------------------------------------------------------------
def opened():
    """A report, and the pass on its page."""
    one = workflow.submit(submission=factories.submission(), source="form")
    page = Client().post("/report/status/", {"receipt": one.receipt}).content.decode()
    assert problems_of(page) == []
    return one, re.search(r'name="pass" value="([^"]+)"', page)[1]


def test_evidence_is_added_behind_a_receipt_and_the_thread_says_so(client):
    one, shown = opened()
    response = client.post("/report/status/evidence/", {"pass": shown, "evidence": [upload()]})
    page = response.content.decode()
    assert (response.status_code, problems_of(page)) == (200, [])
    assert "Added: notes.md." in page
    assert "no-store" in response["Cache-Control"]
    assert one.report.evidence.get().name == "notes.md"
    assert Message.objects.get().kind == "evidence"


def test_files_answer_a_question(client):
    one, shown = opened()
    moderator = factories.moderator()
    workflow.claim(report=one.report, by=moderator)
    workflow.ask(report=one.report, by=moderator, reason=next(iter(workflow.replies.AskReason)))
    client.post("/report/status/evidence/", {"pass": shown, "evidence": [upload()]})
    assert Report.objects.get().state == ReportState.IN_REVIEW


@pytest.mark.parametrize(
    ("sent", "words"),
    [([], "Choose a file."), ([upload(files.pickled(4), "a.txt")], "pickle"), ([upload(b"")], "empty")],
)
def test_what_cannot_be_added_is_said(client, sent, words):
    _, shown = opened()
    response = client.post("/report/status/evidence/", {"pass": shown, "evidence": sent})
    assert response.status_code == 400
    assert problems_of(response.content.decode()) == []
    assert words in response.content.decode()
    assert "We have your report." in response.content.decode()
    assert not Message.objects.exists()


def test_the_same_file_again_is_refused_and_said_once(client):
    _, shown = opened()
    for status in (200, 400):
        response = client.post("/report/status/evidence/", {"pass": shown, "evidence": [upload()]})
        assert response.status_code == status
    assert "is attached already" in response.content.decode()
    assert Message.objects.count() == Evidence.objects.count() == 1


def test_a_pass_that_leads_nowhere_makes_no_work(client, root):
    response = client.post("/report/status/evidence/", {"pass": "nonsense", "evidence": upload()})
    assert response.status_code == 403
    assert "Please enter the code again" in response.content.decode()
    assert list(root.rglob("*")) == []


def test_too_many_files_behind_a_receipt_are_refused_for_a_while(client, monkeypatch, root):
    _, shown = opened()
    monkeypatch.setitem(limits.LIMITS, limits.MESSAGE, limits.Limits(each=limits.Limit(0, 60)))
    response = client.post("/report/status/evidence/", {"pass": shown, "evidence": upload()})
    assert response.status_code == 429
    assert "Too much came from your network" in response.content.decode()
    assert kept_in(root) == []


# --- A result file that begins a draft -----------------------------------------------------------------------------
def test_a_result_file_fills_a_draft_and_travels_with_it(client):
    assert problems_of(client.get("/report/from-results/").content.decode()) == []
    response = client.post("/report/from-results/", {"results": upload(files.garak_report(), "garak.report.jsonl")})
    assert response["Location"] == "/report/models/"
    assert re.search(r'value="measurement"[^>]*checked', client.get("/report/problem/").content.decode())
    page = client.get("/report/account/").content.decode()
    assert problems_of(page) == []
    assert "7 of 10" in page
    assert "private answer" not in page
    assert "Leave out garak.report.jsonl" in client.get(STEP).content.decode()
    assert not Report.objects.exists()
    changed = {"problem": {"kind": "measurement", "type": "other"}, "account": {"category": "misuse"}}
    for slug, answers in changed.items():
        filled = dict(
            re.findall(r'name="(title|occurred)" value="([^"]*)"', client.get(f"/report/{slug}/").content.decode())
        )
        text = {"text": "Measured, and gone over by the reporter."} if slug == "account" else {}
        assert client.post(f"/report/{slug}/", {**filled, **text, **answers}).status_code == 302
    assert client.post("/report/disclosure/", {"licence": "on"}).status_code == 302
    reporter.send(client)
    report = Report.objects.get()
    assert (report.kind, report.occurred) == ("measurement", "2026-10-03")
    assert report.title.startswith("garak: 1 of 2 probes got through")
    assert Evidence.objects.get().media_type == "application/jsonl"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just text", "neither JSON nor JSON lines"),
        (b'{"a": 1}', "no result file of a tool"),
        (b"", "empty"),
        (files.archive(a=b"b"), "inspect log convert --to json"),
        (None, "Choose a result file."),
    ],
)
def test_any_other_file_is_refused_and_not_kept(client, root, content, words):
    sent = {} if content is None else {"results": upload(content, "results.json")}
    response = client.post("/report/from-results/", sent)
    page = response.content.decode().replace("&quot;", '"')
    assert (response.status_code, problems_of(page)) == (400, [])
    assert words in page
    assert kept_in(root) == []
    assert not Draft.objects.exists()


def test_a_result_file_beyond_the_bound_is_said_to_be(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1_000_000)
    page = client.post("/report/from-results/", {"results": upload(bytes(1_200_000), "x.json")}).content.decode()
    assert "The file is larger than 1 MB." in page
    assert "Choose a result file." not in page


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_text_beyond_its_bound_is_refused_as_ever(client):
    reporter.begin(client)
    assert attach(client, upload(), turn0="x" * 2000).status_code == 400


def test_the_documentation_shows_how_to_send_files(client):
    page = client.get("/api/docs").content.decode()
    assert "-F &#x27;results=@garak.report.jsonl&#x27;" in page
    assert "-F &#x27;receipt=XXXX-XXXX-XXXX-XXXX-XXXX-X&#x27;" in page
