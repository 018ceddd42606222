"""The console in Chromium: one report's way without JavaScript, and every page without a violation of the policy."""

import pytest

from incidents.models import Incident
from reports import workflow
from reports.models import Report
from tests import factories
from tests.browser.conftest import looks

SUMMARY = "The model names the same shop in most answers about cooking, unasked."

pytestmark = pytest.mark.django_db(transaction=True)

# Buttons and fields; links in a line of text are exempt (WCAG 2.2, 2.5.8).
TOO_SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary')]
  .filter(e => e.closest('main') && e.checkVisibility() && !['radio', 'checkbox'].includes(e.type))
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
  .filter(([_, height]) => height < 24)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_report_becomes_public_without_javascript(signed_in_tab):
    factories.report(text="My landlord Ivo uses it, and it names the same shop in nine of ten answers.")
    tab = signed_in_tab(factories.moderator(), java_script_enabled=False)
    page = tab.go("/console/")
    page.get_by_role("button", name="Next report").click()
    page.get_by_text("Held by you.").wait_for()
    page.get_by_text("My landlord Ivo").wait_for()
    page.get_by_role("button", name="Accept into a new case").click()
    page.get_by_text("Not ready to publish").wait_for()
    page.get_by_label("Title:").first.fill("Chat model recommends one shop")
    page.get_by_label("Summary:").fill(SUMMARY)
    page.get_by_label("Description:").fill("### What happened\n\nNine of **ten** answers named it.")
    page.get_by_label("Low: Limited harm").check()
    page.get_by_label("Documented: Transcripts").check()
    page.get_by_label("Medium: Probably true").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".fl-preview strong", has_text="ten").wait_for()
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Done: public as entry").wait_for()
    page.get_by_role("link", name=Incident.objects.get().public_id).click()
    page.get_by_role("heading", name="Chat model recommends one shop").wait_for()
    assert SUMMARY in page.content()
    assert "Ivo" not in page.content()


def test_a_rejection_and_a_correction_without_javascript(signed_in_tab):
    case, report = factories.published_case(), factories.report(title="Second report")
    tab = signed_in_tab(factories.moderator(), java_script_enabled=False)
    page = tab.go("/console/reports/report/")
    page.get_by_role("link", name="Second report").click()
    page.get_by_label("Reason:").select_option("spam")
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_text(f"Report {report.pk} was rejected: spam.").wait_for()
    tab.go(f"/console/reports/case/{case.pk}/change/")
    page.locator("summary", has_text="Correct").click()
    page.locator("#fl-notice-correct").fill("The shop's name was wrong.")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.get_by_text("Done: public as entry").wait_for()
    assert Incident.objects.get().version == 2


def test_every_page_keeps_the_policy_and_has_targets_to_hit(signed_in_tab):
    case = factories.published_case()
    report = factories.report(title="A title", contact="ana@example.org", models=("org/name@main", "My own chat"))
    workflow.reject(report=factories.report(), by=factories.moderator(), reason=workflow.RejectReason.SPAM)
    tab = signed_in_tab(factories.senior_moderator())
    pages = [
        *("/console/", "/console/reports/report/", "/console/reports/report/?state=all", "/console/reports/case/"),
        *(f"/console/reports/report/{report.pk}/change/", f"/console/reports/case/{case.pk}/change/"),
        *("/console/reports/activity/metrics/", "/console/accounts/user/roles/", "/console/reports/erasure/"),
        *("/console/reports/activity/", "/console/catalogue/lookup/", "/console/catalogue/model/"),
        *(
            "/console/incidents/incident/",
            "/console/incidents/publication/",
            "/console/incidents/publication/1/change/",
        ),
    ]
    for url in pages:
        page = tab.go(url)
        if "/reports/" in url and url.endswith("/change/"):
            for look in looks(page, 1440, 390):
                assert page.evaluate(TOO_SMALL) == [], look
                assert page.evaluate(TOO_WIDE) <= 0, look
    assert Report.objects.count() == 3
