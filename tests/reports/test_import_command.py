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
    assert first["new"] == Report.objects.count() > 500
    assert Report.objects.filter(kind="measurement").count() > 500
    assert all(result == "new" or result.startswith("refused: ") for result in first)
    rows = list(Report.objects.order_by("pk").values_list())
    again = imported(capsys, AVID)
    assert again["same"] == first["new"]
    assert "new" not in again
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


def test_a_missing_file_is_one_clear_line():
    with pytest.raises(CommandError, match="No such file") as refused:
        call_command("import_reports", "avid", "/nowhere/avid.jsonl")
    assert refused.value.returncode == 1
