"""`manage.py import_reports`, on AVID's own file and on small ones of ours."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from incidents.models import Incident
from reports.models import NamedModel, Report

pytestmark = pytest.mark.django_db

AVID = Path(__file__).parents[2].parent / "shared" / "data" / "avid" / "reports.jsonl"


def counts(output):
    return {result: int(number) for number, result in re.findall(r"^ *(\d+)  (.+)$", output, re.MULTILINE)}


def imported(capsys, path):
    call_command("import_reports", "avid", str(path))
    return counts(capsys.readouterr().out)


@pytest.mark.skipif(not AVID.exists(), reason="AVID's records are not beside this checkout")
def test_all_of_avid_is_imported_or_refused_by_name_and_a_second_run_changes_nothing(capsys):
    first = imported(capsys, AVID)
    assert sum(first.values()) == len(AVID.read_text().splitlines())
    assert first["imported"] == Report.objects.count() > 500
    assert Report.objects.filter(kind="measurement").count() > 500
    assert all(result == "imported" or result.startswith("refused: ") for result in first)
    rows = list(Report.objects.order_by("pk").values_list())
    again = imported(capsys, AVID)
    assert again["unchanged"] == first["imported"]
    assert "imported" not in again
    assert list(Report.objects.order_by("pk").values_list()) == rows
    # Nothing of it is public before a moderator has read it.
    assert not Incident.objects.exists()


@pytest.mark.skipif(not AVID.exists(), reason="AVID's records are not beside this checkout")
def test_no_organisation_is_guessed(capsys):
    imported(capsys, AVID)
    for named in NamedModel.objects.select_related("alias").exclude(alias=None):
        assert named.alias.name in named.asked


def avid_line(**changes):
    record = {
        "data_type": "AVID",
        "metadata": {"report_id": "AVID-2026-R9001"},
        "affects": {
            "developer": ["Example"],
            "deployer": ["Hugging Face"],
            "artifacts": [{"type": "Model", "name": "example-org/tiny-chat"}],
        },
        "problemtype": {
            "classof": "LLM Evaluation",
            "type": "Measurement",
            "description": {"lang": "eng", "value": "A score"},
        },
        "metrics": [],
        "references": [{"type": "source", "label": "Model", "url": "https://huggingface.co/example-org/tiny-chat"}],
        "description": {"lang": "eng", "value": "The model was measured and the result was noted at length."},
        "impact": None,
        "credit": None,
        "reported_date": "2026-01-02",
    }
    return json.dumps({**record, **changes}) + "\n"


def test_a_record_that_changed_upstream_is_reported_and_not_overwritten(tmp_path, capsys):
    path = tmp_path / "avid.jsonl"
    path.write_text(avid_line())
    assert imported(capsys, path) == {"imported": 1}
    path.write_text(
        avid_line(description={"lang": "eng", "value": "Now it says something else, at the same length or so."})
    )
    assert imported(capsys, path) == {"changed upstream since; kept as first imported": 1}
    assert "measured" in Report.objects.get().text


def test_garbage_is_named_and_the_rest_comes_in(tmp_path, capsys):
    path = tmp_path / "avid.jsonl"
    path.write_bytes(b"{not json\n\xff\xfe\n[]\n" + avid_line().encode())
    call_command("import_reports", "avid", str(path), "--refusals")
    printed = capsys.readouterr()
    assert counts(printed.out)["imported"] == 1
    assert printed.err.count("malformed") >= 2


def test_a_missing_file_is_one_clear_line():
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_reports", "avid", "/nowhere/avid.jsonl")
