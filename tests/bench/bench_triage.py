"""A scripted moderator through 100 mixed reports in Chromium, by keys and by pointer: seconds and presses a report.

The time is the console's and the browser's alone: nobody reads. Run by hand: `make bench ARGS="-k triage"`.
"""

import random
import time

import pytest
from django.conf import settings
from django.test import Client

from reports import queue
from reports.models import Report, ReportState
from tests import factories
from tests.browser.conftest import browser, visit  # noqa: F401 - fixtures

REPORTS = 100
# Seconds that "next" may take with 5,000 reports waiting, 125 on each model, on a busy machine.
LONGEST = 10
# Of ten reports: six are declined, two open a case, one joins a case, one is skipped.
MIX = "ddddddAAms"
REASONS = ("Spam", "Not about", "Not enough", "Already")

pytestmark = pytest.mark.django_db(transaction=True)


def decide_by_keys(page, kind, reason):
    """Returns how many keys were pressed; letters that choose a reason count as one."""
    if kind == "d":
        page.keyboard.press("d")
        page.keyboard.type(reason)
        page.keyboard.press("Enter")
        return 3
    if kind == "m":
        for key in ("m", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        return 3
    page.keyboard.press(kind)
    return 1


def decide_by_pointer(page, kind, reason):
    """Returns how many clicks it took; choosing from a list counts as two."""
    if kind == "d":
        options = page.get_by_label("Reason:").locator("option").all_inner_texts()
        page.get_by_label("Reason:").select_option(label=next(one for one in options if one.startswith(reason)))
        page.get_by_role("button", name="Reject, then next").click()
        return 3
    if kind == "m":
        page.get_by_label("Case:").select_option(index=1)
        page.get_by_role("button", name="Into this case, then next").click()
        return 3
    page.get_by_role("button", name={"A": "Accept, then next", "s": "Skip, then next"}[kind]).click()
    return 1


@pytest.mark.parametrize("decide", [decide_by_keys, decide_by_pointer])
def test_a_hundred_mixed_reports(visit, decide):  # noqa: F811
    dice = random.Random(5)
    for number in range(REPORTS):
        kind = dice.choice(["incident", "incident", "hazard", "measurement"])
        category = dice.choice(["bias", "backdoor.trigger", "misuse.phishing", "privacy_leak"])
        models = (f"org/model-{dice.randrange(25)}",)
        factories.report(title=f"Report {number}", kind=kind, category=category, models=models)
    factories.worded_case()
    client, tab = Client(), visit(viewport={"width": 1440, "height": 900})
    client.force_login(factories.moderator())
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    tab.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": tab.base}])
    page = tab.go("/console/reports/report/")
    started, presses, times, decided = time.perf_counter(), 1, [], 0
    page.keyboard.press("n")
    page.wait_for_url("**/change/")
    while "/change/" in page.url:
        began, kind = time.perf_counter(), MIX[decided % len(MIX)]
        before = page.url
        presses += decide(page, kind, dice.choice(REASONS))
        page.wait_for_function("was => location.href !== was && document.readyState === 'complete'", arg=before)
        times.append(time.perf_counter() - began)
        decided += 1
    took = time.perf_counter() - started
    times.sort()
    print(
        f"{decide.__name__:18} {decided} reports in {took:.1f} s: {took / decided:.2f} s and {presses / decided:.2f} "
        f"presses each; p50 {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s"
    )
    assert decided == REPORTS
    skipped = Report.objects.filter(state=ReportState.RECEIVED)
    assert skipped.count() == REPORTS * MIX.count("s") // len(MIX)
    assert queue.claim_next(by=factories.second_moderator()) is not None


def test_the_queue_of_5000_reports():
    """What "next", the counts of all lanes and the order cost, once many wait."""
    for number in range(50):
        factories.report(models=(f"org/model-{number % 40}",))
    one = factories.report()
    named = one.named_models.get()
    rows = Report.objects.bulk_create(
        Report(source="form", text="x" * 40, category="bias", kind="incident", content_digest=f"{number:064}")
        for number in range(5000)
    )
    aliases = list(type(named).objects.values_list("alias_id", flat=True).distinct())
    type(named).objects.bulk_create(
        type(named)(report=row, asked="a model", alias_id=aliases[row.pk % len(aliases)]) for row in rows
    )
    moderator = factories.moderator()
    for name, work in {
        "next": lambda: queue.claim_next(by=moderator),
        "counts": lambda: queue.counts(moderator),
    }.items():
        began = time.perf_counter()
        assert work()
        took = time.perf_counter() - began
        print(f"{name:8} {took * 1000:9.1f} ms with {len(rows)} waiting")
        assert took < LONGEST
