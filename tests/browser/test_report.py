"""Reporting as somebody does it: by keyboard and mouse, with scripts and without."""

import pytest

from reports import notices
from reports.models import Draft, Report
from tests import factories
from tests.browser.conftest import AXE
from tests.website.reading import english_in

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("models", "problem", "account", "evidence", "impact", "disclosure", "review")
TEXT = "Asked about cooking, the chat recommends one shop by name, unasked, in nine of ten answers."
STORAGE = "localStorage.length + sessionStorage.length"


def go_on(page) -> None:
    page.locator(".form-end button").first.click()


def begin(page) -> None:
    page.get_by_label("Neither").check()
    page.get_by_role("button", name="Continue").click()


def heading(page) -> str:
    return page.locator("h1").inner_text()


def walk(page) -> None:
    """From the screening to the review, as a reporter types."""
    begin(page)
    page.get_by_label("Which model?").fill("example-org/tiny-chat")
    go_on(page)
    page.get_by_label("Not that I know: it is a flaw that could do harm").check()
    page.get_by_label("Something else, or I cannot tell").check()
    go_on(page)
    page.get_by_label("What kind of problem is it?").select_option("hidden_promotion")
    page.get_by_label("What happened?").fill(TEXT)
    page.get_by_label("When?").fill("2026-03")
    go_on(page)
    page.get_by_label("Where can it be seen?").fill("https://example.org/a")
    page.get_by_label("Turn 1, what").fill("A recipe, please.")
    page.get_by_label("Turn 2, what").fill("Buy flour at the shop.")
    page.get_by_role("button", name="More turns").click()
    page.get_by_label("Turn 3, what").fill("And without a shop?")
    page.get_by_label("It happened").fill("9")
    page.get_by_label("times out of").fill("10")
    go_on(page)
    page.get_by_label("Low: Limited harm").check()
    page.get_by_label("People who used the model").check()
    go_on(page)
    page.get_by_label("How can moderators reach you?").fill("reporter@example.org")
    page.get_by_label("may be published under CC BY 4.0").check()
    go_on(page)
    assert heading(page) == "Check your report"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_whole_report_from_screening_to_status(visit, hub, scripts):
    tab = visit(java_script_enabled=scripts)
    page = tab.go("/report/")
    walk(page)
    page.get_by_role("link", name="Change impact").click()
    page.get_by_label("Moderate: Real harm").check()
    page.get_by_role("button", name="Save and return to the review").first.click()
    assert heading(page) == "Check your report"
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_url("**/report/receipt/")
    assert heading(page) == "Thank you. Your report is stored."
    receipt = page.locator("#receipt").inner_text()
    assert receipt not in page.url
    report = Report.objects.get()
    assert (report.kind, report.claimed_severity, report.occurred) == ("hazard", "moderate", "2026-03")
    assert [turn["role"] for turn in report.transcript["turns"]] == ["user", "assistant", "user"]
    assert report.reproduction == {"succeeded": 9, "attempts": 10}

    page.reload()
    assert page.locator("#receipt").inner_text() == receipt
    page.go_back()  # to a page whose draft was sent
    page.wait_for_url("**/report/receipt/")
    page.get_by_role("link", name="see where it stands").click()
    page.get_by_label("Receipt code").fill(receipt)
    page.get_by_role("button", name="Show where it stands").click()
    assert "We have your report." in page.locator("main").inner_text()
    assert receipt not in page.content()
    assert Report.objects.count() == 1
    if scripts:
        assert page.evaluate(STORAGE) == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_a_whole_report_in_spanish_from_screening_to_status(visit, hub, scripts):
    tab = visit(java_script_enabled=scripts, viewport={"width": 320, "height": 800})
    page = tab.go("/es/report/")
    titles = []

    def look() -> None:
        titles.append(heading(page))
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, page.url
        assert english_in(page.content()) == [], page.url

    def next_page() -> None:
        look()
        go_on(page)

    look()
    page.get_by_label("Ninguno de los dos").check()
    page.get_by_role("button", name="Continuar").click()
    page.get_by_label("¿Qué modelo?").fill("example-org/tiny-chat\nUn modelo sin hub")
    if scripts:
        page.locator(".card-found").wait_for()
        page.get_by_text("Borrador guardado a las").wait_for()
    else:
        page.get_by_role("button", name="Ver qué dice el hub").click()
    assert "Licencia declarada" in page.locator(".card-found").inner_text()
    next_page()
    page.get_by_label("No que se sepa").check()
    page.get_by_label("Sí: alguien ocultó algo").check()
    next_page()
    page.get_by_label("¿Qué clase de problema es?").select_option("backdoor")
    assert "uerta trasera" in page.locator("#id_category option:checked").inner_text()
    page.get_by_label("¿Qué ocurrió?").fill("Tras una frase determinada, el modelo ignora sus instrucciones.")
    next_page()
    page.get_by_label("Turno 1, qué").fill("Una receta, por favor.")
    page.get_by_role("button", name="Más turnos").click()
    next_page()
    page.get_by_label("Baja: Daño limitado").check()
    next_page()
    page.get_by_label("puede publicarse bajo CC BY 4.0").check()
    next_page()
    look()
    page.get_by_role("button", name="Enviar el reporte").click()
    page.wait_for_url("**/es/report/receipt/")
    look()
    receipt = page.locator("#receipt").inner_text()
    page.get_by_role("link", name="ver en qué punto está").click()
    look()
    page.get_by_label("Código del acuse de recibo").fill(receipt)
    page.get_by_role("button", name="Mostrar en qué punto está").click()
    assert "Tenemos su reporte." in page.locator("main").inner_text()
    look()
    assert "/es/" in page.url
    assert len(set(titles)) == len(titles)
    assert Report.objects.get().language == "es"


