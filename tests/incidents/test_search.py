"""Records by their ids and by what they are about."""

import pytest

from incidents import search
from incidents.models import Incident, Operation
from incidents.publishing import publish, revise
from incidents.record import Record
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_id_of_another_database_leads_to_ours_whatever_the_letter_case():
    publish(factories.record(aliases=("AIID-313",)))
    (incident,) = Incident.objects.all()
    assert search.by_id("aiid-313") == search.by_id(incident.public_id.lower()) == incident


def test_a_model_is_found_by_any_of_its_names_or_its_stable_id():
    named = factories.record()
    publish(named)
    by_id = {**named.document()["affected"][0], "name": "new/name", "stable_id": "17"}
    publish(factories.record(affected=(by_id,)))
    assert search.of_model("huggingface", ["Example-Org/TINY-chat"], "").count() == 1
    assert search.of_model("huggingface", ["example-org/tiny-chat"], "17").count() == 2
    assert search.of_model("kaggle", ["example-org/tiny-chat"], "17").count() == 0


def test_withdrawn_records_concern_no_model():
    record = factories.record()
    publish(record)
    gone = Record.model_validate({**record.document(), "version": 2, "status": "withdrawn", "notice": "Wrong."})
    revise(Operation.WITHDRAW, gone)
    assert not search.of_model("huggingface", ["example-org/tiny-chat"], "").exists()
