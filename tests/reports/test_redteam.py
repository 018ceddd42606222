"""Red-team tools' result files: what each says, and the draft it makes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.record import Kind
from lib.confined import RefusedFileError
from reports.redteam_draft import MOST_ROWS, draft_of, drafted, read_results
from reports.redteam_results import Attempt, Metric, Results, adapters, read
from reports.submission import Submission
from tests.stand_ins import files


def document(value) -> bytes:
    return json.dumps(value).encode()


def rows(*values) -> bytes:
    return b"\n".join(map(document, values))


# --- garak ---------------------------------------------------------------------------------------------------------
def test_garaks_report():
    assert read(files.garak_report()) == Results(
        tool="garak",
        version="0.14.0",
        date="2026-10-03",
        models=("example-org/tiny-chat",),
        metrics=(
            Metric("promptinject.HijackHateHumans", "promptinject.AttackRogueString", 7, 10),
            Metric("dan.Dan_11_0", "dan.DAN", 0, 5),
        ),
        attempts=(Attempt("promptinject.HijackHateHumans", "private question", "private answer"),),
    )


def test_garaks_threshold_decides_what_got_through():
    assert read(files.garak_report(**{"run.eval_threshold": 1.1})).attempts == ()


def test_garaks_older_names_of_the_target_and_plain_prompts():
    results = read(
        rows(
            {"entry_type": "start_run setup", "plugins.model_type": "huggingface", "plugins.model_name": "org/old"},
            {"entry_type": "init", "garak_version": "0.9"},
            {
                "entry_type": "attempt",
                "status": 2,
                "probe_classname": "lmrc.Slur",
                "prompt": "plain",
                "outputs": ["text"],
                "detector_results": {"x": [1]},
            },
        )
    )
    assert results.models == ("org/old",)
    assert results.attempts == (Attempt("lmrc.Slur", "plain", "text"),)


def test_garaks_hit_log_counts_hits_and_claims_no_total():
    hit = {"goal": "g", "generator": "huggingface org/name", "probe": "dan.Dan", "detector": "dan.DAN", "score": 1.0}
    results = read(
        rows({**hit, "prompt": "a", "output": "b"}, {**hit, "prompt": {"text": "c"}, "output": {"text": "d"}})
    )
    assert results.models == ("org/name",)
    assert results.metrics == (Metric("dan.Dan", "dan.DAN", hits=2),)
    assert results.attempts == (Attempt("dan.Dan", "a", "b"), Attempt("dan.Dan", "c", "d"))


# --- Inspect -------------------------------------------------------------------------------------------------------
def inspect_log(**spec):
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "created": "2026-09-01T08:00:00+00:00",
            "task": "refusals",
            "model": "hf/example-org/tiny-chat",
            "dataset": {},
            "config": {},
            "packages": {"inspect_ai": "0.3.200"},
            **spec,
        },
        "results": {
            "total_samples": 40,
            "completed_samples": 39,
            "scores": [
                {
                    "name": "judge",
                    "scorer": "judge",
                    "scored_samples": 38,
                    "metrics": {
                        "accuracy": {"name": "accuracy", "value": 0.25},
                        "stderr": {"name": "stderr", "value": 0.07},
                    },
                }
            ],
        },
        "samples": [
            {
                "id": 1,
                "epoch": 1,
                "input": [{"role": "user", "content": "asked"}],
                "output": {
                    "choices": [{"message": {"role": "assistant", "content": [{"type": "text", "text": "said"}]}}]
                },
            }
        ],
    }


def test_inspects_log():
    assert read(document(inspect_log())) == Results(
        tool="Inspect",
        version="0.3.200",
        date="2026-09-01",
        models=("example-org/tiny-chat",),
        metrics=(
            Metric("refusals", "judge: accuracy", total=38, score=0.25),
            Metric("refusals", "judge: stderr", total=38, score=0.07),
        ),
        attempts=(Attempt("refusals", "asked", "said"),),
    )


def test_inspects_log_of_a_run_that_failed_has_no_scores():
    log = {**inspect_log(model="openai/gpt-4o"), "status": "error", "results": None, "samples": None}
    assert read(document(log)).metrics == ()
    assert read(document(log)).models == ("openai/gpt-4o",)


def test_inspects_archive_is_refused_with_the_way_out():
    from lib.sanitise.making import clean

    with pytest.raises(RefusedFileError, match="inspect log convert --to json"):
        clean(files.archive(**{"header.json": document(inspect_log())}))


# --- promptfoo -----------------------------------------------------------------------------------------------------
def promptfoo_test(*, success, reason=0, plugin="harmful:privacy", strategy="jailbreak"):
    return {
        "promptIdx": 0,
        "provider": {"id": "huggingface:text-generation:example-org/tiny-chat", "label": ""},
        "prompt": {"raw": "asked", "label": "asked"},
        "vars": {"prompt": "asked"},
        "response": {"output": "said"},
        "success": success,
        "failureReason": reason,
        "score": float(success),
        "namedScores": {},
        "testCase": {"assert": [{"type": "promptfoo:redteam:privacy"}], "metadata": {"pluginId": plugin}},
        "metadata": {"strategyId": strategy},
    }


def promptfoo_file(*tests, version=3):
    return {
        "evalId": "eval-abc-2026-08-01T00:00:00",
        "results": {
            "version": version,
            "timestamp": "2026-08-01T10:00:00.000Z",
            "prompts": [],
            "results": list(tests),
            "stats": {"successes": 1, "failures": 1, "errors": 1},
        },
        "config": {},
        "shareableUrl": None,
        "metadata": {"promptfooVersion": "0.118.0"},
    }


def test_promptfoos_results_count_failed_assertions_and_not_errors():
    tests = [
        promptfoo_test(success=False, reason=1),
        promptfoo_test(success=True),
        promptfoo_test(success=False, reason=2),
        promptfoo_test(success=True, plugin=None, strategy=None),
    ]
    assert read(document(promptfoo_file(*tests))) == Results(
        tool="promptfoo",
        version="0.118.0",
        date="2026-08-01",
        models=("example-org/tiny-chat",),
        metrics=(
            Metric("harmful:privacy", "jailbreak", 1, 2),
            Metric("promptfoo:redteam:privacy", "", 0, 1),
        ),
        attempts=(Attempt("harmful:privacy", "asked", "said"),),
    )


# --- PyRIT ---------------------------------------------------------------------------------------------------------
def pyrit_piece(role, text, *scores, conversation="c1", **target):
    return {
        "id": "p",
        "role": role,
        "conversation_id": conversation,
        "sequence": 0,
        "timestamp": "2026-07-05T12:00:00",
        "prompt_target_identifier": {"__type__": "OpenAIChatTarget", "model_name": "example-org/tiny-chat", **target},
        "original_value": text,
        "converted_value": text,
        "scores": list(scores),
    }


def pyrit_score(value, kind="true_false", category=("violence",)):
    return {
        "score_value": value,
        "score_type": kind,
        "score_category": list(category),
        "scorer_class_identifier": {"__type__": "SelfAskTrueFalseScorer"},
    }


def test_pyrits_conversations():
    pieces = [
        pyrit_piece("user", "asked"),
        pyrit_piece("assistant", "said", pyrit_score("True"), pyrit_score("0.75", "float_scale", ["hate"])),
        pyrit_piece("user", "asked again", conversation="c2"),
        pyrit_piece("assistant", "refused", pyrit_score("False"), pyrit_score("0.25", "float_scale", ["hate"])),
    ]
    assert read(document(pieces)) == Results(
        tool="PyRIT",
        date="2026-07-05",
        models=("example-org/tiny-chat",),
        metrics=(
            Metric("violence", "SelfAskTrueFalseScorer", 1, 2),
            Metric("hate", "SelfAskTrueFalseScorer", total=2, score=0.5),
        ),
        attempts=(Attempt("violence", "asked", "said"),),
    )


# --- Any file ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("content", [b"{}", b"[]", b"[1, 2]", b'"text"', b"null", b'{"entry_type": "other"}', b""])
def test_json_of_no_known_tool_is_nobodys(content):
    assert read(content) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a text", "neither JSON"),
        (b"\xff\xfe", "no text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":1}\n' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_json_is_refused(content, words):
    with pytest.raises(RefusedFileError, match=words):
        read(content)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KNOWN = [
    [json.loads(line) for line in files.garak_report().splitlines()],
    [inspect_log()],
    [promptfoo_file(promptfoo_test(success=False, reason=1))],
    [[pyrit_piece("user", "a"), pyrit_piece("assistant", "b", pyrit_score("True"))]],
]


def places(value, path=()):
    """Every path into a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(value, path, new):
    """A copy of the value with `new` at the path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_value_anywhere_in_a_file_is_read_or_passed_over_and_never_an_error(data):
    known = data.draw(st.sampled_from(KNOWN))
    path = data.draw(st.sampled_from(list(places(known))[1:]))
    broken = changed(known, path, data.draw(VALUES))
    results = read(rows(*broken) if len(broken) > 1 else document(broken[0]))
    if results:
        draft = drafted(results)
        assert len(draft.title) <= 200
        assert len(draft.text) < 50_000


def test_every_adapter_is_named_as_its_file():
    assert {slug: adapter.slug for slug, adapter in adapters().items()} == {
        slug: slug for slug in ("garak", "inspect_ai", "promptfoo", "pyrit")
    }


# --- The draft -----------------------------------------------------------------------------------------------------
def test_a_draft_holds_names_and_counts_and_nothing_that_was_asked_or_answered():
    draft = draft_of(files.garak_report())
    assert draft.models == ("example-org/tiny-chat",)
    assert draft.title == "garak: 1 of 2 probes got through on example-org/tiny-chat"
    assert "| promptinject.HijackHateHumans | promptinject.AttackRogueString | 7 of 10 |  |" in draft.text
    assert "private" not in draft.text + draft.title
    assert (draft.kind, draft.occurred) == (Kind.MEASUREMENT, "2026-10-03")


def test_a_draft_is_a_submission_but_for_its_category():
    Submission.model_validate({**draft_of(files.garak_report()).answers(), "category": "hidden_promotion"})


def test_names_from_a_file_cannot_break_the_table():
    metric = Metric("a | b\n| c\u202e", "x" * 300, 1, 2)
    text = drafted(Results("garak", metrics=(metric,) * (MOST_ROWS + 5))).text
    table = [line for line in text.split("\n") if line.startswith("|")]
    assert len(table) == 2 + MOST_ROWS
    assert all(line.count("|") == 5 for line in table)
    assert "And 5 more" in text
    assert "\u202e" not in text


def test_what_a_confined_process_read_is_what_was_read():
    assert read_results(files.garak_report()) == read(files.garak_report())
    with pytest.raises(RefusedFileError, match="no result file of a tool"):
        draft_of(b'{"a": 1}')
