"""Whatever is sent, the API answers what its OpenAPI document says, as a problem document, and never a 500."""

import logging

import pytest
import schemathesis
from django.db import transaction
from django.test import override_settings
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api import changes
from api.exports import MEDIA_TYPES
from incidents.exports import building
from incidents.waiting import wait_beyond
from tests import factories

pytestmark = pytest.mark.django_db


def application(environ, start_response):
    """The node as Django's test client calls it: the test's transaction stays open."""
    response = ClientHandler(enforce_csrf_checks=True)(environ)
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.getvalue()]


# Every picture sent is drawn anew in a process of its own: what takes files is tried at random, not at every boundary.
WITH_FILES = ["submit_report", "submit_results", "add_evidence"]
# The forms of an export are asked for alike, by the same code: one of them at every boundary says it of all.
_, *ALIKE = [f"export_incidents_{form}" for form in MEDIA_TYPES]
AT_RANDOM = {"include-operation-id": [*WITH_FILES, *ALIKE], "phases": {"coverage": {"enabled": False}}}
CONFIG = {"operations": [AT_RANDOM]}
document = schemathesis.openapi.from_wsgi("/api/schema", application, config=schemathesis.Config.from_dict(CONFIG))


@pytest.fixture(scope="module")
def _exports(django_db_setup, django_db_blocker, tmp_path_factory):
    """The stored files, which otherwise are yet to be made: a 503."""
    folder = override_settings(EXPORT_ROOT=tmp_path_factory.mktemp("exports"))
    with django_db_blocker.unblock(), transaction.atomic(), folder:
        factories.published_incident()
        building.refresh(going_on=lambda: None)
        transaction.set_rollback(True)
    with folder:
        yield


@pytest.fixture(autouse=True)
def _something_to_find(_exports, db, monkeypatch):
    factories.published_incident()
    # Half a minute of waiting says no more than a moment of it.
    monkeypatch.setattr(changes, "wait_beyond", lambda number, seconds: wait_beyond(number, min(seconds, 0.1)))
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


# What no schema of ours can say: whether bytes are a picture, a tool's results or a bill of materials; whether a cursor
# was made here; which values stand between commas, and what can be counted together; and what of OSV's query goes with
# what, as its tools know it; how far the log is signed. Whatever fits the schema may be refused all the same.
FILTERED = ["list_incidents", *(f"export_incidents_{form}" for form in MEDIA_TYPES)]
JUDGED = {*WITH_FILES, *FILTERED, "check_bom", "list_models", "list_organisations", "count_incidents"}
JUDGED |= {"osv_query", "osv_query_batch", "get_consistency_proof"}


@document.parametrize()
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_its_description(case):
    judged = case.operation.definition.raw["operationId"] in JUDGED
    case.call_and_validate(excluded_checks=[positive_data_acceptance] if judged else [])