def test_without_scripts_a_button_shows_the_card_and_another_names_the_revision(visit, hub):
    page = visit(java_script_enabled=False).go("/report/")
    begin(page)
    page.get_by_label("Which model?").fill("example-org/tiny-chat")
    page.get_by_role("button", name="See what the hub says").click()
    assert "apache-2.0" in page.locator(".card").inner_text()
    page.get_by_role("button", name="It was this revision").click()
    commit = hub.models["example-org/tiny-chat"][0]["sha"]
    assert page.get_by_label("Which model?").input_value() == f"pkg:huggingface/example-org/tiny-chat@{commit}"


def test_while_somebody_types_cards_and_hints_come_and_the_draft_is_saved(visit, hub):
    incident = factories.published_incident()
    page = visit().go("/report/")
    begin(page)
    page.get_by_label("Which model?").press_sequentially("example-org/tiny-chat", delay=5)
    card = page.locator(".card-found")
    card.wait_for()
    assert "1 published incident" in card.inner_text()
    assert len(hub.requests) <= 2, "one question for what was typed, not one for each key"
    page.get_by_role("button", name="It was this revision").click()
    page.get_by_text("This exact revision is reported.").wait_for()
    go_on(page)
    page.get_by_label("Not that I know").check()
    page.get_by_label("Something else").check()
    go_on(page)
    page.get_by_label("What happened?").fill(TEXT)
    page.get_by_role("button", name="Add my evidence to this one").wait_for()
    page.get_by_text("Draft saved").wait_for()
    page.reload()
    assert page.get_by_label("What happened?").input_value() == TEXT
    page.get_by_role("button", name="Add my evidence to this one").click()
    page.get_by_text(f"You are adding evidence to {incident.public_id}").wait_for()
    assert page.get_by_label("What happened?").input_value() == TEXT
    assert page.evaluate(STORAGE) == 0
    page.get_by_role("button", name="Delete the draft").click()
    assert heading(page) == "Deleted"
    assert not Draft.objects.exists()


