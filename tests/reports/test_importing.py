"""Runs of imports: counted, repeatable, killed half-way; what changed or went away upstream is proposed, never done."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from catalogue.models import Lookup
from incidents.models import Incident
from reports import importing, matching, undoing, workflow
from reports.actors import NotAllowedError, WrongStateError
from reports.import_files import SourceFile
from reports.importer import importers
from reports.importing import BusyError
from reports.models import Activity, ImportedRecord, ImportRun, NamedModel, NameMatch, RejectReason, Report, RunState
from tests import factories
from tests.conftest import ROOT, environment
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def entry(number, **changes):
    """A made-up entry of an OSV feed on a model."""
    return {
        "id": f"TEST-2031-{number:04d}",
        "modified": "2031-01-02T00:00:00Z",
        "summary": f"Made-up flaw {number}",
        "details": f"The made-up flaw {number} of a made-up model, told at some length.",
        "affected": [
            {"package": {"ecosystem": "", "name": "x", "purl": f"pkg:huggingface/example-org/model-{number}"}}
        ],
        "references": [{"type": "WEB", "url": f"https://example.org/{number}"}],
        **changes,
    }


@pytest.fixture
def feed(tmp_path):
    """Writes a feed as a folder of these entries, and imports it."""
    folder = tmp_path / "feed"

    def imported(*entries, **options):
        for old in folder.glob("*"):
            old.unlink()
        folder.mkdir(exist_ok=True)
        for one in entries:
            content = one if isinstance(one, str) else json.dumps(one)
            (folder / f"{one['id'] if isinstance(one, dict) else 'poison'}.json").write_text(content)
        return importing.run(feed="osv", importer=importers()["osv"], path=folder, **options)

    return imported


def test_a_second_run_changes_nothing(feed):
    assert feed(entry(1), entry(2)).counts == {"new": 2}
    rows = list(Report.objects.order_by("pk").values_list())
    again = feed(entry(1), entry(2))
    assert (again.counts, again.state) == ({"same": 2}, RunState.COMPLETE)
    assert list(Report.objects.order_by("pk").values_list()) == rows
    assert not Incident.objects.exists()


def test_a_changed_record_becomes_a_proposal_for_the_record_made_of_it(feed):
    feed(entry(1))
    case = factories.published_case(reported=Report.objects.get())
    first = Report.objects.get()
    assert feed(entry(1, details="Now it says another thing of that made-up model.")).counts == {"changed": 1}
    proposal = Report.objects.exclude(pk=first.pk).get()
    assert proposal.about_incident == case.incident.public_id
    assert proposal.title == "Changed in OSV feed: Made-up flaw 1"
    assert proposal.state == "received"
    first.refresh_from_db()
    assert first.text == entry(1)["details"]
    assert Activity.objects.filter(verb="propose", report=proposal).exists()
    assert feed(entry(1, details="Now it says another thing of that made-up model.")).counts == {"same": 1}
    assert feed(entry(1)).counts == {"changed": 1}  # back to what it first said is a change, too


def test_a_vanished_record_is_proposed_for_withdrawal_once_and_nothing_is_withdrawn(feed):
    feed(entry(1), entry(2))
    gone = Report.objects.get(source_id="TEST-2031-0001")
    incident = factories.published_case(reported=gone).incident
    assert feed(entry(2)).counts == {"same": 1, "vanished": 1}
    proposal = Report.objects.get(title__startswith="Gone")
    assert proposal.about_incident == incident.public_id
    incident.refresh_from_db()
    assert incident.status == "published"
    assert feed(entry(2)).counts == {"same": 1}
    assert feed(entry(1), entry(2)).counts == {"same": 2}
    assert feed(entry(2)).counts == {"same": 1, "vanished": 1}


def test_what_was_rejected_has_nothing_to_withdraw(feed):
    feed(entry(1), entry(2))
    workflow.reject(
        report=Report.objects.get(source_id="TEST-2031-0001"), by=factories.moderator(), reason=RejectReason.SPAM
    )
    assert feed(entry(2)).counts == {"same": 1, "vanished": 1}
    assert not Report.objects.filter(title__startswith="Gone").exists()


def test_an_entry_withdrawn_upstream_is_proposed_for_withdrawal(feed):
    feed(entry(1))
    withdrawn = entry(1, withdrawn="2031-02-01T00:00:00Z")
    assert feed(withdrawn).counts == {"refused: withdrawn": 1}
    assert "withdrawn" in Report.objects.get(title__startswith="Gone").text
    assert feed(withdrawn).counts == {"refused: withdrawn": 1}
    assert Report.objects.count() == 2


def test_many_vanishing_at_once_are_held_until_somebody_accepts_it(feed):
    everything = [entry(number) for number in range(30)]
    feed(*everything)
    held = feed(*everything[:5])
    assert held.state == RunState.PARTIAL
    assert held.counts == {"same": 5, "vanished, held": 25}
    assert not Report.objects.filter(title__startswith="Gone").exists()
    assert feed(*everything[:5], accept_vanished=True).counts == {"same": 5, "vanished": 25}


def test_poison_is_refused_by_name_and_the_rest_goes_on(feed):
    poison = entry(3, summary="\ud800 half a letter")
    run = feed(entry(1), "{not json", entry(2), poison)
    assert run.state == RunState.PARTIAL
    assert run.counts["new"] == 2
    assert {(one[0], one[1]) for one in run.broken} == {("poison.json", "malformed"), ("TEST-2031-0003", "malformed")}
    assert feed(entry(1), entry(2), entry(3)).counts == {"same": 2, "new": 1}


def test_the_exit_code_says_partial(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(entry(1)))
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(CommandError, match="PARTIAL") as partial:
        call_command("import_reports", "osv", str(tmp_path), "--refusals", "--feed", "lab")
    assert partial.value.returncode == 3
    printed = capsys.readouterr()
    assert printed.out == "     1  new\n     1  refused: malformed\n"
    assert "b.json: malformed" in printed.err
    assert Report.objects.get().source == "lab"


def test_a_feed_of_another_name_says_nothing_of_the_first(feed, tmp_path):
    feed(entry(1))
    (tmp_path / "other.json").write_text(json.dumps(entry(2)))
    run = importing.run(feed="lab", importer=importers()["osv"], path=tmp_path / "other.json")
    assert run.counts == {"new": 1}
    assert not ImportedRecord.objects.exclude(vanished_at=None).exists()


def test_an_archive_that_ends_too_early_proposes_nothing(feed, tmp_path):
    everything = [entry(number) for number in range(6)]
    feed(*everything)
    whole = tmp_path / "all.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for one in everything:
            archive.writestr(f"{one['id']}.json", json.dumps(one) + " " * 5000)
    assert importing.run(feed="osv", importer=importers()["osv"], path=whole).counts == {"same": 6}
    whole.write_bytes(whole.read_bytes()[:9000])
    cut = importing.run(feed="osv", importer=importers()["osv"], path=whole)
    assert (cut.state, cut.counts) == (RunState.FAILED, {})
    empty = tmp_path / "empty"
    empty.mkdir()
    assert importing.run(feed="osv", importer=importers()["osv"], path=empty).state == RunState.FAILED
    assert not ImportedRecord.objects.exclude(vanished_at=None).exists()


def test_a_record_that_can_no_longer_be_read_has_not_vanished(feed):
    feed(entry(1), entry(2))
    assert feed(entry(1), entry(2, references="none")).counts == {"same": 1, "refused: malformed": 1}
    held = feed(entry(1), "{")
    assert held.counts == {"same": 1, "refused: malformed": 1, "vanished, held": 1}
    assert Report.objects.count() == 2


SLOW = """
import django, sys, time
django.setup()
from pathlib import Path
from reports import importing
from reports.importer import importers
class Slow:
    title = "OSV feed"
    def read_files(self, files):
        for place, result in enumerate(importers()["osv"].read_files(files)):
            if place == 12:
                print("half-way", flush=True)
                time.sleep(60)
            yield result
