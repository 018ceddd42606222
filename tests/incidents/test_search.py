"""Public queries."""

import pytest

from incidents import search
from incidents.models import Operation
from incidents.publishing import publish, revise
from incidents.record import Record
from incidents.search import BadCursorError, Wanted
from tests import factories

pytestmark = pytest.mark.django_db


def found(**wanted):
    return [incident.title for incident in search.find(Wanted(**wanted)).incidents]


def test_pages_follow_each_other_without_a_skip_or_a_repeat():
    for number in range(23):
        publish(factories.record(title=f"Incident number {number:02d}"))
    titles, cursor = [], ""
    while True:
        page = search.find(Wanted(), after=cursor, limit=5)
        titles += [incident.title for incident in page.incidents]
        cursor = page.next
        if not cursor:
            break
    assert titles == [f"Incident number {number:02d}" for number in reversed(range(23))]


@pytest.mark.parametrize(
    "cursor",
    # The last two: the first row of a far offset's day, which no database holds, and a row that could be.
    ["zzz", "!!", "MjAyNg", "a" * 300, "MjAyNC0wMS0wMVQwMDowMDowMCsyMzowMCA1", "MjAyNi0wMS0wMVQwMDowMDowMCAx"],
)
def test_a_made_up_cursor_is_refused(cursor):
    with pytest.raises(BadCursorError):
        search.find(Wanted(), after=cursor)


def test_words_are_found_in_title_text_and_model_names():
    publish(factories.record(title="Poisoned tokenizer", description="A trigger phrase in Latvian."))
    publish(factories.record(title="Something else"))
    assert found(q="poisoning") == ["Poisoned tokenizer"]
    assert found(q='"trigger phrase" -Greek') == ["Poisoned tokenizer"]
    assert len(found(q="tiny-chat")) == 2
    assert found(q="unrelated") == []


def test_a_category_includes_its_children():
    publish(factories.record(title="A trigger", category="backdoor.trigger"))
    publish(factories.record(title="Bias it is", category="bias"))
    assert found(category="backdoor") == ["A trigger"]


def test_a_model_is_found_whatever_the_letter_case_and_an_alias_too():
    publish(factories.record(aliases=("AIID-313",)))
    assert len(found(model="Example-Org/TINY-chat", hub="huggingface")) == 1
    assert found(model="example-org/tiny-chat", hub="kaggle") == []
    assert len(found(alias="aiid-313")) == 1
    assert search.by_id("aiid-313") == search.by_id(search.find(Wanted()).incidents[0].public_id)


def test_withdrawn_records_are_shown_only_when_asked_for():
    record = factories.record()
    publish(record)
    gone = Record.model_validate({**record.document(), "version": 2, "status": "withdrawn", "notice": "Wrong."})
    revise(Operation.WITHDRAW, gone)
    assert found() == []
    assert len(found(status="withdrawn")) == 1
