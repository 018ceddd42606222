"""What the program says without a node: mistakes in one line, and what would be sent."""

import json

import pytest
from faultline_client.bills import identities
from faultline_client.command import TROUBLE, main


@pytest.fixture(autouse=True)
def _no_node(monkeypatch):
    monkeypatch.delenv("FAULTLINE_NODE", raising=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "nothing to check"),
        (["check", "org/name"], "--node"),
        (["check", "missing.json"], "there is no file"),
        (["check", "--hf-cache", "/nowhere"], "No such file"),
        (["check", "org/name", "--node", "ftp://x"], "is not the address of a node"),
        (["export", "-o", "/nowhere/all.jsonl"], "there is no folder"),
        (["export", "--node", "http://127.0.0.1:9", "--kind", "hazard", "-o", "all.csv.gz"], "without .gz"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, said, capsys):
    assert main(arguments) == TROUBLE
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["check", "--format", "xml"], ["export"]])
def test_so_is_a_call_that_cannot_be_read(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == TROUBLE
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_file_that_is_no_json_is_said(tmp_path, capsys):
    (tmp_path / "bom.json").write_text("<xml/>")
    assert main(["check", str(tmp_path / "bom.json")]) == TROUBLE
    assert "not JSON" in capsys.readouterr().err


def test_a_dry_run_prints_what_would_be_sent_and_needs_no_node(tmp_path, capsys):
    bill = {
        "bomFormat": "CycloneDX",
        "metadata": {"authors": [{"name": "A. Person"}], "component": {"name": "app", "licenses": []}},
        "components": [
            {"name": "m", "purl": "pkg:huggingface/o/m", "properties": [{"name": "team", "value": "secret"}]}
        ],
        "services": [{"name": "internal"}],
    }
    (tmp_path / "bom.json").write_text(json.dumps(bill))
    assert main(["check", "--dry-run", str(tmp_path / "bom.json"), "org/name"]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert sent[0]["body"] == {
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"name": "app"}},
        "components": [{"name": "m", "purl": "pkg:huggingface/o/m"}],
    }
    assert sent[1] == {"POST": "/api/v1/check", "body": {"items": ["org/name"]}}


def test_of_a_bill_only_identities_and_relations_stay():
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "creationInfo": {"creators": ["Person: A"]},
        "packages": [{"SPDXID": "a", "name": "m", "comment": "private", "checksums": [{"algorithm": "SHA256"}]}],
    }
    assert identities(json.dumps(spdx).encode()) == {
        "spdxVersion": "SPDX-2.3",
        "packages": [{"SPDXID": "a", "name": "m", "checksums": [{"algorithm": "SHA256"}]}],
    }
