"""Reports and cases in any order of verbs by several people, against a model that knows nothing of the code.

The model keeps plain sets, and says before each verb whether it must be allowed; after each, every row must be where
the model has it.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from incidents import log
from incidents.models import Incident, Publication
from reports import grouping, leases, merging, undoing, workflow
from reports.actors import NotAllowedError, NotReadyError, WrongStateError
from reports.models import Activity, Case, Decision, Merge, RejectReason, Report
from tests import factories

PEOPLE = ("mira", "sami", "olu", "otto")
MODERATORS = {"mira", "sami", "olu"}
SENIOR = "olu"
LIVE = {"open", "published", "disputed"}
PUBLIC = {"published", "disputed"}
WORDING = {
    "title": "Chat model recommends one shop",
    "summary": "The model names the same shop in most answers about cooking, unasked.",
    "category": "hidden_promotion",
}
who = st.sampled_from(PEOPLE)
pick = st.integers(min_value=0, max_value=50)


@dataclass
class AReport:
    state: str = "received"
    holder: str = ""
    cases: set[int] = field(default_factory=set)


@dataclass
class ACase:
    state: str = "open"
    worded: bool = False
    into: int = 0
    before: str = ""
    brought: set[int] = field(default_factory=set)
    entries: int = 0


@dataclass
class ADecision:
    report: int
    case: int
    opened: bool
    state: str
    held: bool
    moment: int


class Life(RuleBasedStateMachine):
    """Every verb, with whoever and on whatever."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.people = {
            "mira": factories.moderator(),
            "sami": factories.second_moderator(),
            "olu": factories.senior_moderator(),
            "otto": factories.operator(),
        }
        self.reports: dict[int, AReport] = {}
        self.cases: dict[int, ACase] = {}
        self.decisions: dict[str, ADecision] = {}
        self.touched: dict[tuple[str, int], int] = {}
        self.moment = 0
        self.activities = Activity.objects.count()

    def teardown(self):
        problems = list(log.problems())
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        assert problems == []

    # --- Helpers ---
    def report(self, number):
        return list(self.reports)[number % len(self.reports)]

    def case(self, number):
        return list(self.cases)[number % len(self.cases)]

    def touch(self, *rows):
        self.moment += 1
        for row in rows:
            self.touched[row] = self.moment

    def must(self, allowed, verb, **arguments):
        """Calls the verb, which must be refused exactly where the model says so. Returns what it returned."""
        result, refusal = None, None
        try:
            with transaction.atomic():
                result = verb(**arguments)
        except (NotAllowedError, WrongStateError, NotReadyError) as error:
            refusal = error
        assert (refusal is None) == allowed, f"{verb.__name__}: {refusal or 'allowed'}"
        return result

    def in_case(self, number):
        return {pk for pk, report in self.reports.items() if number in report.cases}

    def mine(self, report, by):
        return report.holder in ("", by)

    def decided(self, by, pk, before, *, case=0, opened=False):
        rows = [("report", pk), *([("case", case)] if case else [])]
        self.touch(*rows)
        held = before.holder == by
        self.decisions[by] = ADecision(pk, case, opened, before.state, held, self.moment)

    # --- Reports ---
    @rule()
    def submit(self):
        self.reports[factories.report().pk] = AReport()

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def claim(self, number, by):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state in ("received", "in_review") and self.mine(report, by)
        self.must(ok, workflow.claim, report=Report(pk=pk), by=self.people[by])
        if ok:
            report.state, report.holder = "in_review", by
            self.touch(("report", pk))

    @precondition(lambda self: self.reports)
    @rule(number=pick)
    def the_lease_runs_out(self, number):
        pk = self.report(number)
        Report.objects.filter(pk=pk, state="in_review").update(held_until=timezone.now() - timedelta(seconds=1))
        self.reports[pk].holder = ""

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def release(self, number, by):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state == "in_review" and (self.mine(report, by) or by == SENIOR)
        self.must(ok, workflow.release, report=Report(pk=pk), by=self.people[by])
        if ok:
            before = AReport(report.state, report.holder)
            report.state, report.holder = "received", ""
            self.decided(by, pk, before)

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def skip(self, number, by):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state in ("received", "in_review") and self.mine(report, by)
        self.must(ok, leases.skip, report=Report(pk=pk), by=self.people[by])
        if ok:
            report.state, report.holder = "received", ""
            self.touch(("report", pk))

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who, reason=st.sampled_from(["", "I speak the language."]))
    def take_over(self, number, by, reason):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state == "in_review" and not self.mine(report, by) and bool(reason)
        self.must(ok, leases.steal, report=Report(pk=pk), by=self.people[by], reason=reason)
        if ok:
            report.holder = by
            self.touch(("report", pk))

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def reject(self, number, by):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state in ("received", "in_review") and self.mine(report, by)
        self.must(ok, workflow.reject, report=Report(pk=pk), by=self.people[by], reason=RejectReason.SPAM)
        if ok:
            before = AReport(report.state, report.holder)
            report.state, report.holder = "rejected", ""
            self.decided(by, pk, before)

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def reopen(self, number, by):
        pk = self.report(number)
        ok = by in MODERATORS and self.reports[pk].state == "rejected"
        self.must(ok, workflow.reopen, report=Report(pk=pk), by=self.people[by])
        if ok:
            self.reports[pk].state = "received"
            self.touch(("report", pk))

    @precondition(lambda self: self.reports)
    @rule(number=pick, by=who)
    def accept(self, number, by):
        pk = self.report(number)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state in ("received", "in_review") and self.mine(report, by)
        case = self.must(ok, workflow.accept, report=Report(pk=pk), by=self.people[by])
        if ok:
            before = AReport(report.state, report.holder)
            self.cases[case.pk] = ACase()
            report.state, report.holder = "accepted", ""
            report.cases.add(case.pk)
            self.decided(by, pk, before, case=case.pk, opened=True)

    @precondition(lambda self: self.reports and self.cases)
    @rule(number=pick, into=pick, by=who)
    def group(self, number, into, by):
        pk, chosen = self.report(number), self.case(into)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state in ("received", "in_review") and self.mine(report, by)
        ok = ok and self.cases[chosen].state in LIVE
        self.must(ok, workflow.accept, report=Report(pk=pk), by=self.people[by], case=Case(pk=chosen))
        if ok:
            before = AReport(report.state, report.holder)
            report.state, report.holder = "accepted", ""
            report.cases.add(chosen)
            self.decided(by, pk, before, case=chosen)

    @precondition(lambda self: self.decisions)
    @rule(by=st.sampled_from(sorted(MODERATORS)), late=st.booleans())
    def undo(self, by, late):
        known = self.decisions.get(by)
        found = undoing.latest(self.people[by])
        assert bool(found) == bool(known)
        if not known:
            return
        if late:
            self.forget(by)
        rows = [("report", known.report), *([("case", known.case)] if known.case else [])]
        ok = not late and all(self.touched[row] <= known.moment for row in rows)
        self.must(ok, undoing.undo_one, decision=found[0], by=self.people[by])
        if ok:
            report = self.reports[known.report]
            report.state = known.state
            report.holder = by if known.held and known.state == "in_review" else ""
            report.cases.discard(known.case)
            if known.opened:
                self.cases[known.case].state = "closed"
            self.touch(*rows)
            self.forget(by)

    def forget(self, by):
        Decision.objects.filter(by=self.people[by]).update(at=timezone.now() - timedelta(seconds=31))
        self.decisions.pop(by, None)

    # --- Which reports in which cases ---
    @precondition(lambda self: self.reports and self.cases)
    @rule(number=pick, into=pick, by=who)
    def add_to_case(self, number, into, by):
        pk, chosen = self.report(number), self.case(into)
        report = self.reports[pk]
        ok = by in MODERATORS and report.state == "accepted" and self.cases[chosen].state in LIVE
        ok = ok and chosen not in report.cases
        self.must(ok, grouping.add, report=Report(pk=pk), by=self.people[by], case=Case(pk=chosen))
        if ok:
            report.cases.add(chosen)
            self.touch(("report", pk), ("case", chosen))

    @precondition(lambda self: self.reports and self.cases)
    @rule(number=pick, out_of=pick, by=who)
    def take_out(self, number, out_of, by):
        pk, chosen = self.report(number), self.case(out_of)
        report = self.reports[pk]
        ok = by in MODERATORS and self.cases[chosen].state in LIVE
        ok = ok and chosen in report.cases and len(self.in_case(chosen)) > 1
        self.must(ok, grouping.take_out, report=Report(pk=pk), by=self.people[by], case=Case(pk=chosen))
        if ok:
            report.cases.discard(chosen)
            if not report.cases:
                report.state = "received"
            self.touch(("report", pk), ("case", chosen))

    @precondition(lambda self: self.cases)
    @rule(number=pick, by=who)
    def split(self, number, by):
        chosen = self.case(number)
        inside = sorted(self.in_case(chosen))
        moving = inside[::2]
        ok = by in MODERATORS and self.cases[chosen].state in LIVE and 0 < len(moving) < len(inside)
        moved = Report.objects.filter(pk__in=moving)
        new = self.must(ok, merging.split, case=Case(pk=chosen), reports=moved, models=[], by=self.people[by])
        if ok:
            self.cases[new.pk] = ACase()
            for pk in moving:
                self.reports[pk].cases ^= {chosen, new.pk}
            self.touch(("case", chosen), ("case", new.pk))

    # --- Cases ---
    @precondition(lambda self: self.cases)
    @rule(number=pick)
    def word(self, number):
        chosen = self.case(number)
        Case.objects.filter(pk=chosen).update(**WORDING)
        if not Case.objects.get(pk=chosen).models.exists():
            Case.objects.get(pk=chosen).models.create(name="A model")
        self.cases[chosen].worded = True

    @precondition(lambda self: self.cases)
    @rule(number=pick, by=who)
    def publish(self, number, by):
        chosen = self.case(number)
        case = self.cases[chosen]
        ok = by in MODERATORS and case.state == "open" and case.worded
        if case.state == "open" and not case.worded:
            return  # whether it is ready without wording is no question of its life
        self.must(ok, workflow.publish, case=Case(pk=chosen), by=self.people[by])
        if ok:
            case.state, case.entries = "published", 1
            self.touch(("case", chosen))

    @precondition(lambda self: self.cases)
    @rule(number=pick, by=who, verb=st.sampled_from(["correct", "dispute", "withdraw"]))
    def revise(self, number, by, verb):
        chosen = self.case(number)
        case = self.cases[chosen]
        ok = by in MODERATORS and case.state in {"dispute": {"published"}}.get(verb, PUBLIC)
        ok = ok and (verb != "withdraw" or by == SENIOR)
        self.must(ok, getattr(workflow, verb), case=Case(pk=chosen), by=self.people[by], notice="So it is.")
        if ok:
            case.state = {"correct": "published", "dispute": "disputed", "withdraw": "withdrawn"}[verb]
            case.entries += 1
            self.touch(("case", chosen))

    @precondition(lambda self: len(self.cases) > 1)
    @rule(number=pick, into=pick, by=who)
    def merge(self, number, into, by):
        one, other = self.case(number), self.case(into)
        case, survivor = self.cases[one], self.cases[other]
        public = case.state in PUBLIC
        ok = by in MODERATORS and one != other and {case.state, survivor.state} <= LIVE
        ok = ok and (not public or (survivor.state in PUBLIC and by == SENIOR))
        arguments = {"case": Case(pk=one), "into": Case(pk=other), "by": self.people[by], "notice": "The same."}
        self.must(ok, merging.merge, **arguments)
        if ok:
            case.before, case.state, case.into = case.state, "merged", other
            case.brought = self.in_case(one) - self.in_case(other)
            case.entries += public
            for pk in case.brought:
                self.reports[pk].cases.add(other)
            self.touch(("case", one), ("case", other))

    @precondition(lambda self: any(case.state == "merged" for case in self.cases.values()))
    @rule(number=pick, by=who)
    def unmerge(self, number, by):
        one = self.case(number)
        case = self.cases[one]
        survivor = self.cases.get(case.into)
        ok = by in MODERATORS and case.state == "merged" and survivor.state != "merged"
        ok = ok and (case.before not in PUBLIC or by == SENIOR)
        self.must(ok, merging.unmerge, case=Case(pk=one), by=self.people[by], notice="Not the same.")
        if ok:
            case.state = case.before
            case.entries += case.before in PUBLIC
            for pk in case.brought:
                self.reports[pk].cases.discard(case.into)
            self.touch(("case", one), ("case", case.into))

    # --- After every verb ---
    @invariant()
    def every_report_is_where_the_model_has_it(self):
        now = timezone.now()
        for row in Report.objects.filter(pk__in=self.reports).select_related("owner").prefetch_related("cases"):
            known = self.reports[row.pk]
            holder = row.owner.username if row.owner and row.held_until > now else ""
            assert (row.state, holder) == (known.state, known.holder)
            assert {case.pk for case in row.cases.all()} == known.cases
            assert (row.state == "rejected") == bool(row.reject_reason)

    @invariant()
    def every_case_and_its_record_are_where_the_model_has_them(self):
        for row in Case.objects.filter(pk__in=self.cases).select_related("incident"):
            known = self.cases[row.pk]
            assert row.state == known.state
            record = row.incident
            assert bool(record) == bool(known.entries)
            if record:
                assert record.version == known.entries
                assert record.status == ("withdrawn" if known.state in ("withdrawn", "merged") else known.state)
                stands = Case.objects.get(pk=known.into).incident if known.state == "merged" else None
                assert record.superseded_by == (stands.public_id if stands else "")

    @invariant()
    def the_log_is_whole_and_nothing_is_forgotten(self):
        assert Publication.objects.count() == sum(case.entries for case in self.cases.values())
        assert Incident.objects.count() == sum(bool(case.entries) for case in self.cases.values())
        assert Merge.objects.filter(parted_at=None).count() == sum(c.state == "merged" for c in self.cases.values())
        known = Activity.objects.count()
        assert known >= self.activities
        self.activities = known


@pytest.mark.django_db
def test_any_order_of_verbs_leads_where_an_independent_model_says():
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
