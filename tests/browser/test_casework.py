"""One screen for a case and a report in Chromium: personal data taken out by hand and by script, at every width."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reports import workflow
from reports.models import Case
from tests import factories
from tests.browser.conftest import AXE, OF_LOOKS, looks
from tests.browser.test_console import TOO_SMALL, TOO_WIDE

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = (
    "The chat model names the same web shop in most answers about cooking, although nobody asked for one. "
    "Ana Alvarez noticed it; write to ana@example.org for the transcripts of forty prompts."
)
SHOTS = os.environ.get("SCREENSHOTS", "")


def case_with_everything():
    """A case with personal data in its wording, a copy of its report waiting, and both in one wave."""
    reported = factories.report(text=TEXT, contact="Ana Alvarez <ana@example.org>")
    case = factories.worded_case(reported=reported, description=TEXT)
    return case, factories.report(text=TEXT.replace("forty", "fifty"), title="The same again")


def test_personal_data_is_taken_out_without_javascript(signed_in_tab):
    case, _ = case_with_everything()
    page = signed_in_tab(factories.moderator(), java_script_enabled=False).go(
        f"/console/reports/case/{case.pk}/change/"
    )
    page.get_by_label("Title:").first.fill("Chat model advertises")
    # The first button of the form saves; nothing is taken out by pressing Enter in a field.
    page.get_by_label("Title:").first.press("Enter")
    page.get_by_text("Saved.").wait_for()
    assert page.get_by_role("button", name="Publish", exact=True).is_disabled()
    page.get_by_role("button", name="Take out", exact=True).first.click()
    page.get_by_text("Taken out.").wait_for()
    page.get_by_label("or it stays because").select_option("organisation")
    page.get_by_role("button", name="Leave", exact=True).click()
    page.get_by_text("Left readable, with the reason.").wait_for()
    page.get_by_label("Take out this passage").fill("web shop")
    page.get_by_label("as", exact=True).select_option("other")
    page.get_by_role("button", name="Take out", exact=True).click()
    page.get_by_text("Taken out: other 3.").wait_for()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Done: public as entry").wait_for()
    case.refresh_from_db()
    assert case.title == "Chat model advertises"
    public = bytes(case.incident.document).decode()
    assert "[redacted: name] noticed it; write to ana@example.org" in public
    assert "the same [redacted: other] in most" in public
    assert "Alvarez" not in public


def test_selected_wording_goes_into_the_field_of_what_to_take_out(signed_in_tab):
    case, _ = case_with_everything()
    page = signed_in_tab(factories.moderator()).go(f"/console/reports/case/{case.pk}/change/")
    at = TEXT.index("ana@example.org")
    page.locator("#id_description").evaluate(f"field => {{ field.focus(); field.setSelectionRange({at}, {at + 15}); }}")
    expect(page.locator("#fl-passage")).to_have_value("ana@example.org")
    assert page.locator("#fl-passage-category").input_value() == "email"
    page.locator("button[name=redact_passage]").click()
    page.get_by_text("Taken out: email 1.").wait_for()
    assert "[redacted: email 1]" in Case.objects.get(pk=case.pk).description


def test_both_pages_fit_and_keep_the_policy_and_axe_finds_nothing(signed_in_tab):
    case, waiting = case_with_everything()
    workflow.claim(report=waiting, by=factories.senior_moderator())
    tab = signed_in_tab(factories.senior_moderator())
    for kind, pk in (("case", case.pk), ("report", waiting.pk)):
        page = tab.go(f"/console/reports/{kind}/{pk}/change/")
        only: object = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        for number, look in enumerate(looks(page, 1600, 1280, 390)):
            page.reload()  # else colours are read while they change
            assert page.evaluate(TOO_SMALL) == [], look
            assert page.evaluate(TOO_WIDE) <= 0, look
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{kind}-{number}.png", full_page=True)
            said = len(tab.complaints)
            page.evaluate(AXE)
            found = page.evaluate("only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only)
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], look
            # What colours and widths change is all that has to be asked again.
            only = {"type": "rule", "values": OF_LOOKS}
            del tab.complaints[said:]  # the checker's own styles