importing.run(feed="osv", importer=Slow(), path=Path(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_half_way_it_is_run_again_and_repeats_nothing(tmp_path):
    folder = tmp_path / "feed"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:03d}.json").write_text(json.dumps(entry(number)))
    program, log = tmp_path / "slow.py", tmp_path / "log"
    program.write_text(SLOW)
    process = _run(program, folder, log)
    deadline = time.monotonic() + PATIENCE
    while "half-way" not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    with pytest.raises(BusyError):
        importing.run(feed="osv", importer=importers()["osv"], path=folder)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=PATIENCE)
    assert Report.objects.count() == 12
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            run = importing.run(feed="osv", importer=importers()["osv"], path=folder)
            break
        except BusyError:  # until PostgreSQL has seen that the connection is gone
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert run.counts == {"same": 12, "new": 8}
    assert Report.objects.count() == 20
    assert [one.state for one in ImportRun.objects.order_by("pk")] == [RunState.INTERRUPTED, RunState.COMPLETE]


def _run(program, folder, log):
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, str(program), str(folder)],
            cwd=ROOT,
            env=environment(DJANGO_SETTINGS_MODULE="config.settings", PYTHONPATH=str(ROOT)),
            stdout=output,
            stderr=output,
        )


# --- Names -------------------------------------------------------------------------------------------------------


