"""The compose file: valid, without secrets, healthy, and running what `make run` runs."""

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from config import run
from config.home import PROJECT, SECRETS

FILE = PROJECT / "docker-compose.yml"
IMAGE = (PROJECT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"migrate"}
OURS = {"web", "worker", "beat", "migrate"}
SECRET = re.compile(r"PASSWORD|SECRET|PEPPER|KEY|TOKEN")
PYTHON = ["python", "-m"]

every_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_follows_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_secret_has_a_default():
    variables = re.findall(r"\$\{(\w+)([^}]*)\}", FILE.read_text())
    secrets = [(name, rest) for name, rest in variables if SECRET.search(name)]
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD", "FAULTLINE_READER_PASSWORD", *SECRETS}
    assert all(rest.startswith(":?") for _, rest in secrets)


@every_service
def test_secrets_come_from_outside(name):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            assert value.startswith("${"), variable


@every_service
def test_has_a_health_check(name):
    assert ("healthcheck" in SERVICES[name]) == (name not in ONE_SHOT)


@every_service
def test_has_no_privileges_to_lose(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if name in OURS:
        assert service["read_only"] is True
        assert "cap_add" not in service


@every_service
def test_comes_back_by_itself(name):
    assert SERVICES[name]["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")


def test_runs_what_make_run_runs():
    assert SERVICES["web"]["command"] == PYTHON + run.web_command(*run.IMAGE_PLACE)
    assert SERVICES["worker"]["command"] == PYTHON + run.WORKER
    assert SERVICES["beat"]["command"] == PYTHON + run.BEAT


def test_serves_the_files_the_image_collected():
    assert f"ENV FAULTLINE_STATIC_ROOT={SERVICES['web']['environment']['FAULTLINE_STATIC_ROOT']}\n" in IMAGE


def test_work_waits_for_the_migrations():
    for name in OURS - ONE_SHOT:
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_only_this_machine_reaches_the_web_server_and_nobody_the_data():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]


def test_redis_keeps_what_it_has_taken():
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
