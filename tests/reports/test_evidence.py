"""Evidence: stored sealed, given to one report, seen by moderators only, and gone when it is to be gone."""

import hashlib
import json
import os
import resource
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from lib.seal import UnreadableSealError, unseal_file
from reports import appeals, evidence, retention, withdrawal, workflow
from reports.actors import NotAllowedError
from reports.evidence import RefusedFileError, store, sweeping, verbs
from reports.models import Activity, AppealOutcome, Evidence, EvidenceSweep, RejectReason, Report
from tests import factories
from tests.stand_ins import files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    """An empty folder."""
    settings.EVIDENCE_ROOT = tmp_path / "evidence"
    return settings.EVIDENCE_ROOT


def upload(content=b"a line of evidence\n", name="notes.md"):
    return SimpleUploadedFile(name, content)


def stored(root):
    return sorted(path for path in root.glob("??/*") if path.is_file())


def test_a_kept_file_is_described_by_its_row_and_sealed_on_disk(root):
    report = factories.report()
    kept = evidence.keep(upload(files.telling_jpeg(), "../IMG_1.jpg"), report=report)
    assert (kept.name, kept.media_type, kept.report) == ("IMG_1.jpg", "image/jpeg", report)
    [path] = stored(root)
    sealed = path.read_bytes()
    assert path.name == kept.stored_as == hashlib.sha256(sealed).hexdigest()
    assert b"JFIF" not in sealed
    content = unseal_file(sealed)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (kept.size, kept.kept_sha256)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_hash_of_the_original_is_kept_and_the_original_is_not(root):
    original = files.telling_png()
    kept = evidence.keep(upload(original, "a.png"), report=factories.report())
    assert kept.original_sha256 == hashlib.sha256(original).hexdigest() != kept.kept_sha256
    assert all(files.SECRET not in store.get(path.name) for path in stored(root))


def test_the_same_text_twice_lies_in_two_files_so_that_erasing_one_keeps_the_other(root):
    first, second = (evidence.keep(upload(), report=factories.report()) for _ in range(2))
    assert first.kept_sha256 == second.kept_sha256
    assert len(stored(root)) == 2
    store.remove(first.stored_as)
    assert store.get(second.stored_as) == b"a line of evidence\n"


def test_a_changed_byte_or_a_foreign_key_opens_nothing(root, settings):
    kept = evidence.keep(upload(), report=factories.report())
    [path] = stored(root)
    sealed = path.read_bytes()
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", b"x" * 200):
        with pytest.raises(UnreadableSealError):
            unseal_file(broken)
    settings.SEAL_KEYS = ["A" * 43 + "=", *settings.SEAL_KEYS]
    assert store.get(kept.stored_as) == b"a line of evidence\n"
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    with pytest.raises(store.LostFileError):
        store.get(kept.stored_as)


# --- Bounds --------------------------------------------------------------------------------------------------------
def test_a_refused_file_leaves_nothing(root):
    with pytest.raises(RefusedFileError, match="ZIP archive"):
        evidence.keep(upload(files.archive(a=b"b"), "a.png"), report=factories.report())
    assert stored(root) == []
    assert not Evidence.objects.exists()


def test_a_report_holds_so_many_files_and_so_many_bytes(root, monkeypatch):
    report = factories.report()
    monkeypatch.setattr(verbs, "MOST_FILES", 2)
    for number in range(2):
        evidence.keep(upload(b"line %d" % number), report=report)
    with pytest.raises(RefusedFileError, match="2 files"):
        evidence.keep(upload(b"one too many"), report=report)
    monkeypatch.setattr(verbs, "MOST_FILES", 10)
    monkeypatch.setattr(verbs, "MOST_BYTES_OF_A_REPORT", 20)
    with pytest.raises(RefusedFileError, match="MB of files"):
        evidence.keep(upload(b"more than what is left"), report=report)
    assert len(stored(root)) == 2


def test_the_same_file_is_attached_once():
    report = factories.report()
    evidence.keep(upload(), report=report)
    with pytest.raises(RefusedFileError, match="attached already"):
        evidence.keep(upload(name="other.txt"), report=report)


def test_a_file_larger_than_its_sender_says_is_refused(monkeypatch):
    monkeypatch.setattr("reports.evidence.holding.MOST_BYTES", 10)
    with pytest.raises(RefusedFileError, match="larger than"):
        evidence.keep(upload(b"more than ten bytes"), report=factories.report())


