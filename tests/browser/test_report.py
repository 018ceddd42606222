"""Reporting as somebody does it: by keyboard and mouse, with scripts off."""

import pytest

from reports.models import Report

pytestmark = pytest.mark.django_db(transaction=True)


def fill(page) -> None:
    """What a reporter types."""
    page.get_by_label("Which model?").fill("example-org/tiny-chat")
    page.get_by_label("What kind of problem is it?").select_option("hidden_promotion")
    page.get_by_label("Not that I know: it is a flaw that could do harm").check()
    page.get_by_label("What happened?").fill("Asked for any recipe, the model names the same shop.")
    page.get_by_label("When?").fill("2026-03")
    page.get_by_label("Where can the evidence be seen?").fill("https://example.org/a")
    page.get_by_label("How can moderators reach you?").fill("reporter@example.org")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])
def test_report_receipt_status(visit, scripts):
    tab = visit(java_script_enabled=scripts)
    page = tab.go("/report/")
    fill(page)
    page.get_by_role("button", name="Send the report").click()
    assert page.locator("h1").inner_text() == "Thank you. Your report is stored."
    receipt = page.locator("#receipt").inner_text()
    assert receipt not in page.url
    report = Report.objects.get()
    assert report.kind == "hazard"
    assert report.links == ["https://example.org/a"]

    page.get_by_role("link", name="see where it stands").click()
    page.get_by_label("Receipt code").fill(receipt)
    page.get_by_role("button", name="Show where it stands").click()
    assert "We have your report." in page.locator("main").inner_text()
    assert receipt not in page.content()


def test_bad_report_shows_errors_at_the_fields_and_keeps_what_was_typed(visit):
    tab = visit(java_script_enabled=False)
    page = tab.go("/report/")
    fill(page)
    page.get_by_label("What happened?").fill("too short")
    page.get_by_label("When?").fill("yesterday")
    page.get_by_role("button", name="Send the report").click()
    assert Report.objects.count() == 0
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
    assert page.get_by_label("Which model?").input_value() == "example-org/tiny-chat"
    assert page.get_by_label("Not that I know: it is a flaw that could do harm").is_checked()
    assert page.get_by_label("How can moderators reach you?").input_value() == "reporter@example.org"

    page.get_by_label("What happened?").fill("Asked for any recipe, the model names the same shop.")
    page.get_by_label("When?").fill("2026")
    page.get_by_role("button", name="Send the report").click()
    assert page.locator("#receipt").is_visible()


def test_unknown_receipt_is_said_at_the_field(visit):
    page = visit(java_script_enabled=False).go("/report/status/")
    page.get_by_label("Receipt code").fill("0000-0000-0000-0000-0000-1")
    page.get_by_role("button", name="Show where it stands").click()
    assert "No report has this receipt." in page.locator("#id_receipt_error").inner_text()


def test_receipt_prints_with_the_code_and_without_navigation(visit):
    page = visit().go("/report/")
    fill(page)
    page.get_by_role("button", name="Send the report").click()
    page.emulate_media(media="print")
    assert page.locator("#receipt").is_visible()
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert page.locator(".print-only").is_visible()
