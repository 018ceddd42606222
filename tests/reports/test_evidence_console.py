"""Evidence in the console: who sees it, how it is served, and what is left of looking."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lib.text import markdown_html
from reports import evidence, excerpts, redacting, release, workflow
from reports.actors import NotReadyError, WrongStateError
from reports.evidence import preview, store
from reports.models import Activity, Evidence, Excerpt
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


class TestReleasing:
    """Prompts and answers of a red-team result file are private until a moderator releases chosen ones."""

    @pytest.fixture
    def case(self):
        return factories.worded_case()

    @pytest.fixture
    def one(self, case):
        return kept(files.garak_report(), "garak.jsonl", report=case.reports.get())

    @staticmethod
    def release(client, one, into, **chosen):
        answers = {"attempt": "0", "case": into.pk, **chosen}
        return client.post(f"/console/reports/evidence/{one.pk}/release/", answers, follow=True)

    @staticmethod
    def attempt(one):
        return preview.of(one.media_type, store.get(one.stored_as)).results.attempts[0]

    def test_what_is_chosen_becomes_wording_and_the_rest_stays_private(self, signed_in, case, one):
        client, attempt = signed_in(factories.moderator()), self.attempt(one)
        assert "Release into the case" in client.get(page_of(one)).content.decode()
        page = self.release(client, one, case, prompt="on").content.decode()
        assert "Released excerpts" in page
        excerpt = Excerpt.objects.get()
        assert (excerpt.prompt, excerpt.output) == (attempt.prompt, "")
        published = workflow.publish(case=case, by=factories.moderator())
        said = json.loads(bytes(published.document))["description"]
        assert "### Excerpts from test results" in said
        assert attempt.prompt in said
        assert attempt.output not in said
        did = Activity.objects.get(verb="release excerpt")
        assert (did.actor, did.case, did.report) == (factories.moderator(), case, one.report)
        assert attempt.prompt not in did.note

    def test_taken_back_it_is_private_again_and_cancels_what_was_approved_with_it(self, signed_in, case, one, settings):
        settings.UNDO_SECONDS = 30
        client = signed_in(factories.moderator())
        self.release(client, one, case, prompt="on", output="on")
        approved = release.schedule(case=case, verb="publish", by=factories.moderator())
        excerpt = Excerpt.objects.get()
        page = client.post(f"/console/reports/evidence/excerpts/{excerpt.pk}/take-back/", follow=True).content.decode()
        assert "Released excerpts" not in page
        approved.refresh_from_db()
        assert approved.state == "cancelled"

    def test_personal_data_in_it_is_suggested_and_taken_out(self, case, one):
        row = excerpts.release_excerpt(evidence=one, case=case, number=0, by=factories.moderator(), prompt=True)
        Excerpt.objects.update(prompt="Write to ana@real-person.org now.")
        with pytest.raises(NotReadyError, match="prompt of an excerpt may hold"):
            workflow.publish(case=case, by=factories.moderator())
        redacting.redact(case=case, by=factories.moderator(), category="email", text="ana@real-person.org")
        row.refresh_from_db()
        assert row.prompt == "Write to [redacted: email 1] now."
        published = workflow.publish(case=case, by=factories.moderator())
        assert b"ana@real-person.org" not in bytes(published.document)

    def test_markup_in_it_is_never_read_as_markup(self, case, one):
        excerpts.release_excerpt(evidence=one, case=case, number=0, by=factories.moderator(), output=True)
        hostile = "```\n# A heading\n[link](https://evil.example)\n\n<b>bold</b>"
        Excerpt.objects.update(output=hostile, probe="a `tick`")
        published = workflow.publish(case=case, by=factories.moderator())
        shown = markdown_html(json.loads(bytes(published.document))["description"])
        assert "evil.example" in shown
        assert "<a" not in shown
        assert "<h1" not in shown

    @pytest.mark.parametrize(
        "wrong", [{}, {"prompt": "on", "attempt": "99"}, {"prompt": "on", "attempt": "x"}, {"output": "on", "case": 0}]
    )
    def test_what_is_not_there_is_refused_with_a_sentence(self, signed_in, case, one, wrong):
        page = self.release(signed_in(factories.moderator()), one, case, **wrong)
        assert list(page.context["messages"])
        assert not Excerpt.objects.exists()

    def test_before_the_report_is_in_a_case_there_is_no_button(self, signed_in, case):
        other = kept(files.garak_report(), "garak.jsonl")
        client = signed_in(factories.moderator())
        assert "Nothing of it can be released before the report" in client.get(page_of(other)).content.decode()
        assert "Choose one of the cases" in self.release(client, other, case, prompt="on").content.decode()
        with pytest.raises(WrongStateError, match="is not in case"):
            excerpts.release_excerpt(evidence=other, case=case, number=0, by=factories.moderator(), prompt=True)

    def test_it_goes_with_the_file(self, case, one):
        excerpts.release_excerpt(evidence=one, case=case, number=0, by=factories.moderator(), prompt=True)
        evidence.forget(evidence=one, by=factories.senior_moderator())
        assert not Excerpt.objects.exists()
