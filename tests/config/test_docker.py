"""The image: the pinned packages, no root, no secret, and the web server of `make run`."""

import json
import re
import subprocess
import sys

from config import run
from config.home import PROJECT

LINES = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
IGNORED = (PROJECT / ".dockerignore").read_text().split()


def instructions(keyword: str) -> list[str]:
    """What follows a keyword, in order."""
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{keyword} ")]


def test_runs_what_make_run_runs():
    assert json.loads(instructions("CMD")[-1]) == ["python", "-m", *run.web_command(*run.IMAGE_PLACE)]


def test_is_built_on_one_pinned_base():
    assert {base.split()[0] for base in instructions("FROM")} == {"python:3.11-slim-bookworm"}


def test_installs_the_pinned_packages_only():
    installs = [step for step in instructions("RUN") if "pip install" in step]
    assert installs
    assert all("--require-hashes" in step and "requirements.txt" in step for step in installs)


def test_does_not_run_as_root():
    assert instructions("USER") == ["faultline"]
    assert LINES.index("USER faultline") < next(n for n, line in enumerate(LINES) if line.startswith("CMD"))


def test_holds_no_secret():
    assert not re.search(r"(PASSWORD|SECRET|PEPPER|KEY|TOKEN)\w*=", "\n".join(LINES))
    assert {".env", "var", ".git", ".venv"} <= set(IGNORED)


def test_checks_its_health_by_asking_itself():
    assert json.loads(instructions("HEALTHCHECK")[0].split("CMD", 1)[1]) == ["python", "-m", "config.run", "is-ready"]
    done = subprocess.run([sys.executable, "-m", "config.run", "is-ready"], cwd=PROJECT, check=False)
    assert done.returncode in {0, 1}  # whether a node happens to run here or not


def test_collects_the_static_files_hashed():
    assert any("collectstatic" in step for step in instructions("RUN"))
    # Both stages: the one that collects and the one that serves.
    assert instructions("ENV").count("FAULTLINE_STATIC_ROOT=/app/staticfiles") == 2
