"""The slower job, against a stand-in hub and its file server over real HTTP."""

import io
import json
import pickle
import threading
import zipfile
from collections import OrderedDict
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from catalogue import huggingface_calls, inspections, limits
from catalogue.hub import Reference, hubs
from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Inspection, Lookup, Model, Snapshot
from catalogue.naming import name_model
from lib.due import lease_next
from reports import workflow
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_file, example_model, example_verdict
from tests.stand_ins.ranges import StandInFiles

pytestmark = pytest.mark.django_db

NAME = "example-org/tiny-chat"
HONEST = pickle.dumps(OrderedDict(a=[1, 2]), 2)
EVIL = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."
CALLS = 7  # for a model with a card, and without datasets, files with pickles or a reported commit


def torch_zip(data, size=100_000):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", bytes(size))
    return buffer.getvalue()


@pytest.fixture
def files():
    with StandInFiles(host="localhost") as files:
        yield files


@pytest.fixture
def hub(settings, files):
    with StandInHub([example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        hub.cdn = files
        hub.users.add("example-org")
        hub.discussions[NAME] = 5
        hub.contents[NAME, "README.md"] = b"# Tiny chat"
        yield hub


def look_up(revision=""):
    name_model(Reference("huggingface", NAME, revision))
    Lookup.objects.update(due_at=timezone.now())
    look_up_due()


def inspection():
    return Inspection.objects.get()


def make_due():
    Inspection.objects.update(due_at=timezone.now())


def inspect_again(hub):
    """How many calls inspecting it again takes."""
    make_due()
    hub.requests.clear()
    inspect_due()
    return len(hub.requests)


def file_of(path):
    return next(file for file in inspection().safety["files"] if file["path"] == path)


def outcome(path):
    scan = file_of(path)["scan"]
    return scan and scan["outcome"]


# --- The job -------------------------------------------------------------------------------------------------------


def test_a_model_that_answered_is_inspected_once(hub):
    look_up()
    hub.requests.clear()
    assert inspect_due() == 1
    found = inspection()
    assert found.revision == hub.models[NAME][-1]["sha"]
    assert (found.document["discussions"], found.document["card_text"]) == (5, "# Tiny chat")
    assert found.document["organisation"]["kind"] == "user"
    assert found.document["missing"] == []
    assert len(hub.requests) == CALLS
    assert (found.strikes, found.attempts, found.leased_until, found.last_error) == (0, 0, None, "")
    assert inspect_due() == 0
    assert inspect_again(hub) == 0


def test_a_model_that_only_has_a_name_is_not_inspected(hub):
    hub.fail(NAME, "private")
    look_up()
    assert inspect_due() == 0
    assert not Inspection.objects.exists()


def test_a_model_is_inspected_at_once_when_the_first_record_names_it(hub):
    case = factories.worded_case()
    look_up_due()
    inspect_due()
    assert inspection().due_at > timezone.now() + timedelta(days=5)
    hub.requests.clear()
    workflow.publish(case=case, by=factories.moderator())
    inspect_due()
    assert len(hub.requests) == CALLS
    factories.published_case()
    assert inspection().due_at > timezone.now() + timedelta(days=5)


def test_a_watched_name_that_turns_out_to_be_a_known_models_has_that_one_inspected(hub):
    look_up()
    inspect_due()
    hub.renamed["old-org/tiny-chat"] = NAME
    name_model(Reference("huggingface", "old-org/tiny-chat"))
    Model.objects.filter(aliases__name="old-org/tiny-chat").update(watched=True)
    look_up_due()
    assert (Model.objects.get().watched, Model.objects.get().shown) == (True, True)
    assert inspection().due_at <= timezone.now()


def test_nothing_is_inspected_of_a_published_model_that_its_hub_does_not_show(hub):
    hub.fail(NAME, "private")
    factories.published_case()
    look_up_due()
    assert not Inspection.objects.exists()


def test_a_watched_model_is_inspected_every_week(hub):
    look_up()
    Model.objects.update(watched=True)
    inspect_due()
    assert timedelta(days=6) < inspection().due_at - timezone.now() < timedelta(days=8)
    hub.discussions[NAME] = 6
    assert inspect_again(hub) == CALLS
    assert inspection().document["discussions"] == 6


def test_something_new_is_inspected_and_nothing_new_is_not(hub):
    look_up()
    inspect_due()
    look_up()
    assert inspect_due() == 0
    sha = hub.move_on(NAME)
    look_up()
    assert inspect_due() == 1
    assert inspection().revision == sha


def test_commits_are_counted_from_the_revision_that_was_reported(hub):
    first = hub.models[NAME][0]["sha"]
    hub.move_on(NAME)
    look_up()
    inspect_due()
    assert inspection().document["commits_since"] is None
    look_up(first)
    inspect_due()
    assert (inspection().document["commits_since"], inspection().document["since"]) == (1, first)


def test_a_hub_without_inspect_is_skipped(hub, monkeypatch):
    look_up()
    without = hubs()["ollama"]
    monkeypatch.setitem(hubs(), "huggingface", without)
    assert inspect_due() == 0
    Inspection.objects.all().delete()
    inspections.make_due(Model.objects.get())
    assert not Inspection.objects.exists()


# --- Trouble -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", range(CALLS))
def test_a_budget_that_runs_out_puts_the_inspection_off_and_loses_nothing(hub, monkeypatch, calls):
    look_up()
    inspect_due()
    before = inspection()
    hub.move_on(NAME)
    look_up()
    left = iter([0.0] * calls + [60.0] * 5)
    monkeypatch.setattr(limits, "wait_before_asking", lambda _slug: next(left))
    hub.requests.clear()
    assert inspect_due() == 0
    after = inspection()
    assert len(hub.requests) == calls
    assert (after.document, after.inspected_at) == (before.document, before.inspected_at)
    assert (after.strikes, after.attempts, after.leased_until) == (0, 0, None)
    assert timedelta(seconds=50) < after.due_at - timezone.now() < timedelta(seconds=70)
    monkeypatch.undo()
    assert inspect_again(hub) == CALLS
    assert inspection().revision == hub.models[NAME][-1]["sha"]


def test_the_budget_of_the_hub_is_shared_with_the_lookups(hub):
    hub.allow(4, 300.0)
    look_up()
    assert inspect_due() == 0
    assert hub.refused == 0
    assert len(hub.requests) == 4
    assert inspection().due_at - timezone.now() > timedelta(seconds=250)


def test_a_rate_limit_stops_and_comes_back_when_the_hub_says(hub):
    look_up()
    hub.fail_question("discussions", "rate_limited")
    assert inspect_due() == 0
    assert timedelta(seconds=50) < inspection().due_at - timezone.now() < timedelta(seconds=65)
    assert limits.state("huggingface").calls_left == 0


@pytest.mark.parametrize("question", ["expand", "state", "users", "discussions", "paths-info", "resolve"])
def test_what_one_question_lacks_is_asked_again_and_the_rest_is_kept(hub, question):
    look_up()
    hub.fail_question(question, "unavailable")
    assert inspect_due() == 1
    half = inspection()
    assert len(half.document["missing"]) == 1
    assert "503" in half.last_error
    assert half.document["discussions"] == (None if question == "discussions" else 5)
    assert timedelta(minutes=59) < half.due_at - timezone.now() < timedelta(minutes=61)
    hub.question_faults.clear()
    assert inspect_again(hub) == CALLS
    assert (inspection().document["missing"], inspection().last_error) == ([], "")


def test_a_hub_that_is_down_takes_nothing_away(hub):
    look_up()
    inspect_due()
    before = inspection()
    hub.move_on(NAME)
    look_up()
    for question in ("expand", "state", "organizations", "users", "discussions", "paths-info", "resolve"):
        hub.fail_question(question, "hang_up")
    assert inspect_again(hub) == 2
    after = inspection()
    assert (after.document, after.revision) == (before.document, before.revision)
    assert after.last_error
    assert limits.state("huggingface").failures == 1


def test_an_open_circuit_is_not_closed_by_not_asking(hub):
    look_up()
    for _ in range(limits.FAILURES_TO_OPEN):
        limits.learn("huggingface", huggingface_calls.Answer(huggingface_calls.Outcome.TRANSIENT))
    hub.requests.clear()
    assert inspect_due() == 0
    assert hub.requests == []
    assert limits.state("huggingface").open_seconds > 0


def test_our_own_error_ends_the_lease_and_counts(hub, monkeypatch):
    def broken(*_arguments, **_named):
        raise RuntimeError("a mistake of ours")

    look_up()
    monkeypatch.setattr("catalogue.scanning.look_at_files", broken)
    inspect_due()
    assert (inspection().strikes, inspection().leased_until) == (1, None)
    assert "a mistake of ours" in inspection().last_error


def test_a_worker_that_dies_leaves_it_to_the_next_when_its_lease_runs_out(hub):
    look_up()
    lost = lease_next(Inspection.objects.all())
    assert inspect_due() == 0
    Inspection.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert inspect_due() == 1
    kept = inspection()
    # The dead one's word, should it come after all, changes nothing.
    assert not lost.done(next_due=timezone.now(), document={"discussions": 99})
    assert inspection().document == kept.document
    assert kept.document["discussions"] == 5


def test_a_worker_that_lost_its_lease_writes_nothing(hub, monkeypatch):
    look_up()

    def slow(*_arguments, **_named):
        Inspection.objects.update(leased_until=timezone.now() + timedelta(seconds=99))  # another one's
        return {"files": [], "findings": [], "not_scanned": 0}, ()

    monkeypatch.setattr("catalogue.scanning.look_at_files", slow)
    inspect_due()
    assert (inspection().document, inspection().inspected_at) == ({}, None)


def test_what_was_kept_while_it_was_inspected_is_inspected_next(hub, monkeypatch):
    look_up()
    real = inspections.scanning.look_at_files

    def meanwhile(*arguments, **named):
        sha = hub.move_on(NAME)
        look_up()
        monkeypatch.undo()
        assert Snapshot.objects.filter(revision=sha).exists()
        return real(*arguments, **named)

    monkeypatch.setattr("catalogue.scanning.look_at_files", meanwhile)
    inspect_due()
    first = inspection()
    assert first.revision != hub.models[NAME][-1]["sha"]
    assert first.due_at - timezone.now() < timedelta(seconds=5)
    make_due()
    assert inspect_due() == 1
    assert inspection().revision == hub.models[NAME][-1]["sha"]
    assert inspect_again(hub) == 0


@pytest.mark.django_db(transaction=True)
def test_four_workers_inspect_each_model_once(settings):
    settings.WAKES = {"model named": []}
    names = [f"example-org/model-{number}" for number in range(12)]
    with StandInHub([example_model(each, siblings=[example_file("a.txt")]) for each in names]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        hub.users.add("example-org")
        for each in names:
            name_model(Reference("huggingface", each))
        look_up_due()
        hub.requests.clear()

        def work():
            inspect_due()
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(hub.questions()).count("expand") == len(names)
        assert len(hub.requests) == 6 * len(names)
    assert Inspection.objects.exclude(inspected_at=None).count() == len(names)


# --- Files ---------------------------------------------------------------------------------------------------------


def test_a_malicious_pickle_in_a_torch_zip_is_found_without_downloading_it(hub, files):
    hub.put_file(NAME, "pytorch_model.bin", torch_zip(EVIL, 5_000_000))
    hub.put_file(NAME, "honest.bin", torch_zip(HONEST, 5_000_000))
    look_up()
    hub.requests.clear()
    inspect_due()
    evil = file_of("pytorch_model.bin")
    assert evil["scan"]["outcome"] == "dangerous"
    assert evil["scan"]["globals"][0] == {"module": "posix", "name": "system", "danger": "dangerous"}
    assert outcome("honest.bin") == "nothing_found"
    coverage = evil["scan"]["coverage"]
    assert coverage["looked_at"][0] == "the directory of 2 members"
    assert coverage["not_looked_at"]
    assert files.bytes_sent < 200_000
    # The hub is asked for each file once; the parts come from where it redirects.
    assert hub.questions().count("resolve") == 3
    # Our own word is on every file that can hold pickles, and none of it reassures.
    ours = [file["scan"]["outcome"] for file in inspection().safety["files"] if file["scan"]]
    assert not {"safe", "clean"} & set(ours)


def test_the_words_of_the_hubs_scanners_stand_beside_ours(hub):
    imports = {"status": "unsafe", "pickleImports": [{"module": "posix", "name": "system", "safety": "dangerous"}]}
    verdict = example_verdict("unsafe", pickleImportScan=imports, avScan={"status": "queued"})
    hub.put_file(NAME, "pytorch_model.bin", torch_zip(EVIL), verdict)
    look_up()
    inspect_due()
    file = file_of("pytorch_model.bin")
    said = {verdict["scanner"]: verdict["status"] for verdict in file["verdicts"]}
    assert said == {
        "": "unsafe",
        "av": "queued",
        "jFrog": "unsafe",
        "pickleImport": "unsafe",
        "protectAi": "unsafe",
        "virusTotal": "unsafe",
    }
    assert file["scan"]["outcome"] == "dangerous"
    kinds = {finding["kind"] for finding in inspection().safety["findings"]}
    assert kinds == {"pickles", "hub_reports_issues"}


def test_unfinished_scans_and_remote_code_are_findings(hub):
    hub.unscanned.add(NAME)
    hub.models[NAME][-1]["config"] = {"auto_map": {"AutoModel": "modeling.Model"}}
    look_up()
    inspect_due()
    findings = {finding["kind"]: finding["evidence"] for finding in inspection().safety["findings"]}
    assert set(findings) == {"remote_code", "hub_scan_unfinished"}
    assert findings["remote_code"] == ["config: modeling.Model"]
    assert inspection().document["scans_done"] is False


def test_at_most_eight_files_are_scanned_at_a_time_the_flagged_one_first(hub, files):
    for number in range(11):
        hub.put_file(NAME, f"part-{number:02}.bin", torch_zip(HONEST))
    hub.put_file(NAME, "z-last.bin", torch_zip(EVIL), example_verdict("unsafe"))
    look_up()
    Model.objects.update(watched=True)
    inspect_due()
    assert outcome("z-last.bin") == "dangerous"
    assert [file["scan"] is not None for file in inspection().safety["files"]] == [True] * 8 + [False] * 4
    assert inspection().safety["not_scanned"] == 4
    # The next time only the rest is read.
    files.forget()
    inspect_again(hub)
    assert inspection().safety["not_scanned"] == 0
    assert len({path for path, _ in files.requests}) == 4


def test_bytes_that_were_read_are_not_read_again_and_changed_ones_are(hub, files):
    hub.put_file(NAME, "a.bin", torch_zip(HONEST))
    look_up()
    Model.objects.update(watched=True)
    inspect_due()
    files.forget()
    inspect_again(hub)
    assert files.requests == []
    assert outcome("a.bin") == "nothing_found"
    hub.move_on(NAME)
    hub.put_file(NAME, "a.bin", torch_zip(EVIL))
    next(file for file in hub.models[NAME][-1]["siblings"] if file["rfilename"] == "a.bin")["lfs"]["sha256"] = "e" * 64
    look_up()
    inspect_again(hub)
    assert outcome("a.bin") == "dangerous"


def test_bytes_have_a_budget(hub, monkeypatch):
    monkeypatch.setattr("catalogue.scanning.MOST_BYTES", 150_000)
    for name in ("a.bin", "b.bin", "c.bin"):
        hub.put_file(NAME, name, torch_zip(HONEST))
    look_up()
    inspect_due()
    assert inspection().safety["not_scanned"] > 0


@pytest.mark.parametrize("fault", ["unavailable", "hang_up", "truncated", "rate_limited"])
def test_a_file_server_in_trouble_is_tried_again(hub, files, fault):
    hub.put_file(NAME, "a.bin", torch_zip(EVIL))
    look_up()
    files.fault = fault
    inspect_due()
    assert outcome("a.bin") in {"failed", "not_scanned"}
    assert "scan of a.bin" in inspection().last_error
    files.fault = ""
    make_due()
    inspect_due()
    assert outcome("a.bin") == "dangerous"
    assert inspection().last_error == ""


def test_a_file_server_that_ignores_ranges_is_not_read_and_not_asked_again(hub, files):
    hub.put_file(NAME, "a.bin", torch_zip(EVIL, 5_000_000))
    look_up()
    files.fault = "ignores_ranges"
    inspect_due()
    scan = file_of("a.bin")["scan"]
    assert (scan["outcome"], scan["cost"]["bytes"]) == ("not_scanned", len(b"Found. Redirecting"))
    assert inspection().last_error == ""


def test_files_of_a_gated_model_are_asked_for_once(hub, files):
    for name in ("a.bin", "b.bin", "c.bin"):
        hub.put_file(NAME, name, torch_zip(EVIL))
    hub.models[NAME][-1]["gated"] = "manual"
    look_up()
    hub.requests.clear()
    inspect_due()
    assert file_of("a.bin")["scan"]["reason"] == "HTTP 401"
    assert (outcome("b.bin"), files.requests) == (None, [])
    assert hub.questions().count("resolve") == 2
    assert inspection().document["missing"] == []


def test_a_budget_that_runs_out_between_files_keeps_what_was_read(hub, monkeypatch):
    for name in ("a.bin", "b.bin", "c.bin"):
        hub.put_file(NAME, name, torch_zip(EVIL))
    look_up()
    left = iter([0.0] * (CALLS + 1) + [60.0] * 5)
    monkeypatch.setattr(limits, "wait_before_asking", lambda _slug: next(left))
    inspect_due()
    assert (outcome("a.bin"), outcome("b.bin")) == ("dangerous", None)
    assert "scan of b.bin: the hub could not be asked then" in inspection().last_error
    monkeypatch.undo()
    make_due()
    inspect_due()
    assert (outcome("b.bin"), outcome("c.bin")) == ("dangerous", "dangerous")
    assert inspection().document["missing"] == []


def test_what_is_stored_is_bounded_and_is_json(hub):
    hub.models[NAME][-1]["siblings"] = [example_file(f"{number}.py") for number in range(2500)]
    look_up()
    inspect_due()
    found = inspection()
    assert len(found.safety["files"]) == 500
    assert len(found.document["scans"]) == 2000
    assert len(json.dumps(found.document)) < 1_500_000
