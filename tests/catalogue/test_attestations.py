"""Attested openness, imported from files of the Model Openness Framework."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalogue.attestations import attested
from catalogue.hub import Reference
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Attestation
from catalogue.naming import name_model
from catalogue.profiles import profile_of
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db
COLLECTION = Path(__file__).parents[2].parent / "shared" / "data" / "openness" / "mof" / "models"
FILE = """
framework:
  name: Model Openness Framework
release:
  name: Tiny Chat
  producer: Example
  huggingface: {name}
  license: {{}}
  components:
    - name: Model card
      license: CC-BY-4.0
"""


def folder_of(tmp_path, **files):
    for file, name in files.items():
        (tmp_path / f"{file}.yml").write_text(FILE.format(name=name))
    return str(tmp_path)


def model(name):
    return name_model(Reference("huggingface", name)).model


def test_a_file_is_evidence_for_the_model_it_names_and_makes_no_other_known(tmp_path, capsys):
    folder = folder_of(tmp_path, tiny="example-org/tiny-chat", other="nobody/asked-about-this")
    call_command("import_mof", folder)
    assert "2  new" in capsys.readouterr().out
    assert not Alias.objects.exists()
    assert attested(model("Example-Org/tiny-chat")).name == "Tiny Chat"
    call_command("import_mof", folder)
    assert "2  unchanged" in capsys.readouterr().out


def test_two_files_on_one_model_attest_nothing(tmp_path):
    call_command("import_mof", folder_of(tmp_path, one="example-org/tiny-chat", two="example-org/tiny-chat"))
    assert attested(model("example-org/tiny-chat")) is None


def test_what_is_attested_stands_beside_what_is_derived(tmp_path, settings):
    call_command("import_mof", folder_of(tmp_path, tiny="example-org/tiny-chat"))
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        tiny = model("example-org/tiny-chat")
        look_up_due()
    assert profile_of(tiny).as_dict()["attested"]["components"]


def test_a_folder_without_files_is_one_clear_line(tmp_path):
    with pytest.raises(CommandError, match=r"no \.yml file"):
        call_command("import_mof", str(tmp_path))


@pytest.mark.skipif(not COLLECTION.exists(), reason="the framework's collection is not beside this checkout")
def test_the_whole_collection_comes_in(capsys):
    call_command("import_mof", str(COLLECTION))
    assert Attestation.objects.count() == 172
    assert "101  refused: names no model on Hugging Face" in capsys.readouterr().out
