"""How much a model is used: what its page and its JSON tell, and what they keep to themselves."""

from datetime import UTC, date, datetime

import pytest

from catalogue.lookups import look_up_due
from catalogue.models import Model, Snapshot, UseCount
from incidents.models import Incident
from tests.markup import elements
from tests.stand_ins.huggingface import example_model
from tests.website.test_pages import SHA, hub, model_page, published, text_of

pytestmark = pytest.mark.django_db

__all__ = ["hub"]  # a fixture


@pytest.fixture
def model():
    published(models=("org/used",))
    model = Model.objects.get(name="org/used")
    Snapshot.objects.create(model=model, revision=SHA, name=model.name, downloads=1)
    Incident.objects.update(published_at=datetime(2026, 3, 4, 12, tzinfo=UTC))
    return model


def count(model, day, downloads, likes=None):
    UseCount.objects.create(model=model, day=day, downloads=downloads, likes=likes)


def test_use_is_drawn_and_written_out_by_week_since_the_first_record(client, model):
    count(model, date(2026, 3, 3), 77_777)
    count(model, date(2026, 3, 4), 1_000, 3)
    count(model, date(2026, 3, 8), 2_000, 4)
    count(model, date(2026, 3, 9), 8_000)
    count(model, date(2026, 3, 23), 4_000, 6)
    page = model_page(client, "org/used")
    assert (
        "Downloads in 30 days: 4,000 in the week of 23 March 2026, 2,000 in the week of 2 March 2026; "
        "at most 8,000, at least 2,000." in page
    )
    assert "Likes: 6 in the week of 23 March 2026, 4 in the week of 2 March 2026" in page
    assert "77,777" not in page
    assert "1,000" not in page
    drawn = elements(client.get("/models/huggingface/org/used/").content.decode())
    lines = [attributes["points"] for tag, attributes in drawn if tag == "polyline"]
    assert lines == ["0.0,103.0 213.3,22.0 640.0,76.0", "0.0,58.0 640.0,22.0"]
    told = client.get("/api/v1/models/huggingface/org/used").json()["use"]
    assert told == [
        {"week": "2026-03-02", "downloads": 2000, "likes": 4},
        {"week": "2026-03-09", "downloads": 8000, "likes": None},
        {"week": "2026-03-23", "downloads": 4000, "likes": 6},
    ]


def test_use_of_one_week_is_a_number_and_no_line(client, model):
    count(model, date(2026, 3, 4), 0, 0)
    page = client.get("/models/huggingface/org/used/").content.decode()
    assert "<polyline" not in page
    assert "1 week in numbers" in text_of(client.get("/models/huggingface/org/used/"))


def test_use_that_never_was_any_is_a_line_at_zero(client, model):
    count(model, date(2026, 3, 4), 0)
    count(model, date(2026, 3, 11), 0)
    assert 'points="0.0,130.0 640.0,130.0"' in client.get("/models/huggingface/org/used/").content.decode()


def test_use_of_a_private_repository_or_before_any_record_is_not_told(client, model):
    count(model, date(2026, 3, 3), 5)
    assert "How much it is used" not in model_page(client, "org/used")
    count(model, date(2026, 3, 5), 5)
    assert "How much it is used" in model_page(client, "org/used")
    Snapshot.objects.create(model=model, revision=SHA, name=model.name, private=True)
    assert "How much it is used" not in model_page(client, "org/used")
    assert client.get("/api/v1/models/huggingface/org/used").json()["use"] == []


def test_use_is_not_even_counted_while_the_repository_is_private(hub):
    hub.put(example_model("org/secret", private=True))
    published(models=("org/secret",))
    look_up_due()
    assert Snapshot.objects.get().private
    assert not UseCount.objects.exists()


def test_use_tells_nothing_of_a_base_that_no_record_names(client, hub):
    hub.put(example_model("org/base"))
    hub.put(example_model("org/child", tags=["base_model:finetune:org/base"]))
    published(models=("org/child",))
    look_up_due()
    look_up_due()
    assert UseCount.objects.filter(model__name="org/base").exists()
    assert "How much it is used" not in model_page(client, "org/base")
    assert "How much it is used" in model_page(client, "org/child")


def test_the_curve_is_marked_where_records_were_published(client, model):
    count(model, date(2026, 3, 2), 1_000)
    count(model, date(2026, 3, 4), 1_000)
    count(model, date(2026, 3, 23), 4_000)
    public_id = Incident.objects.get().public_id
    response = client.get("/models/huggingface/org/used/")
    drawn = elements(response.content.decode())
    marks = [attributes["x1"] for tag, attributes in drawn if attributes.get("class") == "chart-mark"]
    assert marks == ["61.0"]  # two days of three weeks, on 640 pixels
    assert f"Marked: records published on 4 March 2026 ( {public_id} )" in text_of(response)
