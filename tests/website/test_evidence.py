"""Files through the doors of the website: the form, a result file that fills it, and behind a receipt."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from lib import uploads
from reports.evidence import store
from reports.models import Evidence, Report
from tests.stand_ins import files
from tests.website.test_pages import ANSWERS, problems_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    """An empty folder."""
    settings.EVIDENCE_ROOT = tmp_path
    return tmp_path


def upload(content=b"a line of evidence\n", name="notes.md", content_type="application/x-anything"):
    return SimpleUploadedFile(name, content, content_type)


def send(client, *sent, **changes):
    return client.post("/report/", {**ANSWERS, "evidence": list(sent), **changes})


def tokens(response):
    return re.findall(r'name="held" value="([^"]+)"', response.content.decode())


def receipt_of(response):
    return re.search(r'id="receipt">([^<]+)<', response.content.decode()).group(1)


# --- The form ------------------------------------------------------------------------------------------------------
def test_a_report_with_files_is_stored_with_them_whatever_the_browser_calls_them(client):
    photo = upload(files.telling_jpeg(), "photo.html", "text/html")
    assert send(client, photo, upload()).status_code == 201
    kept = Report.objects.get().evidence.all()
    assert [(one.name, one.media_type) for one in kept] == [
        ("photo.html.jpg", "image/jpeg"),
        ("notes.md", "text/plain"),
    ]
    assert files.SECRET not in store.get(kept[0].stored_as)


def test_a_report_without_files_is_stored_as_ever(client):
    assert client.post("/report/", ANSWERS).status_code == 201
    assert not Evidence.objects.exists()


def test_a_refused_file_is_named_and_the_good_ones_need_not_be_chosen_again(client):
    response = send(client, upload(files.archive(a=b"b"), "results.eval"), upload())
    page = response.content.decode()
    assert response.status_code == 400
    assert problems_of(page) == []
    assert "results.eval: The file is a ZIP archive" in page
    assert "Leave out notes.md" in page
    assert not Report.objects.exists()
    again = client.post("/report/", {**ANSWERS, "held": tokens(response)})
    assert again.status_code == 201
    assert Evidence.objects.get().name == "notes.md"


def test_a_file_survives_a_mistake_elsewhere_and_can_be_left_out(client):
    response = send(client, upload(), upload(b"another\n", "other.txt"), category="")
    first, second = tokens(response)
    assert client.post("/report/", {**ANSWERS, "held": [first, second], "drop": [first]}).status_code == 201
    assert Evidence.objects.get().name == "other.txt"


def test_a_file_chosen_again_is_sent_once(client):
    response = send(client, upload(), category="")
    assert send(client, upload(), held=tokens(response)).status_code == 201
    assert Evidence.objects.count() == 1


def test_a_forged_token_is_a_message_and_no_report(client):
    response = client.post("/report/", {**ANSWERS, "held": ["forged"]})
    assert response.status_code == 400
    assert "choose it again" in response.content.decode()
    assert not Report.objects.exists()


def test_a_sent_form_cannot_be_sent_again_with_the_same_files(client):
    held = tokens(send(client, upload(), category=""))
    assert client.post("/report/", {**ANSWERS, "held": held}).status_code == 201
    again = client.post("/report/", {**ANSWERS, "held": held})
    assert again.status_code == 400
    assert "another report" in again.content.decode()
    assert Report.objects.count() == 1


def test_a_forged_request_is_refused_files_or_not():
    client = Client(enforce_csrf_checks=True)
    assert send(client, upload()).status_code == 403
    assert client.post("/report/status/evidence/", {"receipt": "x", "evidence": upload()}).status_code == 403
    assert client.post("/report/from-results/", {"results": upload()}).status_code == 403
    assert not Report.objects.exists()


# --- Bounds, while it streams --------------------------------------------------------------------------------------
def test_a_file_beyond_the_bound_is_skimmed_and_the_text_is_not_lost(client, root, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    response = send(client, upload(bytes(300_000), "film.mp4"), upload())
    page = response.content.decode()
    assert response.status_code == 400
    assert "film.mp4: The file is larger than" in page
    assert ANSWERS["text"] in page
    assert "Leave out notes.md" in page
    assert len([path for path in root.rglob("*") if path.is_file()]) == 1


def test_files_together_and_by_number_have_a_bound(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 150)
    page = send(client, *(upload(b"x" * 99 + b"%d" % n, f"{n}.txt") for n in range(3))).content.decode()
    assert page.count("The files together are larger than") == 4  # two files, in the summary and at the field
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 10_000)
    page = send(client, *(upload(b"line %d" % n, f"{n}.txt") for n in range(7))).content.decode()
    assert "6.txt: At most 5 files" in page
    assert page.count('name="drop"') == 5


def test_what_is_dropped_makes_room_again(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    monkeypatch.setattr(uploads, "MOST_BYTES_AT_ONCE", 150_000)
    page = send(client, upload(bytes(190_000), "big.bin"), upload(b"y" * 90_000, "fits.txt")).content.decode()
    assert "Leave out fits.txt" in page


def test_a_body_beyond_reading_is_not_read(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BODY_BYTES", 1000)
    for path in ("/report/", "/report/from-results/", "/report/status/evidence/"):
        response = client.post(path, {"evidence": upload(b"x" * 2000)})
        assert response.status_code == 413
        assert "That is too large" in response.content.decode()
        assert problems_of(response.content.decode()) == []


def test_no_other_page_takes_files(client, root):
    client.post("/report/status/", {"receipt": "x", "evidence": upload()})
    client.post("/console/login/", {"username": "x", "password": "y", "evidence": upload()})
    send(client, upload(name="unasked.txt"), surprise=upload(name="unasked.txt"), category="")
    assert len([path for path in root.rglob("*") if path.is_file()]) == 1


# --- Behind a receipt ----------------------------------------------------------------------------------------------
def test_evidence_is_added_behind_a_receipt(client):
    receipt = receipt_of(client.post("/report/", ANSWERS))
    status = client.post("/report/status/", {"receipt": receipt}).content.decode()
    assert "Add evidence" in status
    assert problems_of(status) == []
    response = client.post("/report/status/evidence/", {"receipt": receipt.lower(), "evidence": [upload()]})
    page = response.content.decode()
    assert (response.status_code, problems_of(page)) == (200, [])
    assert "Added: notes.md." in page
    assert "no-store" in response["Cache-Control"]
    assert Report.objects.get().evidence.get().name == "notes.md"


@pytest.mark.parametrize(
    ("sent", "words"),
    [([], "Choose a file."), ([upload(files.pickled(4), "a.txt")], "pickle"), ([upload(b"")], "empty")],
)
def test_what_cannot_be_added_is_said(client, sent, words):
    receipt = receipt_of(client.post("/report/", ANSWERS))
    response = client.post("/report/status/evidence/", {"receipt": receipt, "evidence": sent})
    assert response.status_code == 400
    assert words in response.content.decode()
    assert "We have your report." in response.content.decode()


def test_an_unknown_receipt_makes_no_work(client, root):
    response = client.post("/report/status/evidence/", {"receipt": "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-Z", "evidence": upload()})
    assert response.status_code == 404
    assert "No report has this receipt" in response.content.decode()
    assert list(root.rglob("*")) == []


# --- A result file that fills the form -----------------------------------------------------------------------------
def test_a_result_file_fills_the_form_and_travels_with_it(client):
    assert problems_of(client.get("/report/from-results/").content.decode()) == []
    response = client.post("/report/from-results/", {"results": upload(files.garak_report(), "garak.report.jsonl")})
    page = response.content.decode()
    assert (response.status_code, problems_of(page)) == (200, [])
    assert "7 of 10" in page
    assert "Leave out garak.report.jsonl" in page
    assert "private answer" not in page
    assert not Report.objects.exists()
    assert client.post("/report/", {**ANSWERS, "held": tokens(response)}).status_code == 201
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
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_result_file_beyond_the_bound_is_said_to_be(client, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1_000_000)
    page = client.post("/report/from-results/", {"results": upload(bytes(1_200_000), "x.json")}).content.decode()
    assert "The file is larger than 1 MB." in page
    assert "Choose a result file." not in page


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_text_beyond_its_bound_is_refused_as_ever(client):
    assert send(client, upload(), text="x" * 2000).status_code == 400


def test_the_documentation_shows_how_to_send_files(client):
    page = client.get("/api/docs").content.decode()
    assert "-F &#x27;results=@garak.report.jsonl&#x27;" in page
    assert "-F &#x27;receipt=XXXX-XXXX-XXXX-XXXX-XXXX-X&#x27;" in page
