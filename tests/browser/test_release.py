"""What becomes public, in Chromium: two people, time to undo, and a publisher's answer."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from incidents.models import Incident
from reports import embargo, release, reply
from reports.models import Release, Statement
from tests import factories
from tests.browser.conftest import looks
from tests.browser.test_console import TOO_SMALL, TOO_WIDE

pytestmark = pytest.mark.django_db(transaction=True)


def case_page(case):
    return f"/console/reports/case/{case.pk}/change/"


def test_two_people_publish_without_javascript(signed_in_tab):
    case = factories.worded_case(severity="critical")
    first = signed_in_tab(factories.moderator(), java_script_enabled=False).go(case_page(case))
    first.get_by_text("Takes a second person: the severity is high or critical.").wait_for()
    first.get_by_role("button", name="Publish", exact=True).click()
    first.get_by_text("It becomes public once a second person approves it.").wait_for()
    first.get_by_role("link", name="Read what would change").click()
    first.get_by_text("You asked for it yourself").wait_for()
    assert not Incident.objects.exists()

    second = signed_in_tab(factories.second_moderator(), java_script_enabled=False).go("/console/")
    second.locator("dt", has_text="Await a second person").locator("xpath=..").get_by_role("link", name="1").click()
    second.get_by_role("link", name=f"Publish, case {case.pk}").click()
    second.locator("ins", has_text="Nine of ten answers named it.").wait_for()
    second.get_by_role("button", name="Approve as the second person").click()
    second.get_by_text("Done: public as entry #1").wait_for()
    assert Incident.objects.get().severity == "critical"


def test_a_second_person_reads_the_exact_changes(signed_in_tab):
    case = factories.published_case(severity="high")
    type(case).objects.filter(pk=case.pk).update(summary="The model names the same grocer in most answers, unasked.")
    row = release.schedule(case=case, verb="correct", by=factories.moderator(), notice="It is a grocer.")
    page = signed_in_tab(factories.second_moderator()).go(f"/console/reports/release/{row.pk}/change/")
    assert page.locator("h3").all_inner_texts() == ["Summary", "Notice"]
    page.locator("del", has_text="same shop").wait_for()
    page.locator("ins", has_text="same grocer").wait_for()
    page.locator("summary", has_text="Do not approve").click()
    page.get_by_label("Reason, for mira").fill("The shop was right.")
    page.get_by_role("button", name="Do not approve").click()
    page.get_by_text("sami did not approve it: The shop was right.").first.wait_for()
    assert Incident.objects.get().version == 1


def test_the_time_to_undo_counts_down(signed_in_tab, settings):
    settings.UNDO_SECONDS = 30
    page = signed_in_tab(factories.moderator()).go(case_page(factories.worded_case()))
    page.get_by_role("button", name="Publish", exact=True).click()
    left = page.locator(".fl-waiting .fl-countdown")
    before = left.inner_text()
    page.wait_for_function("before => document.querySelector('.fl-countdown').innerText !== before", arg=before)
    seconds = [int(re.search(r"\d+", text)[0]) for text in (before, left.inner_text())]
    assert 30 >= seconds[0] > seconds[1] > 15
    page.get_by_role("button", name="Undo: publish").wait_for()
    page.keyboard.press("u")
    page.get_by_text("Undone: nothing of it became public.").wait_for()
    assert Release.objects.get().state == "undone"


def test_a_case_with_everything_on_it_keeps_the_policy(signed_in_tab, settings):
    settings.UNDO_SECONDS = 30
    case, mira = factories.worded_case(severity="high"), factories.moderator()
    held = embargo.set_embargo(case=case, by=mira, until=timezone.now() + timedelta(days=9), reason="They fix it.")
    embargo.ask_change(embargo=held, by=mira, until=None, reason="It leaked.")
    row = release.schedule(case=case, verb="publish", by=mira)
    reply.make_link(case=case, by=mira, publisher="Example Org")
    tab = signed_in_tab(factories.senior_moderator())
    for address in (case_page(case), f"/console/reports/release/{row.pk}/change/", "/console/reports/release/"):
        page = tab.go(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        if address.endswith("/change/"):
            for look in looks(page, 1440, 390):
                assert page.evaluate(TOO_SMALL) == [], look
                assert page.evaluate(TOO_WIDE) <= 0, look


@pytest.mark.parametrize("script", [True, False])
def test_a_publisher_disputes_and_the_record_says_so(visit, signed_in_tab, script):
    case = factories.published_case()
    made = reply.make_link(case=case, by=factories.moderator(), publisher="Example Org")
    tab = visit(java_script_enabled=script, viewport={"width": 390, "height": 844})
    page = tab.go(f"/reply/{made.token}/")
    page.get_by_role("button", name="Confirm that we have read this").click()
    page.get_by_text("You confirmed on").wait_for()
    page.get_by_label("Your statement").fill("We have tested it. It **does not** do that.")
    page.get_by_label("It is").first.select_option("disputed")
    page.get_by_label("Revision", exact=False).first.wait_for()
    if script:
        assert page.evaluate(TOO_WIDE) <= 0
        assert page.evaluate(TOO_SMALL) == []
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_text("Your answer has arrived").wait_for()
    assert tab.page.context.cookies() == []

    record = tab.go(f"/incidents/{case.incident.public_id}/")
    record.get_by_text("This record is disputed since").wait_for()
    assert "does not" not in record.content()
    tab.page.goto("about:blank")
    sami = signed_in_tab(factories.second_moderator(), java_script_enabled=script).go("/console/")
    sami.locator("dt", has_text="statements to read").locator("xpath=..").get_by_role("link", name="1").click()
    sami.get_by_role("link", name=f"{case.pk}. Chat model").click()
    sami.get_by_role("button", name="Print with the record").click()
    sami.get_by_text("Approved. The record with it becomes public next.").wait_for()
    # Another reader: the first may keep what they read for a minute.
    record = visit(java_script_enabled=script).go(f"/incidents/{case.incident.public_id}/")
    record.get_by_role("heading", name="What the publisher says").wait_for()
    record.locator(".statement strong", has_text="does not").wait_for()
    document = json.loads(bytes(Incident.objects.get().document))
    assert (document["status"], Statement.objects.get().state) == ("disputed", "approved")