def study(**changes):
    """A made-up case study."""
    return {
        "id": "AML.CS9001",
        "object-type": "case-study",
        "name": "A made-up study",
        "summary": "Somebody asked GPT-2 something, in a study that never took place.",
        "incident-date": "2031-05-01",
        "incident-date-granularity": "MONTH",
        "procedure": [],
        "target": "Nobody",
        "case-study-type": "exercise",
        "references": [{"title": "AIID", "url": "https://incidentdatabase.ai/cite/9001"}],
        **changes,
    }


@pytest.fixture
def atlas(tmp_path):
    def imported(*studies):
        for one in studies:
            (tmp_path / f"{one['id']}.yaml").write_text(json.dumps(one))  # which is YAML, too
        return importing.run(feed="atlas", importer=importers()["atlas"], path=tmp_path)

    return imported


def test_a_name_is_matched_once_and_known_from_then_on(atlas):
    atlas(study())
    named = NamedModel.objects.get()
    assert (named.asked, named.alias) == ("GPT-2", None)
    match = NameMatch.objects.get()
    assert match.found_in == "atlas: AML.CS9001"
    case = workflow.accept(report=factories.report(models=("GPT-2",)), by=factories.moderator())
    matching.confirm(match=match, model="openai-community/gpt2", by=factories.moderator())
    named.refresh_from_db()
    assert named.alias.name == "openai-community/gpt2"
    assert case.models.get().alias.name == "openai-community/gpt2"
    assert Lookup.objects.filter(alias=named.alias).exists()
    atlas(study(), study(id="AML.CS9002"))
    assert factories.report(models=("gpt-2",)).named_models.get().alias == named.alias
    assert NamedModel.objects.filter(alias=named.alias).count() == 3
    assert NameMatch.objects.count() == 1
    with pytest.raises(WrongStateError):
        matching.confirm(match=match, model="other/gpt2", by=factories.moderator())


def test_a_name_can_stay_a_name_and_a_decision_be_taken_back(atlas):
    atlas(study())
    match = matching.leave(match=NameMatch.objects.get(), by=factories.moderator())
    atlas(study(), study(id="AML.CS9002"))
    assert NameMatch.objects.get().decided_at == match.decided_at
    assert NamedModel.objects.filter(alias=None).count() == 2
    matching.ask_again(match=match, by=factories.moderator())
    assert NameMatch.objects.get().decided_at is None
    with pytest.raises(NotAllowedError):
        matching.leave(match=match, by=factories.account("nobody"))


def test_a_moderator_matches_a_name_in_the_console(atlas, signed_in):
    atlas(study())
    match = NameMatch.objects.get()
    client = signed_in(factories.moderator())
    listed = client.get("/console/reports/namematch/").content.decode()
    assert "GPT-2" in listed
    assert "waits" in listed
    page = f"/console/reports/namematch/{match.pk}/change/"
    act = f"/console/reports/namematch/{match.pk}/do/confirm/"
    assert "AML.CS9001" in client.get(page).content.decode()
    refused = client.post(act, {"model": "two words of nothing"}, follow=True).content.decode()
    assert "more than one word" in refused
    assert (
        "is openai-community/gpt2 on huggingface from now on"
        in client.post(act, {"model": "https://huggingface.co/openai-community/gpt2"}, follow=True).content.decode()
    )
    assert NamedModel.objects.get().alias.name == "openai-community/gpt2"
    assert "is decided already" in client.post(act, {"model": "other/gpt2"}, follow=True).content.decode()
    runs = client.get("/console/reports/importrun/").content.decode()
    assert "1 new" in runs