def test_a_full_disk_refuses_the_file_and_leaves_the_rest_to_the_database(root, monkeypatch):
    monkeypatch.setattr(store, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(RefusedFileError, match="no room"):
        evidence.keep(upload(), report=factories.report())
    assert stored(root) == []


def test_a_disk_that_fills_while_writing_leaves_no_half_file(root):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(RefusedFileError, match="no room"):
            store.put(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert stored(root) == []


@pytest.mark.parametrize(
    "wrong", [{"media_type": "text/html"}, {"size": 0}, {"original_sha256": "x" * 64}, {"stored_as": ""}]
)
def test_the_database_refuses_a_row_that_describes_no_kept_file(wrong):
    kept = evidence.keep(upload(), report=factories.report())
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.filter(pk=kept.pk).update(**wrong)


# --- Held files ----------------------------------------------------------------------------------------------------
def test_a_held_file_travels_as_a_token_and_belongs_to_the_first_report_that_takes_it():
    held = evidence.hold(upload())
    assert evidence.held_from(held.token) == held
    evidence.attach(evidence.held_from(held.token), report=factories.report())
    with pytest.raises(RefusedFileError, match="another report"):
        evidence.attach(held, report=factories.report())


def test_a_token_that_is_forged_stale_or_leads_nowhere_is_refused(monkeypatch):
    held = evidence.hold(upload())
    for token in ("", "nonsense", held.token[:-1], held.token.replace(held.token[0], "X", 1)):
        with pytest.raises(RefusedFileError, match="choose it again"):
            evidence.held_from(token)
    token = held.token
    store.remove(held.stored_as)
    with pytest.raises(RefusedFileError, match="choose it again"):
        evidence.held_from(token)
    monkeypatch.setattr("reports.evidence.holding.HELD_SECONDS", -1)
    with pytest.raises(RefusedFileError, match="choose it again"):
        evidence.held_from(evidence.hold(upload()).token)


def test_a_report_comes_with_all_its_files_or_not_at_all(monkeypatch):
    monkeypatch.setattr(verbs, "MOST_FILES", 1)
    held = [evidence.hold(upload(b"file %d" % number)) for number in range(2)]
    with pytest.raises(RefusedFileError):
        evidence.submit_with_files(submission=factories.submission(), source="form", files=held)
    assert not Report.objects.exists()
    assert not Activity.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_sendings_at_once_do_not_share_a_file(root):
    held = evidence.hold(upload())
    reports = [factories.report(), factories.report()]
    outcomes, barrier = [], threading.Barrier(2)

    def send(report):
        barrier.wait()
        try:
            outcomes.append(evidence.attach(held, report=report))
        except RefusedFileError as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(report,)) for report in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Evidence", "RefusedFileError"]
    assert Evidence.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_sendings_at_once_stay_within_the_bound(root, monkeypatch):
    monkeypatch.setattr(verbs, "MOST_FILES", 3)
    report = factories.report()
    held = [evidence.hold(upload(b"file %d" % number)) for number in range(8)]
    barrier = threading.Barrier(8)

    def send(one):
        barrier.wait()
        try:
            evidence.attach(one, report=report)
        except RefusedFileError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(one,)) for one in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Evidence.objects.filter(report=report).count() == 3


# --- Who may -------------------------------------------------------------------------------------------------------
def test_only_moderators_look_and_each_look_is_recorded_without_the_files_name():
    kept = evidence.keep(upload(name="ana-schmidt.md"), report=factories.report())
    for nobody in (factories.operator(), factories.account("reader")):
        with pytest.raises(NotAllowedError):
            evidence.content_of(evidence=kept, by=nobody)
    assert evidence.content_of(evidence=kept, by=factories.moderator()) == b"a line of evidence\n"
    looks = list(Activity.objects.filter(report=kept.report).values_list("actor_name", "verb"))
    assert looks[-2:] == [("reporter", "add evidence"), ("mira", "view evidence")]
    assert not Activity.objects.filter(note__contains="ana").exists()


@pytest.mark.django_db(transaction=True)
def test_only_seniors_erase_and_then_row_and_bytes_are_gone_and_the_deed_is_not(root):
    kept = evidence.keep(upload(), report=factories.report())
    with pytest.raises(NotAllowedError):
        evidence.forget(evidence=kept, by=factories.moderator())
    evidence.forget(evidence=kept, by=factories.senior_moderator(), reason="asked to")
    assert stored(root) == []
    assert not Evidence.objects.exists()
    assert Activity.objects.get(verb="forget evidence").note.endswith("asked to")


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_fails_erases_nothing(root):
    kept = evidence.keep(upload(), report=factories.report())
    with transaction.atomic():
        evidence.forget(evidence=kept, by=factories.senior_moderator())
        transaction.set_rollback(True)
    assert Evidence.objects.get().stored_as == kept.stored_as
    assert len(stored(root)) == 1


