"""The house as contracts: each holds, and each can fail."""

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

# One forbidden import for each contract: the file it is added to, and the line.
BREACHES = {
    "layers": ("catalogue/models.py", "import incidents.models"),
    "public-never-reaches-reports": ("website/model.py", "import website.status"),
    "one-door-out": ("reports/workflow.py", "import httpx2"),
    "nobody-imports-tasks": ("reports/workflow.py", "import catalogue.tasks"),
    "hubs-are-independent": ("catalogue/hubs/second.py", "import catalogue.hubs.huggingface"),
    "importers-are-independent": ("reports/importers/second.py", "import reports.importers.avid"),
    "formats-are-independent": ("incidents/formats/second.py", "import incidents.formats.osv"),
    "adapters-are-independent": ("reports/redteam/second.py", "import reports.redteam.garak"),
    "plain-data": ("incidents/record.py", "import django.conf"),
}


def lint(folder, contract):
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--contract", contract, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return folder


def test_every_contract_has_a_breach_to_prove_it():
    assert set(BREACHES) == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize("contract", BREACHES)
def test_a_contract_holds_and_one_forbidden_import_breaks_it(copy, contract):
    kept = lint(copy, contract)
    assert kept.returncode == 0, kept.stdout
    path = copy / BREACHES[contract][0]
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{BREACHES[contract][1]}\n")
    try:
        broken = lint(copy, contract)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert broken.returncode == 1, broken.stdout
    assert "BROKEN" in broken.stdout


def test_every_module_that_serves_the_public_is_under_the_privacy_contract():
    contract = next(c for c in CONTRACTS if c["id"] == "public-never-reaches-reports")
    private = {
        "api.reports",
        "api.threads",
        "api.urls",
        "website.evidence",
        "website.files",
        "website.guard",
        "website.reply",
        "website.status",
        "website.subscribe",
        "website.urls",
        "website.webhooks",
    }
    for package in ("api", "website"):
        modules = {f"{package}.{path.stem}" for path in (ROOT / package).glob("*.py") if path.stem != "__init__"}
        assert modules - private <= set(contract["source_modules"])


def test_plug_in_folders_are_packages_that_the_linter_sees():
    for folder in ("catalogue/hubs", "incidents/formats", "reports/importers", "reports/redteam"):
        assert (ROOT / folder / "__init__.py").exists()


def test_the_example_environment_names_every_variable_that_is_read():
    read = set()
    for path in (ROOT / "config").glob("*.py"):
        read |= set(
            re.findall(
                r'"((?:FAULTLINE_[A-Z_]+)|PORT|HOST|DATABASE_(?:READER_|REPLICA_)?URL|EMAIL_URL|REDIS_URL)"',
                path.read_text(),
            )
        )
    # Hubs' variables follow a pattern; the example shows it with one hub.
    read |= {f"FAULTLINE_HUB_HUGGINGFACE_{what}" for what in ("ENDPOINT", "TOKEN", "WEBHOOK_SECRET")}
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert explained == read


def test_every_variable_of_the_example_is_explained_by_the_line_above():
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"[A-Z_]+=", line):
            assert before.startswith("# "), line


def test_architecture_names_every_room():
    described = (ROOT / "docs" / "architecture.md").read_text()
    for package in PACKAGES:
        assert f"`{package}/`" in described
        for path in (ROOT / package).glob("*.py"):
            if path.stem not in {"__init__", "apps", "urls", "models", "admin", "views"}:
                assert path.stem in described, path
