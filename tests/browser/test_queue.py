"""The queue in Chromium: by keyboard alone, with the keys switched off, and in both colour schemes."""

import pytest

from reports import undoing, workflow
from reports.models import ConsolePreference, Report, ReportState
from tests import factories
from tests.browser.conftest import looks
from tests.browser.test_console import TOO_SMALL, TOO_WIDE

pytestmark = pytest.mark.django_db(transaction=True)

# What a person does with ten reports: keys, and the state each leads to.
TEN = "dAddAdAddm"


def keys(page, *presses):
    """Presses keys as a person would, each once the page of the last has come."""
    for press in presses:
        page.keyboard.press(press)


def decide(page, kind):
    """Decides on the report on the screen by keys alone, and waits for the next page."""
    before = page.url
    if kind == "d":
        keys(page, "d")
        page.keyboard.type("Not enough")
        keys(page, "Enter")
    elif kind == "m":
        keys(page, "m", "ArrowDown", "Enter")
    else:
        keys(page, kind)
    page.wait_for_function("before => location.href !== before && document.readyState === 'complete'", arg=before)


def test_a_moderator_clears_ten_reports_by_keyboard_alone(signed_in_tab):
    reports = [factories.report(title=f"Report {number}", models=(f"org/model-{number}",)) for number in range(10)]
    mira = factories.moderator()
    page = signed_in_tab(mira).go("/console/reports/report/")
    page.evaluate("document.addEventListener('pointerdown', () => { throw new Error('a pointer was used') })")
    keys(page, "n")
    page.wait_for_url("**/change/")
    for kind in TEN:
        decide(page, kind)
    page.get_by_text("No report waits for somebody to claim it.").wait_for()
    states = [Report.objects.get(pk=report.pk).state for report in reports]
    assert states == [ReportState.REJECTED if kind == "d" else ReportState.ACCEPTED for kind in TEN]
    assert Report.objects.filter(cases__reports__gt=0).distinct().count() == TEN.count("A") + 1
    keys(page, "u")
    page.get_by_text(f"Undone: report {reports[-1].pk}.").wait_for()
    assert Report.objects.get(pk=reports[-1].pk).holder == mira
    keys(page, "s")
    page.get_by_text("is not offered to you for 8 hours").wait_for()


def test_rows_are_walked_chosen_and_opened_and_help_says_how(signed_in_tab):
    for number in range(3):
        factories.report(title=f"Report {number}", models=(f"org/model-{number}",))
    page = signed_in_tab(factories.moderator()).go("/console/reports/report/")
    keys(page, "j", "j", "x")
    assert page.evaluate("document.activeElement.textContent").endswith("Report 1")
    assert page.locator("input.action-select:checked").count() == 1
    keys(page, "k", "?")
    page.get_by_role("dialog", name="Keyboard").wait_for()
    keys(page, "Escape", "j", "Enter")
    page.get_by_role("heading", name="Report 1", exact=True).wait_for()
    # A key is text wherever one types.
    page.get_by_label("Note:").fill("")
    page.get_by_label("Note:").press("n")
    assert page.get_by_label("Note:").input_value() == "n"


def test_keys_that_are_off_press_nothing_until_they_are_on_again(signed_in_tab):
    report = factories.report()
    page = signed_in_tab(factories.moderator()).go(f"/console/reports/report/{report.pk}/change/")
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_role("button", name="Switch shortcuts off").click()
    page.get_by_text("Keyboard shortcuts are off for your account.", exact=True).wait_for()
    assert not ConsolePreference.objects.get().shortcuts
    keys(page, "a", "n", "s", "?")
    page.wait_for_timeout(300)
    assert page.url.endswith(f"/{report.pk}/change/")
    assert not page.get_by_role("dialog").is_visible()
    assert Report.objects.get().state == ReportState.RECEIVED
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_role("button", name="Switch shortcuts on").click()
    page.get_by_text("Keyboard shortcuts are on for your account.", exact=True).wait_for()
    keys(page, "c")
    page.get_by_text("Held by you.").wait_for()


def test_a_hold_is_renewed_while_the_page_is_open_and_its_loss_is_said(signed_in_tab):
    report, mira = factories.report(), factories.moderator()
    workflow.claim(report=report, by=mira)
    tab = signed_in_tab(mira)
    page = tab.go(f"/console/reports/report/{report.pk}/change/")
    page.get_by_text("The hold is renewed while this page is open.").wait_for()
    workflow.release(report=report, by=mira)
    workflow.claim(report=report, by=factories.second_moderator())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("somebody took it over").wait_for()
    tab.complaints = [one for one in tab.complaints if "409" not in one]


def test_a_case_is_saved_and_published_by_keys(signed_in_tab):
    case = factories.worded_case()
    page = signed_in_tab(factories.moderator()).go(f"/console/reports/case/{case.pk}/change/")
    page.get_by_label("Title:").first.fill("Worded by hand, saved by a key")
    keys(page, "Escape", "w")
    page.get_by_text("Saved.").wait_for()
    keys(page, "p")
    page.get_by_text("Done: public as entry").wait_for()
    case.refresh_from_db()
    assert case.incident.title == "Worded by hand, saved by a key"


def test_lanes_the_dry_run_and_the_bar_keep_the_policy_and_have_targets_to_hit(signed_in_tab):
    chosen = factories.report(title="One", models=("org/one",))
    workflow.reject(report=factories.report(), by=factories.moderator(), reason=workflow.RejectReason.SPAM)
    page = signed_in_tab(factories.moderator()).go("/console/reports/report/?lane=normal")
    assert undoing.latest(factories.moderator())
    page.get_by_role("button", name="Undo").wait_for()
    page.locator("input.action-select").check()
    page.locator("select[name=action]").select_option("reject_chosen")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    page.get_by_text("Nothing has been done yet.").wait_for()
    for look in looks(page, 1440, 390):
        assert page.evaluate(TOO_SMALL) == [], look
        assert page.evaluate(TOO_WIDE) <= 0, look
    page.get_by_label("Reason:").select_option("spam")
    page.get_by_role("button", name="Reject 1 report").click()
    page.get_by_text("1 report rejected: spam. 0 left as they were.").wait_for()
    assert Report.objects.get(pk=chosen.pk).state == ReportState.REJECTED
