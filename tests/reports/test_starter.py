"""The starter collection: worth reading, exact, and brought in by the same verbs as any report."""

import json
import re

import jsonschema
import pytest
from django.core.management import CommandError, call_command

from incidents import log
from incidents.models import Incident
from incidents.record import Kind, json_schema
from incidents.taxonomy import OWN, taxonomies
from reports.models import Activity, Case, Report
from reports.starter import entries


def test_there_are_at_least_forty_and_each_is_worth_reading():
    assert len(entries()) >= 40
    for entry in entries():
        assert len(entry.description.split()) >= 60, entry.key
        assert entry.references, entry.key


def test_they_show_the_breadth_of_the_register():
    assert {entry.kind for entry in entries()} == set(Kind)
    top = {term.code for term, _ in taxonomies()[OWN].tree()}
    covered = {entry.category.split(".")[0] for entry in entries()}
    # No documented case of an open model is known to us.
    assert top - covered <= {"loss_of_control"}


def test_an_unknown_revision_is_said_to_be_unknown():
    for entry in entries():
        for named in entry.affected:
            assert "@" in named.model or named.note, (entry.key, named)


def test_titles_keys_and_foreign_ids_are_unique():
    for values in (
        [entry.key for entry in entries()],
        [entry.title for entry in entries()],
    ):
        assert len(values) == len(set(values))


def test_no_entry_carries_an_address_of_a_person():
    for entry in entries():
        assert not re.search(r"[\w.]+@[\w-]+\.\w+", entry.model_dump_json()), entry.key


@pytest.mark.django_db
def test_loading_publishes_each_once_and_loading_again_changes_nothing(capsys):
    call_command("load_starter")
    assert Incident.objects.count() == Case.objects.count() == Report.objects.count() == len(entries())
    validator = jsonschema.Draft202012Validator(json_schema())
    for incident in Incident.objects.all():
        validator.validate(json.loads(bytes(incident.document)))
    assert list(log.problems()) == []
    assert set(Activity.objects.values_list("actor_name", flat=True)) == {"starter collection"}
    before = log.head()
    call_command("load_starter")
    assert log.head() == before
    assert "0 new" in capsys.readouterr().out


@pytest.mark.django_db
def test_parts_share_out_the_collection():
    loaded = 0
    for part in ("none", "1/9", "9/9"):
        call_command("load_starter", part=part)
        loaded += 0 if part == "none" else len(entries()[int(part[0]) - 1 :: 9])
        assert Report.objects.count() == loaded
    for wrong in ("0/3", "4/3", "1/", "some"):
        with pytest.raises(CommandError, match="no part"):
            call_command("load_starter", part=wrong)
