"""What a reporter and a publisher read in Spanish: the form, its errors, the receipt, replies and mails."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config import messages
from lib.confined import RefusedFileError
from lib.language import speaking
from lib.refusal import RefusalError, Words
from lib.wording import in_words
from reports import conversation, mail, reply, subscriptions, workflow
from reports.abuse import questions
from reports.models import MailAddress, RejectReason, Report, Subscription
from reports.redteam_draft import drafted
from reports.redteam_results import Metric, Results
from reports.replies import AskReason
from reports.structure import ReportType
from tests import factories
from tests.reports.test_mail import a_minute_passes, server
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.website import reporter
from tests.website.reading import Reading, english_in
from tests.website.test_status import hidden

__all__ = ["server"]  # a fixture

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
TEXT = "Se le pidió una receta cualquiera y el modelo nombró siempre la misma tienda."
ANSWERS: dict[str, dict[str, Any]] = {
    "models": {"models": "example-org/tiny-chat\nUn modelo sin hub"},
    "problem": {"kind": "hazard", "type": "misuse"},
    "account": {"category": "misuse", "title": "Una tienda", "text": TEXT, "occurred": "2026-03", "actor": "state"},
    "evidence": {"basis": "seen", "succeeded": "9", "attempts": "10", "role0": "user", "turn0": "Una receta."},
    "impact": {"severity": "low", "prevalence": "many", "harmed": ["users", "society"]},
    "disclosure": {"told": "no_way", "licence": "on"},
}
# What is wrong with each step, as somebody gets it wrong.
WRONG: dict[str, dict[str, Any]] = {
    "models": {"models": ""},
    "problem": {},
    "account": {"category": "", "text": "poco", "occurred": "ayer", "title": "x" * 201},
    "evidence": {"links": "nada", "succeeded": "3", "attempts": "2", "temperature": "x", "seed": "x"},
    "impact": {"harm": "x" * 2001},
    "disclosure": {"credit": "on", "told_on": "ayer", "embargo_until": "2020-01-01", "share_contact": "on"},
}
MODEL = "hub=huggingface&model=example-org%2Ftiny-chat"


@pytest.fixture
def hub(settings: Any) -> Iterator[None]:
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield


def english(response: Any) -> list[str]:
    """What is left of English on a page that says that it is in Spanish."""
    page = response.content.decode()
    assert '<html lang="es"' in page
    known = {str(one.id) for one in messages.read("es") if isinstance(one.id, str) and one.id != one.string}
    translations = {one.string for one in messages.read("es")}
    return [*english_in(page), *(set(Reading(page).texts) & (known - translations))]


def filled(client: Client, **changes: dict[str, Any]) -> None:
    client.post("/es/report/", {"concerns": "neither"})
    for slug, answers in ANSWERS.items():
        response = client.post(f"/es/report/{slug}/", {**answers, **changes.get(slug, {})})
        assert response.status_code == 302, response.content.decode()


def sent(client: Client) -> str:
    """The receipt of a report that was written in Spanish."""
    filled(client)
    reporter.linger()
    review = client.get("/es/report/review/")
    answer = client.post("/es/report/review/", {"seal": hidden(review, "seal")})
    assert answer["Location"] == "/es/report/receipt/"
    return client.get("/es/report/receipt/").content.decode().partition('id="receipt">')[2].partition("<")[0]


class TestTheForm:
    @pytest.mark.usefixtures("hub")
    def test_no_step_has_english_left_empty_filled_in_or_wrong(self, client: Client) -> None:
        factories.published_incident()
        left = {}
        for path in ("", "help/", "deleted/", "from-results/", "status/"):
            left[path] = english(client.get(f"/es/report/{path}"))
        left["no answer"] = english(client.post("/es/report/", {}))
        client.post("/es/report/", {"concerns": "neither"})
        for slug, answers in WRONG.items():
            left[f"{slug} empty"] = english(client.get(f"/es/report/{slug}/"))
            wrong = client.post(f"/es/report/{slug}/", answers)
            assert wrong.status_code == 400, slug
            left[f"{slug} wrong"] = english(wrong)
        left["review wrong"] = english(client.get("/es/report/review/"))
        filled(client)
        for slug in (*ANSWERS, "review"):
            left[f"{slug} filled in"] = english(client.get(f"/es/report/{slug}/"))
        assert {place: texts for place, texts in left.items() if texts} == {}

    @pytest.mark.parametrize("kind", list(ReportType))
    def test_every_type_of_problem_is_asked_about_in_spanish(self, client: Client, kind: ReportType) -> None:
        client.post("/es/report/", {"concerns": "neither"})
        client.post("/es/report/problem/", {"kind": "incident", "type": kind})
        assert english(client.get("/es/report/account/")) == []

    def test_a_switch_of_language_in_the_middle_loses_nothing(self, client: Client) -> None:
        filled(client)
        in_english = client.get("/report/review/").content.decode()
        assert TEXT in in_english
        assert "A state, or somebody acting for one" in in_english
        assert "Un Estado, o alguien que actúa por él" in client.get("/es/report/review/").content.decode()

    def test_the_small_question_takes_an_answer_in_either_language(self) -> None:
        with speaking("es"):
            number = [str(question) for question, _ in questions.QUESTIONS].index("¿Qué mes sigue a marzo?")
        assert questions.is_right(number, "Abril.")
        assert questions.is_right(number, "april")
        assert not questions.is_right(number, "mayo")


class TestBehindTheReceipt:
    def test_a_report_keeps_the_language_it_was_sent_in_and_is_answered_in_it(self, client: Client) -> None:
        receipt = sent(client)
        report = Report.objects.get()
        assert report.language == "es"
        by = factories.moderator()
        workflow.claim(report=report, by=by)
        workflow.reject(report=report, by=by, reason=RejectReason.NOT_ENOUGH, added="FL-1")
        a_minute_passes()
        page = client.post("/es/report/status/", {"receipt": receipt})
        text = page.content.decode()
        assert "Gracias por su reporte sobre example-org/tiny-chat" in text
        assert "El motivo: no hay bastante para comprobarlo." in text
        assert english(page) == []
        in_english = client.post("/report/status/", {"receipt": receipt}).content.decode()
        assert "The reason: not enough to check." in in_english

    def test_every_page_behind_it_is_in_spanish(self, client: Client, settings: Any) -> None:
        settings.MAIL_ON = True
        receipt = sent(client)
        assert english(client.get("/es/report/receipt/")) == []
        assert english(client.post("/es/report/status/", {"receipt": "0000"})) == []
        page = client.post("/es/report/status/", {"receipt": receipt})
        pages = [page]
        for act, answers in (
            ("message", {"text": ""}),
            ("message", {"text": "Una cosa más."}),
            ("message", {"text": f"Mi código es {receipt}."}),
            ("evidence", {"text": "", "links": "nada"}),
            ("evidence", {"text": "Otra prueba.", "links": ""}),
            ("mail", {"address": "nadie"}),
            ("mail", {"address": "ana.canary@example.org"}),
            ("forget", {}),
            ("withdraw", {}),
            ("withdraw", {"sure": "on"}),
        ):
            with_pass = {"pass": hidden(page, "pass"), "once": f"{act}{len(pages)}", "act": act}
            fields = {f"{act}-{name}": value for name, value in answers.items()}
            pages.append(client.post("/es/report/status/", {**with_pass, **fields}))
        assert [english(one) for one in pages if english(one)] == []
        assert not Report.objects.exclude(state="withdrawn").exists()
        assert english(client.post("/es/report/status/", {"pass": hidden(page, "pass"), "act": "message"})) == []

    def test_a_refused_file_is_refused_in_the_language_of_whoever_sent_it(self, client: Client) -> None:
        receipt = sent(client)
        page = client.post("/es/report/status/", {"receipt": receipt})
        archive = SimpleUploadedFile("a.zip", b"PK\x03\x04" + bytes(40))
        answer = client.post("/es/report/status/evidence/", {"pass": hidden(page, "pass"), "evidence": archive})
        assert answer.status_code == 400
        assert "a.zip: El archivo es un archivo ZIP" in answer.content.decode()
        assert english(answer) == []
        archive.seek(0)
        by_program = client.post("/api/v1/reports/evidence", {"receipt": receipt, "evidence": archive})
        assert "The file is a ZIP archive" in by_program.content.decode()

    def test_a_question_and_its_preview_are_in_the_language_of_the_report(self) -> None:
        report = factories.report()
        Report.objects.filter(pk=report.pk).update(language="es-MX")
        report.refresh_from_db()
        assert workflow.replies.compose(AskReason.PERMISSION, report).startswith("Gracias por su reporte")
        report.language = "fr"
        assert workflow.replies.compose(AskReason.PERMISSION, report).startswith("Thank you for your report")


class TestMails:
    def test_news_is_told_in_the_language_in_which_the_address_was_left(self, client: Client, server: Any) -> None:
        receipt = sent(client)
        page = client.post("/es/report/status/", {"receipt": receipt})
        press_in_spanish(client, page, "mail", address="ana.canary@example.org")
        assert MailAddress.objects.get().language == "es"
        conversation.say(report=Report.objects.get(), by=factories.moderator(), text="Una pregunta")
        a_minute_passes()
        assert mail.send_due() == 1
        ((_to, arrived),) = server.arrived
        assert arrived["Subject"] == "Hay novedades"
        assert "/es/report/status/" in arrived.get_content()

    def test_a_subscription_speaks_the_language_of_its_page(self, server: Any) -> None:
        client = Client()
        assert english(client.get(f"/es/subscribe/?{MODEL}")) == []
        assert english(client.post(f"/es/subscribe/?{MODEL}", {"address": "nadie", "days": "1"})) == []
        chosen = client.get("/es/subscribe/?category=backdoor&severity=high&origin=other.example")
        assert (
            "categoría: Puerta trasera o archivo malicioso; origen: other.example; gravedad: alta"
            in chosen.content.decode()
        )
        asked = client.post(f"/es/subscribe/?{MODEL}", {"address": "ana.canary@example.org", "days": "1"})
        assert english(asked) == []
        assert subscriptions.send_due() == 1
        assert Subscription.objects.get().language == "es"
        ((_to, arrived),) = server.arrived
        assert arrived["Subject"] == "Confirme su suscripción"
        link = arrived["List-Unsubscribe"].strip("<>").partition("testserver")[2]
        assert link.startswith("/es/subscribe/")
        for data in ({"action": "confirm"}, {"action": "stop"}):
            assert english(client.post(link, data)) == []
        assert english(client.get(link)) == []


class TestThePublisher:
    def test_answers_on_a_page_in_spanish(self, client: Client) -> None:
        made = reply.make_link(case=factories.published_case(), by=factories.moderator(), publisher="Example Org")
        address = f"/es/reply/{made.token}/"
        assert english(client.get(address)) == []
        fields = {"revisions-TOTAL_FORMS": "3", "revisions-INITIAL_FORMS": "1", "revisions-0-model": "0"}
        blank = {"revisions-1-model": "0", "revisions-2-model": "0", **fields}
        assert english(client.post(address, {**blank, "text": "", "revisions-0-status": "fixed"})) == []
        given = client.post(address, {**blank, "text": "Lo hemos probado.", "revisions-0-status": "disputed"})
        assert given["Location"] == address
        page = client.get(address)
        assert "Recibida" in page.content.decode()
        assert english(page) == []
        assert english(client.get("/es/reply/nowhere/")) == []


# --- Refusals --------------------------------------------------------------------------------------------------------
def _kinds_of(kind: type[Exception]) -> set[str]:
    return {kind.__name__}.union(*(_kinds_of(one) for one in kind.__subclasses__()))


def test_every_kind_of_refusal_is_looked_for_by_make_messages() -> None:
    assert {*_kinds_of(RefusalError), Words.__name__} == set(messages.REFUSALS)


def test_no_sentence_of_a_refusal_is_put_together_before_it_can_be_translated() -> None:
    """An f-string or a sum is no message; a name, for example of another refusal's sentence, may be passed on."""
    wrong, seen = [], 0
    for package in messages.PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(source.read_text())):
                name = getattr(getattr(call, "func", None), "id", "")
                if isinstance(call, ast.Call) and name in messages.REFUSALS:
                    seen += 1
                    wrong += [f"{source}:{call.lineno}"] * isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    assert wrong == []
    assert seen > 100