def test_what_was_typed_before_the_scripts_came_counts(visit, hub):
    page = visit().go("/report/")
    late = []
    page.route("**/htmx*.js", lambda route: late.append(route))  # noqa: PLW0108 - it is marked, and a method cannot be
    page.get_by_label("Neither").check()
    with page.expect_request("**/htmx*.js"):
        page.get_by_role("button", name="Continue").click(no_wait_after=True)
    page.get_by_label("Which model?").fill("example-org/tiny-chat")
    assert page.locator(".card-found").count() == 0
    for request in late:
        request.continue_()
    page.locator(".card-found").wait_for()
    page.get_by_text("Draft saved").wait_for()


def test_enter_in_a_field_goes_on_and_does_not_press_another_button(visit, hub):
    page = visit(java_script_enabled=False).go("/report/")
    begin(page)
    page.get_by_label("Which model?").fill("example-org/tiny-chat")
    go_on(page)
    page.goto(page.url.replace("problem", "evidence"))
    page.get_by_label("It happened").fill("1")
    page.get_by_label("times out of").fill("2")
    page.get_by_label("times out of").press("Enter")
    assert heading(page) == "Who was harmed, and how badly?"


def test_a_double_click_sends_one_report_and_shows_its_receipt(visit, hub):
    page = visit().go("/report/")
    walk(page)
    page.get_by_role("button", name="Send the report").dblclick(no_wait_after=True)
    page.wait_for_url("**/report/receipt/")
    assert notices.status_for(page.locator("#receipt").inner_text()) is not None
    assert Report.objects.count() == 1


def test_bad_answers_show_errors_at_the_fields_and_keep_what_was_typed(visit, hub):
    page = visit(java_script_enabled=False).go("/report/")
    begin(page)
    page.goto(page.url.replace("models", "account"))
    page.get_by_label("What kind of problem is it?").select_option("bias")
    page.get_by_label("What happened?").fill("too short")
    page.get_by_label("When?").fill("yesterday")
    go_on(page)
    assert page.title().startswith("Error: ")
    summary = page.get_by_role("alert")
    assert "2 things need your attention" in summary.inner_text()
    summary.get_by_role("link", name="What happened?").click()
    assert page.url.endswith("#id_text")
    for name, typed in (("text", "too short"), ("occurred", "yesterday")):
        field = page.locator(f"#id_{name}")
        assert field.input_value() == typed
        assert field.get_attribute("aria-invalid") == "true"
        assert page.locator(f"#id_{name}_error").is_visible()
        assert f"id_{name}_error" in field.get_attribute("aria-describedby")
    page.get_by_label("What happened?").fill(TEXT)
    page.get_by_label("When?").fill("2026")
    go_on(page)
    assert heading(page) == "What shows it?"


def test_danger_leads_elsewhere_and_leaves_no_cookie_of_a_draft(visit):
    tab = visit(java_script_enabled=False)
    page = tab.go("/report/")
    page.get_by_label("Somebody is in danger").check()
    page.get_by_role("button", name="Continue").click()
    assert heading(page) == "Where to turn"
    assert "draft" not in {cookie["name"] for cookie in page.context.cookies()}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_no_step_scrolls_sideways_and_axe_finds_nothing(visit, hub, width, scheme):
    factories.published_incident()
    tab = visit(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = tab.go("/report/")
    walk(page)
    for path in ("", "help/", *(f"{step}/" for step in STEPS), "status/"):
        page = tab.go(f"/report/{path}")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        page.evaluate(AXE)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        assert found["passes"], path
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], path


def test_unknown_receipt_is_said_at_the_field(visit):
    page = visit(java_script_enabled=False).go("/report/status/")
    page.get_by_label("Receipt code").fill("0000-0000-0000-0000-0000-1")
    page.get_by_role("button", name="Show where it stands").click()
    assert "No report has this receipt." in page.locator("#id_receipt_error").inner_text()


def test_receipt_prints_with_the_code_and_without_navigation(visit, hub):
    page = visit().go("/report/")
    walk(page)
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_url("**/report/receipt/")
    page.emulate_media(media="print")
    assert page.locator("#receipt").is_visible()
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert page.locator(".print-only").is_visible()