# --- Ids in other databases --------------------------------------------------------------------------------------


def test_ids_elsewhere_lead_to_the_record_in_pages_api_and_search(atlas):
    atlas(study())
    case = workflow.accept(report=Report.objects.get(), by=factories.moderator())
    assert case.other_ids == ["AML.CS9001", "AIID-9001"]
    for column, value in {"summary": "A made-up study of a model that was asked something.", "severity": "low"}.items():
        setattr(case, column, value)
    case.save()
    workflow.publish(case=case, by=factories.moderator())
    case.refresh_from_db()
    public_id = case.incident.public_id
    for given in ("AML.CS9001", "AIID-9001", "aiid-9001"):
        page = Client().get(f"/incidents/{given}/")
        assert (page.status_code, page["Location"]) == (302, f"/incidents/{public_id}/")
        answer = Client().get(f"/api/v1/incidents/{given}", follow=True)
        assert answer.json()["id"] == public_id
        found = Client().get("/api/v1/incidents", {"q": given}).json()
        assert [one["id"] for one in found["items"]] == [public_id], given


def test_undoing_takes_only_the_ids_that_came_with_the_report(atlas):
    atlas(study())
    by = factories.moderator()
    case = factories.worded_case(by=by, other_ids=["AIID-9001"])
    workflow.accept(report=Report.objects.get(source="atlas"), case=case, by=by)
    case.refresh_from_db()
    assert case.other_ids == ["AIID-9001", "AML.CS9001"]
    undoing.undo(batch=undoing.latest(by)[0].batch, by=by)
    case.refresh_from_db()
    assert case.other_ids == ["AIID-9001"]


# --- Sources -----------------------------------------------------------------------------------------------------


def test_dates_of_atlas_are_as_exact_as_it_says():
    def occurred(**changes):
        content = json.dumps(study(**changes)).encode()
        (result,) = importers()["atlas"].read_files([SourceFile("AML.CS9001.yaml", content)])
        return result.submission.occurred

    assert occurred() == "2031-05"
    assert occurred(**{"incident-date-granularity": "YEAR"}) == "2031"
    assert occurred(**{"incident-date-granularity": "DATE"}) == "2031-05-01"


