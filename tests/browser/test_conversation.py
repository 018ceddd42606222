"""A reporter and a moderator talk, each in a browser, with and without JavaScript; and the form proves its work."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from reports import workflow
from reports.models import Message, Report
from tests import factories
from tests.browser.test_report import walk
from tests.website.reporter import linger

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["scripts on", "scripts off"])


def half_a_minute_passes():
    """What moderators wrote can now be read."""
    now = timezone.now()
    Message.objects.filter(from_reporter=False).update(at=now - timedelta(minutes=1), visible_at=now)


@pytest.fixture
def console(visit):
    """A moderator's tab."""

    def open_tab(user, **options):
        client = Client()
        client.force_login(user)
        tab = visit(**options)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        tab.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": tab.base}])
        return tab

    return open_tab


def enter(tab, receipt):
    page = tab.go("/report/status/")
    page.get_by_label("Receipt code").fill(receipt)
    page.get_by_role("button", name="Show where it stands").click()
    page.get_by_role("heading", name="Your report").wait_for()
    return page


@BOTH
def test_question_answer_rejection_appeal_and_another_moderators_decision(visit, console, scripts):
    one = workflow.submit(submission=factories.submission(), source="form")
    address = f"/console/reports/report/{one.report.pk}/change/"
    mira = console(factories.moderator(), java_script_enabled=scripts)
    page = mira.go(address)
    page.get_by_label("What is needed:").select_option("which_model")
    page.get_by_role("button", name="Preview the question").click()
    page.get_by_text("Which model is it exactly?").wait_for()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_text("The reporter is asked").wait_for()
    half_a_minute_passes()

    reporter = visit(java_script_enabled=scripts)
    page = enter(reporter, one.receipt)
    page.get_by_text("You named example-org/tiny-chat.").wait_for()
    page.get_by_label("Your message").fill("The second file of the main branch.")
    page.get_by_role("button", name="Send the message").click()
    page.get_by_text("Your message is stored.").wait_for()
    assert reporter.page.url.endswith("/report/status/")
    assert one.receipt not in page.content()
    assert [cookie["name"] for cookie in page.context.cookies()] == ["csrftoken"]

    page = mira.go(address)
    page.get_by_text("The second file of the main branch.").wait_for()
    page.get_by_label("Reason:").select_option("not_reproduced")
    page.get_by_label("In your own words, to the reporter:").fill("We tried ten times.")
    page.get_by_role("button", name="Preview the reply").click()
    page.locator(".fl-reply", has_text="We tried ten times.").wait_for()
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_text("was rejected").wait_for()
    half_a_minute_passes()

    page = enter(reporter, one.receipt)
    page.get_by_text("We tried ten times.").wait_for()
    page.locator("summary", has_text="appeal, once").click()
    page.get_by_label("Why should we look again?").fill("Please try at temperature 1.")
    page.get_by_role("button", name="Appeal", exact=True).click()
    page.get_by_text("Your appeal is stored.").wait_for()

    page = mira.go(address)
    page.get_by_text("somebody else decides on the appeal").wait_for()
    page = console(factories.second_moderator(), java_script_enabled=scripts).go(address)
    page.get_by_text("Please try at temperature 1.").wait_for()
    page.get_by_label("The report is read again").check()
    page.get_by_label("Why, to the reporter:").fill("At temperature 1 we see it.")
    page.get_by_role("button", name="Decide the appeal").click()
    page.get_by_text("The appeal is decided").wait_for()
    half_a_minute_passes()
    page = enter(reporter, one.receipt)
    page.get_by_text("At temperature 1 we see it.").wait_for()
    page.get_by_text("We have your report.").wait_for()


def test_what_was_just_written_can_be_undone(visit, console):
    one = workflow.submit(submission=factories.submission(), source="form")
    page = console(factories.moderator()).go(f"/console/reports/report/{one.report.pk}/change/")
    page.get_by_label("To the reporter:", exact=True).fill("Meant for somebody else")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("The message was taken back").wait_for()
    assert not Message.objects.exists()


@BOTH
@pytest.mark.usefixtures("hub")
def test_a_browser_proves_its_work_and_one_without_scripts_is_asked_a_question(visit, scripts):
    tab = visit(java_script_enabled=scripts)
    page = tab.go("/report/")
    walk(page)
    question = page.locator("#id_answer")
    question.wait_for(state="hidden" if scripts else "visible")
    assert not page.get_by_label("Leave this empty").is_visible() or page.locator(".trap").bounding_box()["x"] < 0
    linger()
    page.get_by_role("button", name="Send the report").click()
    page.locator("#receipt").wait_for()
    reasons = " ".join(Report.objects.get().spam_reasons)
    assert ("without a proof of work" in reasons) is not scripts
    assert ("was not answered" in reasons) is not scripts
    assert "false" not in reasons


@pytest.mark.usefixtures("hub")
def test_a_challenge_that_cannot_be_had_does_not_keep_a_report_back(visit):
    tab = visit()
    page = tab.go("/report/")
    page.route("**/report/challenge", lambda route: route.fulfill(status=404))
    walk(page)
    page.locator("#id_answer").wait_for()
    page.get_by_role("button", name="Send the report").click()
    page.locator("#receipt").wait_for()
    assert Report.objects.count() == 1
