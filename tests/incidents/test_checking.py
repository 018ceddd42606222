"""Am I affected: how exactly a question matches a record, what follows, and what is never told."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalogue.lookups import look_up_due
from catalogue.models import Model
from incidents import publishing
from incidents.checking import Level, Verdict, check, read_question
from incidents.public_models import Pages, describe, resolve
from incidents.record import AffectedModel, Match
from tests import factories
from tests.stand_ins.huggingface import StandInHub, digits, example_file, example_model

pytestmark = pytest.mark.django_db

NAME = "example-org/tiny-chat"
SHA, OTHER, THIRD = "ab" * 20, "cd" * 20, "abababa" + "0" * 33
WEIGHTS = "12" * 32


def about(**changes):
    """What a record says of the model."""
    return AffectedModel.model_validate({"hub": "huggingface", "name": NAME, "match": Match.REPOSITORY} | changes)


def publish(*models, **changes):
    return publishing.publish(factories.record(affected=models, **changes)).incident


def ask(text, *bases):
    (answer,) = check([read_question(text, bases)])
    return answer


def told(text, *bases):
    """The only finding's level and verdict."""
    (finding,) = ask(text, *bases).findings
    return finding.level, finding.verdict


def test_a_record_on_the_repository_concerns_every_revision_of_it():
    publish(about())
    for text in (
        NAME,
        NAME.upper(),
        f"{NAME}@{SHA}",
        f"https://huggingface.co/{NAME}/tree/main",
        f"pkg:huggingface/{NAME}",
    ):
        assert told(text) == (Level.REPOSITORY, Verdict.AFFECTED)


def test_a_record_on_one_revision_concerns_exactly_that_and_perhaps_the_others():
    publish(about(revision=SHA))
    assert told(f"{NAME}@{SHA}") == (Level.REVISION, Verdict.AFFECTED)
    assert told(f"{NAME}@{OTHER}") == (Level.REPOSITORY, Verdict.POSSIBLY_AFFECTED)
    assert told(NAME) == (Level.REPOSITORY, Verdict.POSSIBLY_AFFECTED)


def test_a_short_hash_matches_where_only_one_revision_on_record_begins_so():
    publish(about(revision=SHA))
    assert told(f"{NAME}@{SHA[:8]}") == (Level.UNIQUE_PREFIX, Verdict.AFFECTED)
    assert told(f"{NAME}@{SHA[:6]}") == (Level.REPOSITORY, Verdict.POSSIBLY_AFFECTED)
    publish(about(revision=SHA), about(revision=THIRD))
    levels = {finding.level for finding in ask(f"{NAME}@{SHA[:7]}").findings}
    assert levels == {Level.UNIQUE_PREFIX, Level.REPOSITORY}


def test_fixed_and_not_affected_revisions_are_honoured():
    publish(about(revision=SHA), about(revision=OTHER, status="fixed"), about(revision=THIRD, status="not_affected"))
    assert told(f"{NAME}@{OTHER}") == (Level.REVISION, Verdict.FIXED)
    assert told(f"{NAME}@{THIRD}") == (Level.REVISION, Verdict.NOT_AFFECTED)
    assert not ask(f"{NAME}@{THIRD}").affected
    assert ask(f"{NAME}@{'ef' * 20}").affected


def test_revisions_that_a_record_lists_as_fixed_or_not_affected_are_honoured():
    publish(about(fixed_in=[OTHER], not_affected_in=[THIRD], files=[{"path": "model.bin", "sha256": WEIGHTS}]))
    assert told(NAME) == (Level.REPOSITORY, Verdict.AFFECTED)
    assert told(f"{NAME}@{SHA}") == (Level.REPOSITORY, Verdict.AFFECTED)
    assert told(f"{NAME}@{OTHER}") == (Level.REVISION, Verdict.FIXED)
    assert told(f"{NAME}@{THIRD}") == (Level.REVISION, Verdict.NOT_AFFECTED)
    assert told(WEIGHTS) == (Level.FILE, Verdict.AFFECTED)
    model = resolve("huggingface", NAME)
    assert model is not None
    assert describe(model, Pages()).revisions == ()


def test_a_record_that_clears_a_revision_and_accuses_none_says_nothing_of_the_others():
    publish(about(revision=SHA, status="not_affected"), about(name="example-org/other"))
    assert ask(f"{NAME}@{OTHER}").findings == ()


def test_a_file_matches_by_its_digest_and_by_its_path_in_the_revision():
    publish(about(revision=SHA, files=[{"path": "model.bin", "sha256": WEIGHTS}], match="file"))
    for text in (WEIGHTS, f"sha256:{WEIGHTS.upper()}", f"https://huggingface.co/{NAME}/blob/{SHA}/model.bin"):
        assert told(text) == (Level.FILE, Verdict.AFFECTED)
    assert told(f"{NAME}@{SHA}") == (Level.REVISION, Verdict.AFFECTED)
    assert ask("34" * 32).findings == ()


