"""Evidence in the console: who sees it, how it is served, and what is left of looking."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reports import evidence
from reports.evidence import store
from reports.models import Activity, Evidence
from tests import factories
from tests.stand_ins import files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    """An empty folder."""
    settings.EVIDENCE_ROOT = tmp_path


def kept(content=b"a <script>alert(1)</script> line\n", name="notes.md", report=None):
    return evidence.keep(SimpleUploadedFile(name, content), report=report or factories.report())


def page_of(one):
    return f"/console/reports/evidence/{one.pk}/change/"


def file_of(one):
    return f"/console/reports/evidence/{one.pk}/file/"


def looks(one):
    return list(Activity.objects.filter(report=one.report, actor__isnull=False).values_list("verb", flat=True))


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (b"text\n", "a.md", "text/plain"),
        (b'{"a": 1}', "a.json", "application/json"),
        (b"a,b\n1,2\n", "a.csv", "text/csv"),
        (files.image("PNG"), "a.png", "image/png"),
        (files.pdf(), "a.pdf", "application/pdf"),
    ],
)
def test_a_file_is_served_as_an_attachment_that_can_do_nothing(signed_in, content, name, media_type):
    one = kept(content, name)
    answer = signed_in(factories.moderator()).get(file_of(one))
    assert answer.status_code == 200
    assert answer.content == store.get(one.stored_as)
    assert answer["Content-Type"].split(";")[0] == media_type
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert looks(one) == ["open evidence"]


def test_a_name_in_any_script_reaches_the_moderator_whole(signed_in):
    answer = signed_in(factories.moderator()).get(file_of(kept(name='Übung "1"\r\nX: y.md')))
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''%C3%9Cbung%20_1_%20X_%20y.md"
    assert "X" not in answer


@pytest.mark.parametrize("path", [page_of, file_of])
def test_nobody_but_moderators_sees_it(signed_in, path):
    one = kept()
    assert Client().get(path(one)).status_code == 302
    assert signed_in(factories.operator()).get(path(one)).status_code == 403
    assert signed_in(factories.account("reader")).get(path(one)).status_code in {302, 403}
    assert looks(one) == []


def test_text_is_shown_escaped_and_looking_is_recorded_once(signed_in):
    one = kept(b"a <script>alert(1)</script> line \xe2\x80\xae")
    page = signed_in(factories.moderator()).get(page_of(one))
    assert "a &lt;script&gt;alert(1)&lt;/script&gt; line ‹U+202E›" in page.content.decode()  # noqa: RUF001
    assert "no-store" in page["Cache-Control"]
    assert looks(one) == ["view evidence"]


def test_an_image_is_asked_for_only_when_it_is_opened(signed_in):
    one = kept(files.image("PNG"), "a.png")
    page = signed_in(factories.moderator()).get(page_of(one)).content.decode()
    assert f'<img src="{file_of(one)}" loading="lazy"' in page
    assert looks(one) == []


def test_a_pdf_is_not_shown_in_the_page(signed_in):
    one = kept(files.pdf(), "a.pdf")
    page = signed_in(factories.moderator()).get(page_of(one)).content.decode()
    assert "Not shown here" in page
    assert looks(one) == []


def test_a_red_team_file_shows_what_it_found(signed_in):
    one = kept(files.garak_report(), "garak.report.jsonl")
    page = signed_in(factories.moderator()).get(page_of(one)).content.decode()
    assert "What garak 0.14.0 found" in page
    assert "7 of 10" in page
    assert "private answer" in page


def test_the_reports_page_lists_its_files(signed_in):
    one = kept()
    page = signed_in(factories.moderator()).get(f"/console/reports/report/{one.report.pk}/change/").content.decode()
    assert page_of(one) in page
    assert one.original_sha256 in page
    assert looks(one) == []


def test_a_lost_file_is_said_to_be_lost(signed_in):
    one = kept()
    store.remove(one.stored_as)
    client = signed_in(factories.moderator())
    assert client.get(file_of(one)).status_code == 404
    assert "cannot be read" in client.get(page_of(one)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_senior_moderator_erases_a_file_and_nobody_else_does(signed_in):
    one = kept()
    address = f"/console/reports/evidence/{one.pk}/forget/"
    assert signed_in(factories.moderator()).post(address, {"reason": "x"}).status_code == 403
    senior = signed_in(factories.senior_moderator())
    assert senior.get(address).status_code == 404
    page = senior.post(address, {"reason": "shows a face"}, follow=True).content.decode()
    assert "The file notes.md is erased." in page
    assert not Evidence.objects.exists()
    assert not store.has(one.stored_as)
    assert senior.get(file_of(one)).status_code == 404


def test_nobody_changes_a_file_in_the_console(signed_in):
    one = kept()
    client = signed_in(factories.senior_moderator())
    assert client.get("/console/reports/evidence/add/").status_code == 403
    assert client.post(f"/console/reports/evidence/{one.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/console/reports/evidence/").status_code == 200
    assert client.get("/console/reports/evidence/abc/change/").status_code == 404
    assert Evidence.objects.filter(pk=one.pk).exists()
