"""What a page asks of the database does not grow with the record: as many questions at 200 records as at 10."""

from contextlib import ExitStack

import pytest
from django.db import connections
from django.test import Client

from incidents import position
from incidents.connection import public_connection
from incidents.publishing import publish
from incidents.record import AffectedModel, Match
from tests import factories

pytestmark = pytest.mark.django_db

MODEL = "example-org/tiny-chat"
FEW, MANY = 10, 200


def publish_many(count, before=0):
    """Records on one model and on a model, an organisation, a category and a year each of their own, by turns."""
    for number in range(before, count):
        own = AffectedModel(hub="huggingface", name=f"org-{number}/model", match=Match.REPOSITORY)
        shared = AffectedModel(hub="huggingface", name=MODEL, match=Match.REPOSITORY)
        publish(
            factories.record(
                title=f"Record {number} of the shop",
                category=("bias", "misuse", "backdoor.trigger", "privacy")[number % 4],
                occurred=str(2015 + number % 10),
                affected=(shared, own),
            )
        )


def questions(path):
    """How many statements the second asking takes: the first fills what a process keeps."""
    asked = []

    def count(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        for name in {"default", public_connection().alias}:
            stack.enter_context(connections[name].execute_wrapper(count))
        for _ in range(2):
            asked.clear()
            position.forget()  # else it depends on the second
            response = Client().get(path)
            assert response.status_code == 200, path
            if response.streaming:
                list(response.streaming_content)
    return len(asked)


def test_every_page_asks_as_much_at_200_records_as_at_10():
    publish_many(FEW)
    one = Client().get("/api/v1/incidents?limit=1").json()["items"][0]["id"]
    paths = [
        "/",
        "/incidents/",
        "/incidents/?q=shop&category=bias",
        "/incidents/?sort=severity&density=table",
        "/incidents/?density=compact",
        "/incidents.json",
        "/incidents.csv",
        "/incidents.ndjson",
        "/incidents.parquet",
        "/incidents.metadata.json?kind=incident",
        "/incidents.atom",
        "/incidents.feed.json",
        f"/incidents/{one}/",
        f"/incidents/{one}/changes/",
        f"/embed/incidents/{one}/",
        f"/models/huggingface/{MODEL}/",
        f"/models/huggingface/{MODEL}/badge.svg",
        f"/embed/models/huggingface/{MODEL}/",
        f"/families/huggingface/{MODEL}/",
        "/compare/?m=example-org%2Ftiny-chat&m=org-1%2Fmodel",
        "/organisations/",
        "/organisations/huggingface/example-org/",
        "/taxonomies/",
        "/taxonomies/faultline/",
        "/taxonomies/faultline/bias/",
        "/statistics/",
        "/statistics/?by=category&over=occurred_year",
        "/origins/",
        "/data/",
        "/about/",
        "/check/",
        "/subscribe/?kind=hazard",
        "/subscribe/webhook/?kind=hazard",
    ]
    few = {path: questions(path) for path in paths}
    publish_many(MANY, before=FEW)
    many = {path: questions(path) for path in paths}
    assert {path: (few[path], many[path]) for path in paths if many[path] != few[path]} == {}
    assert few["/incidents/"] > 0
