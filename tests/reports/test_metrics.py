"""The page of metrics: numbers counted independently here, and a fixed number of queries."""

import random
import statistics
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reports import appeals, history, metrics, workflow
from reports.admin.charts import BOTTOM, HEIGHT, TOP, columns
from reports.lane_times import times_by_lane
from reports.lanes import LANES
from reports.models import Appeal, AppealOutcome, RejectReason, Report
from reports.templatetags.console import duration
from tests import factories

pytestmark = pytest.mark.django_db

PAGE = "/console/reports/activity/metrics/"


def percentile(values, part):
    """Linear interpolation between the nearest ranks, as percentile_cont."""
    values = sorted(values)
    place = (len(values) - 1) * part
    low = int(place)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)


def aged_report(hours, **changes):
    report = factories.report(**changes)
    Report.objects.filter(pk=report.pk).update(submitted_at=timezone.now() - timedelta(hours=hours))
    report.refresh_from_db()
    return report


def acted(report, verb, minutes, by, **fields):
    """An activity so many minutes after the report came."""
    moment = report.submitted_at + timedelta(minutes=minutes)
    return history.append(at=moment, actor=by, actor_name=by.username, verb=verb, report=report, **fields)


def test_the_backlog_is_what_waits_with_its_age():
    ages = [1, 2, 5, 30, 100]
    for hours in ages:
        aged_report(hours, category="hidden_promotion" if hours < 10 else "backdoor")
    Report.objects.filter(pk=aged_report(9000).pk).update(state="accepted")
    everything, *by_category = metrics.backlog(timezone.now())
    assert (everything.name, everything.count) == (metrics.ALL, 5)
    assert everything.p50 == pytest.approx(5 * 3600, abs=60)
    assert everything.p95 == pytest.approx(percentile(ages, 0.95) * 3600, abs=60)
    assert {(one.name, one.count) for one in by_category} == {("hidden_promotion", 3), ("backdoor", 2)}


def test_times_run_from_submission_to_the_first_action_and_the_first_decision():
    mira, draw = factories.moderator(), random.Random(7)
    first, decided = [], []
    for hours in range(30, 50):
        report = aged_report(hours)
        first.append(draw.randint(1, 60))
        acted(report, "claim", first[-1], mira)
        if hours % 2:
            decided.append(first[-1] + draw.randint(1, 600))
            acted(report, "reject", decided[-1], mira)
            acted(report, "reopen", decided[-1] + 1, mira)
            acted(report, "accept", decided[-1] + 2, mira)
    to_action, to_decision = (one[0] for one in metrics.times(timezone.now() - timedelta(days=7)))
    assert (to_action.count, to_decision.count) == (20, 10)
    assert to_action.p50 == pytest.approx(60 * statistics.median(first), abs=1)
    assert to_decision.p95 == pytest.approx(60 * percentile(decided, 0.95), abs=1)


def test_every_day_of_the_period_is_there():
    for hours in (1, 25, 26):
        aged_report(hours)
    since, now = metrics.period(7)
    days = metrics.by_day(since, now)
    assert len(days) == 7
    assert (days[0].day, days[-1].day) == (since.date(), now.date())
    assert sum(day.received for day in days) == 3


def test_shares_of_duplicates_and_of_appeals_overturned():
    mira = factories.moderator()
    reports = [aged_report(5) for _ in range(4)]
    case = factories.worded_case(reported=reports[0], by=mira)
    for verb, report in (("accept", reports[1]), ("reject", reports[2]), ("reject", reports[3])):
        acted(report, verb, 60, mira)
    case.reports.add(reports[1])
    Report.objects.filter(pk=reports[2].pk).update(state="rejected", reject_reason="duplicate")
    acted(reports[3], "decide appeal", 90, mira, before="rejected", after="received")
    acted(reports[2], "decide appeal", 95, mira, before="rejected", after="rejected")
    found = metrics.outcomes(timezone.now() - timedelta(days=2))
    assert (found.accepted, found.rejected) == (2, 2)
    assert (found.duplicates.part, found.duplicates.whole) == (2, 4)
    assert found.appeals_overturned.percent == 50