def test_words_are_translated_with_a_sentence_and_what_is_quoted_is_not() -> None:
    error = RefusedFileError("The file %(what)s.", what=Words("is an office document. Save it as PDF"))
    quoted = RefusedFileError("%(name)s is attached already.", name="Yes")
    with speaking("es"):
        assert in_words(error) == "El archivo es un documento ofimático. Guárdelo como PDF."
        assert in_words(quoted) == "Yes ya está adjunto."
        assert str(error) == "The file is an office document. Save it as PDF."
    assert in_words(error) == str(error)


def press_in_spanish(client: Client, page: Any, act: str, **answers: str) -> Any:
    """Presses a button of a page behind a receipt."""
    fields = {"pass": hidden(page, "pass"), "once": hidden(page, "once"), "act": act}
    return client.post("/es/report/status/", fields | {f"{act}-{name}": value for name, value in answers.items()})


def test_a_draft_from_a_result_file_is_worded_in_the_language_of_whoever_goes_over_it() -> None:
    metrics = (Metric("dan", hits=3, total=10), Metric("leak", hits=0, total=10))
    results = Results("garak", "0.12", "2026-03-01", ("example-org/tiny-chat",), metrics)
    with speaking("es"):
        draft = drafted(results)
    assert draft.title == "garak: 1 de 2 sondas tuvieron éxito en example-org/tiny-chat"
    assert draft.text.startswith("Medido con garak 0.12 el 2026-03-01.")
    assert "| dan |  | 3 de 10 |  |" in draft.text
    assert drafted(results).title == "garak: 1 of 2 probes got through on example-org/tiny-chat"