def snapshot(tmp_path, rows, duplicates=(), header=None):
    names = header or [
        "_id",
        "incident_id",
        "date",
        "reports",
        "Alleged deployer of AI system",
        "Alleged developer of AI system",
        "Alleged harmed or nearly harmed parties",
        "description",
        "title",
    ]
    with (tmp_path / "incidents.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])
    with (tmp_path / "duplicates.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["duplicate_incident_number", "true_incident_number"], *duplicates])
    return tmp_path


SENTENCE = "A sentence of theirs on Stable Diffusion that nobody may copy."
ROW = [
    "x",
    "9001",
    "2031-05-06",
    "[11,12]",
    '["made-up-lab"]',
    '["made-up-lab"]',
    '["ada-example"]',
    SENTENCE,
    "Theirs",
]


def aiid(path):
    return importing.run(feed="aiid", importer=importers()["aiid"], path=path)


def test_aiid_gives_facts_and_links_and_none_of_its_sentences(tmp_path):
    assert aiid(snapshot(tmp_path, [ROW])).counts == {"new": 1}
    report = Report.objects.get()
    assert (report.source_id, report.occurred, report.kind) == ("AIID-9001", "2031-05-06", "incident")
    said = f"{report.title} {report.text}"
    assert SENTENCE not in said
    assert "Theirs" not in said
    assert "ada-example" not in said  # who was harmed may be a person
    assert report.links == [
        "https://incidentdatabase.ai/cite/9001",
        "https://incidentdatabase.ai/cite/9001#r11",
        "https://incidentdatabase.ai/cite/9001#r12",
    ]
    assert [named.asked for named in report.named_models.all()] == ["Stable Diffusion"]


def test_aiid_numbers_that_were_given_up_lead_on_and_are_ids_of_the_same_event(tmp_path):
    aiid(snapshot(tmp_path, [ROW, ["y", "9002", *ROW[2:]]]))
    counts = aiid(snapshot(tmp_path, [ROW], duplicates=[["9003", "9002"], ["9002", "9001"]])).counts
    assert counts == {"same": 1, "refused: redirected": 2}
    assert ImportedRecord.objects.get(source_id="AIID-9001").other_ids == ["AIID-9001", "AIID-9003", "AIID-9002"]
    assert "redirected" in Report.objects.get(title__startswith="Gone").text


def test_aiid_with_double_columns_broken_lists_and_short_rows(tmp_path):
    header = ["incident_id", "date", "reports", "title", "Title", "title", "description"]
    header += ["Alleged deployer of AI system", "Alleged developer of AI system"]
    good = ["9001", "2031", "[]", "", "no", "On Stable Diffusion", "", "[]", ""]
    broken = ["9002", "2031", "{}", "", "", "On Stable Diffusion", "", "[]", ""]
    run = aiid(snapshot(tmp_path, [good, broken, ["nonsense"], [*good, "too", "many"]], header=header))
    assert run.state == RunState.PARTIAL
    assert run.counts == {"new": 1, "refused: malformed": 3}


def test_what_is_no_snapshot_is_one_clear_line(tmp_path):
    with pytest.raises(CommandError, match=r"no incidents\.csv"):
        call_command("import_reports", "aiid", str(tmp_path))
    assert ImportRun.objects.get().state == RunState.FAILED


@pytest.mark.skipif(not (SHARED / "aiid").exists(), reason="AIID's snapshot is not beside this checkout")
def test_all_of_aiid_is_read_and_no_sentence_of_it_is_kept():
    run = aiid(SHARED / "aiid")
    assert run.state == RunState.COMPLETE
    assert sum(run.counts.values()) == 989 + 11
    with (SHARED / "aiid" / "incidents.csv").open(newline="") as stream:
        rows = {f"AIID-{row['incident_id']}": row for row in csv.DictReader(stream)}
    reports = list(Report.objects.all())
    assert len(reports) > 10
    for report in reports:
        assert rows[report.source_id]["description"] not in report.text
        assert rows[report.source_id]["title"] not in f"{report.title} {report.text}"


@pytest.mark.skipif(not (SHARED / "atlas").exists(), reason="ATLAS's studies are not beside this checkout")
def test_all_of_atlas_is_read():
    run = importing.run(feed="atlas", importer=importers()["atlas"], path=SHARED / "atlas")
    assert (run.state, sum(run.counts.values())) == (RunState.COMPLETE, 57)
    assert set(Report.objects.values_list("kind", flat=True)) == {"incident", "exercise"}
    poisoned = Report.objects.get(source_id="AML.CS0019")
    assert poisoned.occurred == "2023-07"
    assert poisoned.named_models.exclude(alias=None).exists()


@pytest.mark.skipif(not (SHARED / "avid").exists(), reason="AVID's records are not beside this checkout")
def test_avid_as_a_folder_a_list_and_an_archive_is_the_same(tmp_path):
    lines = (SHARED / "avid" / "reports.jsonl").read_text().splitlines()[:200:4]
    folder = tmp_path / "reports" / "2022"
    folder.mkdir(parents=True)
    for line in lines:
        (folder / f"{json.loads(line)['metadata']['report_id']}.json").write_text(line)
    (folder / "README.md").write_text("not a record")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for one in folder.iterdir():
            archive.write(one, f"avid-db/{one.name}")
    (tmp_path / "list.json").write_text(f"[{','.join(lines)}]")
    read = importers()["avid"]
    first = importing.run(feed="avid", importer=read, path=tmp_path / "reports")
    assert first.state == RunState.COMPLETE
    assert sum(first.counts.values()) == len(lines)
    for other in ("all.zip", "list.json"):
        again = importing.run(feed="avid", importer=read, path=tmp_path / other)
        assert again.counts["same"] == first.counts["new"]
        assert "new" not in again.counts
