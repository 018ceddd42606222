"""The program `faultline` against a live node: what it finds, how it says so, and what it takes home."""

import hashlib
import json

import pytest
from faultline_client.bills import identities
from faultline_client.command import AFFECTED, FINE, main
from sarif_pydantic import Sarif

from catalogue.boms import read_bom
from incidents.exports import building
from incidents.models import Incident
from incidents.publishing import publish
from incidents.record import AffectedModel, Match
from tests import factories

SHA, DIGEST = "ab" * 20, "12" * 32
NAME = "example-org/tiny-chat"


@pytest.fixture(autouse=True)
def node(live_server, settings, tmp_path, monkeypatch):
    settings.EXPORT_ROOT, settings.BASE_URL = tmp_path / "exports", live_server.url
    monkeypatch.setenv("FAULTLINE_NODE", live_server.url)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recorded():
    affected = AffectedModel(
        hub="huggingface",
        name=NAME,
        revision=SHA,
        match=Match.FILE,
        files=({"path": "model.safetensors", "sha256": DIGEST},),
    )
    return publish(factories.record(affected=(affected,), title="Recommends \x1b[31mone shop")).incident


def checked(capsys, *arguments):
    code = main(["check", "--format", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def cached(folder, blob=DIGEST):
    snapshot = folder / "models--example-org--tiny-chat" / "snapshots" / SHA
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to(f"../../blobs/{blob}")


@pytest.mark.usefixtures("recorded")
class TestCheck:
    def test_a_cache_is_asked_about_by_revision_and_by_file_and_the_most_exact_is_said(self, tmp_path, capsys):
        cached(tmp_path / "hub")
        code, said = checked(capsys, "--hf-cache", str(tmp_path / "hub"))
        assert code == AFFECTED
        (finding,) = said["findings"]
        assert (finding["level"], finding["verdict"]) == ("file", "affected")
        assert finding["subject"]["name"] == f"pkg:huggingface/{NAME}@{SHA}"
        assert said["asked"] == 1

    def test_a_bill_is_answered_at_the_level_it_allows(self, tmp_path, capsys):
        bill = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
        purl = f"pkg:huggingface/{NAME}@main"
        bill["components"] = [{"type": "machine-learning-model", "bom-ref": "m", "name": "m", "purl": purl}]
        (tmp_path / "bom.json").write_text(json.dumps(bill))
        code, said = checked(capsys, "bom.json")
        assert code == AFFECTED
        assert said["findings"][0]["level"] == "repository"
        assert said["findings"][0]["subject"] == {"name": "m", "place": "bom.json"}

    def test_nothing_on_record_is_exit_code_0(self, capsys):
        code, said = checked(capsys, "nobody/unheard-of")
        assert (code, said["findings"]) == (FINE, [])

    def test_what_is_not_understood_is_said(self, capsys):
        code, said = checked(capsys, "what is this?")
        assert code == FINE
        assert said["problems"][0]["problem"]

    @pytest.mark.parametrize(("fail_on", "code"), [("direct", FINE), ("inherited", FINE), ("name", AFFECTED)])
    def test_a_match_by_name_only_fails_where_that_is_wanted(self, capsys, fail_on, code):
        publish(factories.record(affected=(AffectedModel(name="Tiny Chat Nine", match=Match.NAME_ONLY),)))
        found, said = checked(capsys, "Tiny Chat Nine", "--fail-on", fail_on)
        assert said["findings"][0]["level"] == "name_only"
        assert found == code

    def test_more_than_a_thousand_are_asked_in_batches_and_answered_in_their_order(self, capsys):
        names = [f"org/model-{number}" for number in range(1100)]
        code, said = checked(capsys, *names, f"{NAME}")
        assert code == AFFECTED
        assert said["asked"] == 1101
        assert [finding["subject"]["name"] for finding in said["findings"]] == [NAME]

    def test_sarif_is_read_by_others(self, tmp_path, recorded):
        cached(tmp_path / "hub")
        assert main(["check", "--hf-cache", str(tmp_path / "hub"), "--format", "sarif", "-o", "out.sarif"]) == AFFECTED
        run = Sarif.model_validate_json((tmp_path / "out.sarif").read_bytes()).runs[0]
        assert run.tool.driver.rules[0].id == run.results[0].rule_id == recorded.public_id
        assert run.results[0].level.value == "error"

    def test_text_moves_no_cursor(self, capsys):
        assert main(["check", f"{NAME}@{SHA}"]) == AFFECTED
        said = capsys.readouterr().out
        assert "this very revision" in said
        assert "\x1b" not in said


@pytest.mark.parametrize("name", ["incidents.jsonl", "incidents.csv.gz", "incidents.parquet", "incidents.jsonl.zst"])
def test_an_export_is_the_stored_file(tmp_path, capsys, name):
    publish(factories.record())
    building.refresh(going_on=lambda: None)
    form = name.split(".")[1]
    assert main(["export", "--format", form, "-o", name]) == FINE
    said = capsys.readouterr().out
    assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() in said
    assert "as the node says" in said


def test_an_export_with_filters_is_that_part(tmp_path):
    publish(factories.record(severity="high"))
    publish(factories.record(severity="low"))
    assert main(["export", "--severity", "high", "-o", "high.jsonl"]) == FINE
    assert (tmp_path / "high.jsonl").read_bytes() == bytes(Incident.objects.get(severity="high").document) + b"\n"


def test_before_the_node_has_made_its_files_the_program_says_so(capsys):
    assert main(["export", "-o", "all.jsonl"]) == 2
    assert "not made its exports yet" in capsys.readouterr().err


def bills():
    model = {"type": "machine-learning-model", "name": "m", "purl": f"pkg:huggingface/{NAME}@{SHA}"}
    pedigree = {"ancestors": [{"type": "machine-learning-model", "purl": "pkg:huggingface/org/base"}], "notes": "n"}
    hashes = [{"alg": "SHA-256", "content": DIGEST}]
    yield {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{**model, "pedigree": pedigree}]}
    yield {"bomFormat": "CycloneDX", "components": [{"name": "a", "components": [{"name": "b", "hashes": hashes}]}]}
    yield {"bomFormat": "CycloneDX", "metadata": {"component": {**model, "supplier": {"name": "s"}}}}
    references = [{"type": "vcs", "url": f"https://huggingface.co/{NAME}"}]
    yield {"bomFormat": "CycloneDX", "components": [{"name": "c", "externalReferences": references}]}
    purl = [{"referenceType": "purl", "referenceLocator": "pkg:huggingface/org/x", "referenceCategory": "y"}]
    package = {"SPDXID": "a", "name": "m", "downloadLocation": f"git+https://huggingface.co/{NAME}@{SHA}"}
    edge = {"spdxElementId": "a", "relationshipType": "DESCENDANT_OF", "relatedSpdxElement": "b"}
    yield {
        "spdxVersion": "SPDX-2.3",
        "packages": [package, {"SPDXID": "b", "externalRefs": purl}],
        "relationships": [edge],
    }
    ai = {"type": "ai_AIPackage", "spdxId": "p", "software_packageUrl": f"pkg:huggingface/{NAME}", "suppliedBy": "s"}
    digest = [{"type": "Hash", "algorithm": "sha256", "hashValue": DIGEST}]
    file = {"type": "software_File", "spdxId": "f", "verifiedUsing": digest}
    relation = {"type": "Relationship", "from": "p", "to": ["f"], "relationshipType": "descendantOf"}
    yield {"@context": "c", "@graph": [ai, file, relation]}


@pytest.mark.parametrize("bill", [*bills()])
def test_what_is_left_of_a_bill_says_all_that_a_node_reads_of_it(bill):
    whole = read_bom(bill)
    assert any(component.identities for component in whole.components)
    assert read_bom(identities(json.dumps(bill).encode())) == whole
