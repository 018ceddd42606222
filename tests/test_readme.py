"""The README is the contract: what it shows works."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    shlex.split(block.split("\n{")[0].split("\n\n")[0].split("   #")[0])
    for block in re.findall(r"^\$ (curl .*?)(?=^\$ |^```)", README, re.MULTILINE | re.DOTALL)
]


@pytest.mark.django_db
def test_every_curl_of_the_readme_answers():
    call_command("load_starter")
    assert len(COMMANDS) >= 4
    for command in COMMANDS:
        address = urlsplit(next(word for word in command if word.startswith("http")))
        path = f"{address.path}?{address.query}"
        if "-d" in command:
            body = json.loads(command[command.index("-d") + 1])
            answer = Client().post(path, body, content_type="application/json")
            assert answer.status_code == (201 if address.path.endswith("/reports") else 200)
            assert answer.json().keys() & {"receipt", "affected"}
            assert answer.json().get("affected") != 0  # what the README asks about is on record
        else:
            answer = Client().get(path)
            assert answer.status_code == 200, path
            assert answer.json()


def test_every_file_the_readme_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_make_target_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)$", README, re.MULTILINE)) <= targets
