"""docs/data.md and docs/ci.md are contracts: every block runs as it stands against a live node."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from django.core.management import call_command

from incidents.exports import building

ROOT = Path(__file__).parent.parent
DATA, JOBS = (ROOT / "docs" / "data.md").read_text(), (ROOT / "docs" / "ci.md").read_text()


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_every_block_of_the_tour_and_the_pandas_snippet_run_as_they_stand(live_server, settings, tmp_path):
    settings.EXPORT_ROOT = tmp_path / "exports"
    settings.BASE_URL = live_server.url
    call_command("load_starter")
    records = building.refresh(going_on=lambda: None).sheets["incidents.jsonl"].records
    environment = {**os.environ, "NODE": live_server.url, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"}
    tour = blocks(DATA, "sh")
    assert len(tour) >= 7
    said = [
        subprocess.run(["sh", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, check=True).stdout
        for block in tour
    ]
    assert json.loads(said[0])["files"]
    assert int(said[1]) == records
    (snippet,) = blocks(DATA, "python")
    ran = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert b"huggingface" in ran.stdout


@pytest.mark.parametrize("schema", ["github-workflows", "gitlab-ci"])
def test_the_jobs_are_valid_where_they_are_to_run(schema):
    job = yaml.safe_load(blocks(JOBS, "yaml")[schema == "gitlab-ci"])
    job = {"on" if key is True else key: value for key, value in job.items()}  # YAML 1.1 reads "on" as true
    jsonschema.validate(job, get_builtin_schema(f"vendor.{schema}"))
    assert "faultline check" in JOBS