def test_a_name_that_the_record_ties_to_no_repository_is_only_a_name():
    publish(AffectedModel(name="Tiny-Chat", match=Match.NAME_ONLY))
    assert told("someone/tiny-chat") == (Level.NAME_ONLY, Verdict.POSSIBLY_AFFECTED)
    assert told("tiny-chat") == (Level.NAME_ONLY, Verdict.POSSIBLY_AFFECTED)
    assert ask("someone/tiny-chat-2").findings == ()


def test_a_withdrawn_record_concerns_nobody():
    case = factories.published_case()
    assert ask(NAME).affected
    from reports import workflow

    workflow.withdraw(case=case, by=factories.senior_moderator(), notice="It was another model.")
    assert ask(NAME).findings == ()


def published(*models):
    """A record that a moderator made of a report on these models."""
    return factories.published_incident(reported=factories.report(models=models))


@pytest.fixture
def family(settings):
    """org/quant derives from org/chat, which derives from org/base; org/base and org/quant are on record."""
    models = [
        example_model("org/quant", tags=["base_model:quantized:org/chat"]),
        example_model("org/chat", tags=["base_model:finetune:org/base"]),
        example_model("org/base"),
    ]
    with StandInHub(models) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        published("org/base")
        published("org/quant")
        look_up_due()
        look_up_due()
        look_up_due()
        yield hub


def test_a_flaw_of_a_base_reaches_what_derives_from_it_with_the_way_there(family):
    findings = ask("org/quant").findings
    assert [finding.level for finding in findings] == [Level.REPOSITORY, Level.INHERITED]
    inherited = findings[1]
    assert inherited.verdict is Verdict.POSSIBLY_AFFECTED
    assert inherited.way == ("org/quant", "org/chat", "org/base")
    assert inherited.relations == ("quantized", "finetune")


def test_what_the_caller_says_a_model_derives_from_is_followed_too(family):
    (finding,) = ask("my-company/secret-finetune", "org/chat").findings
    assert (finding.level, finding.verdict) == (Level.INHERITED, Verdict.POSSIBLY_AFFECTED)
    assert finding.way == ("my-company/secret-finetune", "org/chat", "org/base")
    assert finding.relations == ("declared", "finetune")


def test_a_branch_means_the_commit_it_pointed_at_when_the_hub_was_last_asked(settings):
    head = example_model(NAME)["sha"]
    with StandInHub([example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        published(f"{NAME}@{head}")
        look_up_due()
    (finding,) = ask(f"{NAME}@main").findings
    assert (finding.level, finding.verdict) == (Level.BRANCH, Verdict.AFFECTED)
    assert finding.as_of
    assert told(f"{NAME}@some-branch") == (Level.REPOSITORY, Verdict.POSSIBLY_AFFECTED)


def test_weights_are_recognised_by_the_digest_the_hub_lists(settings):
    listed = example_model(NAME)
    weights = next(file["lfs"]["sha256"] for file in listed["siblings"] if "lfs" in file)
    with StandInHub([listed]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        published(f"{NAME}@{listed['sha']}")
        look_up_due()
    assert told(weights) == (Level.REVISION, Verdict.AFFECTED)


def test_nothing_tells_what_is_only_in_pending_reports(settings):
    weights = example_file("secret.safetensors", 5_000_000, is_large=True)
    derived = example_model("secret-org/derived", tags=[f"base_model:finetune:{NAME}"], siblings=[weights])
    with StandInHub([derived, example_model(NAME)]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        factories.published_incident()
        questions = ["secret-org/derived", digits("secret", 64), weights["lfs"]["sha256"]]
        look_up_due()
        before = [ask(text).findings for text in questions]
        factories.report(models=("secret-org/derived",))
        look_up_due()
        look_up_due()
    assert Model.objects.filter(name="secret-org/derived").exists()
    assert [ask(text).findings for text in questions] == before == [(), (), ()]


def test_a_thousand_questions_cost_as_many_queries_as_one(family):
    with CaptureQueriesContext(
        connection,
    ) as one:
        check([read_question("org/quant")])
    many = [read_question(text, ("org/chat",)) for n in range(330) for text in (f"org/m{n}", f"{n:064x}", "org/quant")]
    with CaptureQueriesContext(connection) as thousand:
        answers = check(many)
    assert len(thousand) == len(one) == 6
    assert len(answers) == len(many)
    assert [answer.question for answer in answers] == many


def test_what_a_migration_fills_in_equals_what_publishing_projects():
    incident = publish(about(revision=SHA, files=[{"path": "a.bin", "sha256": WEIGHTS}], match="file"))
    row = incident.affected.get()
    document = json.loads(bytes(incident.document))["affected"][0]
    assert row.file_paths == [file["path"] for file in document["files"]] == ["a.bin"]
    assert row.file_digests == [WEIGHTS]