def test_publishers_are_timed_from_the_offer_to_their_first_answer():
    mira, now = factories.moderator(), timezone.now()
    for hours in (2, 6, None):
        case = factories.worded_case(by=mira)
        row = {"at": now - timedelta(hours=9), "actor": mira, "actor_name": "mira", "case": case}
        history.append(verb="offer a reply", **row)
        if hours:
            answer = {**row, "actor": None, "actor_name": "publisher", "at": now - timedelta(hours=9 - hours)}
            history.append(verb="answer", **answer)
    found = metrics.publishers(now - timedelta(days=1))
    assert found.count == 3
    assert found.p50 == pytest.approx(4 * 3600)


def test_the_page_asks_the_same_number_of_queries_however_much_there_is(signed_in):
    client = signed_in(factories.senior_moderator())
    counts = []
    for _ in range(2):
        client.get(PAGE)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(PAGE).status_code == 200
        counts.append(len(captured))
        for hours in range(20):
            acted(aged_report(hours + 1, category="backdoor"), "accept", 5, factories.moderator(f"m{hours}"))
    assert counts[0] == counts[1]
    assert counts[0] <= 22


def test_what_each_moderator_did_is_for_those_who_lead(signed_in):
    acted(aged_report(3), "reject", 10, factories.moderator("tamsin"))
    assert "tamsin" in signed_in(factories.senior_moderator()).get(PAGE).content.decode()
    for user in (factories.moderator(), factories.operator()):
        assert "tamsin" not in signed_in(user).get(PAGE).content.decode()


@pytest.mark.parametrize("asked", ["365", "8", "x", "²", "9" * 50])
def test_any_period_asked_for_gets_a_page(signed_in, asked):
    page = signed_in(factories.moderator()).get(PAGE, {"days": asked})
    assert page.status_code == 200
    assert page.context["days"] in {30, 365}


def test_a_chart_is_drawn_to_scale():
    chart = columns(["a", "b", "c"], [0, 5, 10], [1, 10, 3])
    assert [bar.height for bar in chart.bars] == [0, (HEIGHT - BOTTOM - TOP) / 2, HEIGHT - BOTTOM - TOP]
    assert all(bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM) for bar in chart.bars)
    assert [tick.label for tick in chart.across] == ["0", "5", "10"]
    assert columns([], [], []).bars == []


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0, "0 s"), (59, "59 s"), (90, "2 min"), (7200, "2.0 h"), (100_000, "1.2 d")]
)
def test_durations_read_easily(seconds, shown):
    assert duration(seconds) == shown


def test_each_lane_has_its_own_times():
    mira, sami = factories.moderator(), factories.second_moderator()
    backdoor = aged_report(3, category="backdoor.trigger", models=("org/with-trigger",))
    acted(backdoor, "claim", 30, mira)
    acted(backdoor, "accept", 60, mira)
    appealed = workflow.submit(submission=factories.submission(models=("org/b",)), source="form").report
    workflow.reject(report=appealed, by=mira, reason=RejectReason.NOT_ENOUGH)
    appeal = appeals.appeal(report=appealed, text="Look again.")
    Appeal.objects.filter(pk=appeal.pk).update(at=timezone.now() - timedelta(hours=2))
    appeals.decide(report=appealed, by=sami, outcome=AppealOutcome.UPHELD, text="It stands.")
    first, last = (
        {spread.name: spread for spread in spreads} for spreads in times_by_lane(timezone.now() - timedelta(days=1))
    )
    assert (first["backdoor"].count, first["backdoor"].p50) == (1, 30 * 60)
    assert last["backdoor"].p95 == 60 * 60
    assert (first["all"].count, first["imports"].count, first["written"].p50) == (2, 0, None)
    assert last["appeals"].p50 == pytest.approx(2 * 3600, abs=60)
    assert set(first) == {one.slug for one in LANES} - {"stale"}