# --- Sweeping ------------------------------------------------------------------------------------------------------
def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_files_that_no_report_holds_go_after_a_while_and_no_others(root):
    kept = evidence.keep(upload(), report=factories.report())
    orphan, young = evidence.hold(upload(b"never sent")), evidence.hold(upload(b"in a form just now"))
    half = root / "ab" / ("ab" + "0" * 62 + ".new")
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    for path in stored(root):
        if path.name != young.stored_as:
            age(path, sweeping.ORPHAN_SECONDS + 60)
    assert sweeping.sweep() == (1, 0)
    assert {path.name for path in stored(root)} == {kept.stored_as, young.stored_as}
    assert not store.has(orphan.stored_as)


def test_a_file_in_use_by_a_form_is_young_again(root):
    held = evidence.hold(upload())
    age(stored(root)[0], sweeping.ORPHAN_SECONDS + 60)
    evidence.held_from(held.token)
    assert sweeping.sweep() == (0, 0)
    assert store.has(held.stored_as)


def test_a_file_that_is_lost_is_noticed_once(root):
    kept = evidence.keep(upload(), report=factories.report())
    stored(root)[0].unlink()
    assert sweeping.sweep() == (0, 1)
    assert sweeping.sweep() == (0, 0)
    kept.refresh_from_db()
    assert "no longer" in kept.problem
    with pytest.raises(store.LostFileError):
        evidence.content_of(evidence=kept, by=factories.moderator())


def test_the_sweep_is_a_row_that_comes_due_again():
    assert sweeping.sweep_due()
    row = EvidenceSweep.objects.get()
    assert timedelta(minutes=59) < row.due_at - timezone.now() <= timedelta(hours=1)
    assert not sweeping.sweep_due()


def test_a_sweep_that_fails_is_tried_again(settings, monkeypatch):
    monkeypatch.setattr(store, "older_than", lambda _seconds: 1 / 0)
    assert sweeping.sweep_due()
    row = EvidenceSweep.objects.get()
    assert row.last_error.startswith("ZeroDivisionError")
    assert row.strikes == 1


def test_the_workers_sweep_on_every_beat():
    assert "reports.tasks.sweep_evidence" in django_settings.CELERY_BEAT_SCHEDULE


# --- What a moderator sees of a text -------------------------------------------------------------------------------
def test_a_preview_makes_hidden_characters_visible_and_is_capped():
    from reports.evidence import preview

    shown = preview.of("text/plain", "abc\u202edef\u200b\x1b[31m ä 日\n\t\U000e0041".encode())
    assert shown.text == "abc‹U+202E›def‹U+200B›‹U+001B›[31m ä 日\n\t‹U+E0041›"  # noqa: RUF001
    assert not shown.more
    assert shown.results is None
    long = preview.of("text/plain", b"x" * (preview.MOST_CHARACTERS + 1))
    assert (len(long.text), long.more) == (preview.MOST_CHARACTERS, True)


def test_a_preview_of_a_red_team_file_says_what_it_found():
    from reports.evidence import preview

    shown = preview.of("application/jsonl", files.garak_report())
    assert shown.results is not None
    assert shown.results.attempts[0].output == "private answer"
    assert preview.of("application/json", json.dumps({"a": 1}).encode()).results is None


class TestRetention:
    """Files of reports that came to nothing go when their time is over."""

    @staticmethod
    def expired(settings):
        return retention.expire_due(timezone.now() + timedelta(days=settings.EVIDENCE_DAYS + 1))["evidence"]

    @pytest.fixture
    def report(self):
        report = workflow.submit(submission=factories.submission(), source="form").report
        evidence.keep(upload(files.telling_png(), "a.png"), report=report)
        return report

    @pytest.mark.django_db(transaction=True)
    def test_of_a_rejected_report_the_bytes_go_too_but_not_before(self, root, report, settings):
        workflow.reject(report=report, by=factories.moderator(), reason=RejectReason.NOT_ENOUGH)
        assert retention.expire_due(timezone.now() + timedelta(days=settings.EVIDENCE_DAYS - 1))["evidence"] == 0
        assert self.expired(settings) == 1
        assert stored(root) == []
        assert report.activities.last().verb == "forget evidence"
        assert retention.expire_due(timezone.now())["evidence"] == 0

    def test_of_a_report_taken_back_as_well(self, report, settings):
        withdrawal.withdraw(report=report)
        assert self.expired(settings) == 1

    def test_not_while_the_report_waits_is_in_a_case_or_appealed(self, report, settings):
        assert self.expired(settings) == 0
        workflow.reject(report=report, by=factories.moderator(), reason=RejectReason.NOT_ENOUGH)
        appeals.appeal(report=report, text="Look again.")
        assert self.expired(settings) == 0
        appeals.decide(report=report, by=factories.second_moderator(), outcome=AppealOutcome.OVERTURNED, text="Yes.")
        workflow.accept(report=report, by=factories.moderator())
        assert self.expired(settings) == 0
