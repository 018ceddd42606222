"""The Model Openness Framework's model files: read as attested, and what they rule out."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalogue.mof import (
    COMPONENTS,
    LONGEST_FILE,
    PAPER,
    PARAMETERS,
    REPORT,
    MofClass,
    Standing,
    UnreadableMofError,
    hub_model,
    read_release,
    rule_out,
)

MOF = Path(__file__).parents[3] / "shared" / "data" / "openness" / "mof"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def file(components, licences=None, **release):
    """A model file with `components`: names, or names with a licence."""
    rows = [{"name": name} if licence is None else {"name": name, "license": licence} for name, licence in components]
    content = {"name": "Made up", "producer": "Acme", "license": licences or {}, "components": rows, **release}
    return yaml.safe_dump({"framework": {"name": "Model Openness Framework"}, "release": content})


def standing(licence, licences=None):
    return read_release(file([(PARAMETERS, licence)], licences)).by_component[PARAMETERS].standing


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache-2.0", Standing.OPEN),
        ("Apache license 2.0", Standing.OPEN),
        ("CC-BY-4.0", Standing.OPEN),
        ("Gemma Terms of Use", Standing.RESTRICTED),
        ("CC-BY-NC-4.0", Standing.RESTRICTED),
        ("Proprietary", Standing.RESTRICTED),
        ("unlicensed", Standing.UNLICENSED),
        ("", Standing.UNLICENSED),
        (None, Standing.UNLICENSED),
        (7, Standing.UNLICENSED),
        ("Undisclosed", Standing.UNDISCLOSED),
        ("Component not include.", Standing.NOT_INCLUDED),
        ("Component Component not included", Standing.NOT_INCLUDED),
        ("our own terms", Standing.UNREAD),
        ("NVIDIA Open Model License", Standing.UNREAD),
    ],
)
def test_how_a_component_stands(licence, expected):
    assert standing(licence) is expected


def test_a_licence_is_the_components_own_then_its_contents_then_the_distributions():
    licences = {"distribution": {"name": "MIT"}, "data": {"name": "CC-BY-NC-4.0"}, "code": {"name": None}}
    release = read_release(
        file(
            [(PARAMETERS, None), ("Training code", None), ("Datasets", "CC0-1.0"), ("Model card", "unlicensed")],
            licences,
        )
    )
    texts = {name: release.by_component[name].text for name in (PARAMETERS, "Training code", "Datasets", "Model card")}
    assert texts == {
        PARAMETERS: "CC-BY-NC-4.0",
        "Training code": "MIT",
        "Datasets": "CC0-1.0",
        "Model card": "unlicensed",
    }
    assert release.by_component[PAPER].standing is Standing.NOT_INCLUDED


def test_only_web_addresses_become_evidence():
    text = file([(PARAMETERS, "MIT")]).replace("license: MIT", "license: MIT\n    component_path: javascript:alert(1)")
    assert read_release(text).by_component[PARAMETERS].url == ""
    text = text.replace("javascript:alert(1)", "https://example.org/w")
    assert read_release(text).by_component[PARAMETERS].url == "https://example.org/w"


def answers(release):
    return {answer.mof_class: answer.answer for answer in release.classes()}


def test_a_complete_open_file_rules_out_nothing_and_confirms_nothing():
    release = read_release(file([(name, "MIT") for name in COMPONENTS]))
    assert set(answers(release).values()) == {"undetermined"}


def test_what_a_class_lacks_is_lacking_in_the_classes_above_it():
    release = read_release(file([(name, "MIT") for name in COMPONENTS if name != "Training code"]))
    assert answers(release) == {
        MofClass.OPEN_MODEL: "undetermined",
        MofClass.OPEN_TOOLING: "cannot reach",
        MofClass.OPEN_SCIENCE: "cannot reach",
    }
    (reason,) = release.classes()[2].reasons
    assert (reason.component, reason.why) == ("Training code", "not included")


def test_reasons_name_the_licence_and_what_it_restricts():
    (reason,) = (
        read_release(file([(name, "gemma" if name == PARAMETERS else "MIT") for name in COMPONENTS]))
        .classes()[0]
        .reasons
    )
    assert reason.why == "gemma restricts use"


@pytest.mark.parametrize("missing", ["Sample model outputs", "Supporting libraries and tools", "Model metadata"])
def test_optional_components_may_be_missing(missing):
    release = read_release(file([(name, "MIT") for name in COMPONENTS if name != missing]))
    assert set(answers(release).values()) == {"undetermined"}


def test_a_licence_nobody_can_place_rules_out_nothing():
    release = read_release(file([(name, "our own terms") for name in COMPONENTS]))
    assert set(answers(release).values()) == {"undetermined"}


def test_a_paper_stands_in_for_the_technical_report():
    assert not any(answer.reasons for answer in rule_out({REPORT: "not included"}))
    both = rule_out({REPORT: "not included", PAPER: "not included"})
    assert [[reason.component for reason in answer.reasons] for answer in both] == [[REPORT], [REPORT], [REPORT, PAPER]]


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("https://huggingface.co/acme/bert", "acme/bert"),
        ("https://huggingface.co/acme/bert/blob/main/README.md", "acme/bert"),
        ("https://hf.co/acme/bert?x=1", "acme/bert"),
        ("https://huggingface.co/acme/bert · Hugging Face", "acme/bert"),
        ("acme/bert-1.5", "acme/bert-1.5"),
        ("https://huggingface.co/collections/acme/best", ""),
        ("https://huggingface.co/papers/2309.16609", ""),
        ("https://huggingface.co/datasets/acme/data", ""),
        ("Bert: a paper of that name", ""),
        ("https://example.org/acme/bert", ""),
        ("", ""),
    ],
)
def test_the_model_a_file_names(text, model):
    assert hub_model(text) == model
    assert read_release(file([], huggingface=text)).model == model


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Model Openness Framework"),
        ("[1, 2]", "Model Openness Framework"),
        ("framework: {name: Another}", "Model Openness Framework"),
        ("a: b: c", "not YAML"),
        ("x: !!python/object:os.system {}", "not YAML"),
        ("[" * 20_000, "not YAML"),
        ("a: 2025-99-99", "not YAML"),
        ("#" * (LONGEST_FILE + 1), "longer"),
        (file([]).replace("components: []", "components: none"), "no list of components"),
        (file([], name=" "), "no name"),
        (file([("Moon phase", "MIT")]), "no component 'Moon phase'"),
    ],
)
def test_refuses_what_is_no_model_file(text, reason):
    with pytest.raises(UnreadableMofError, match=reason):
        read_release(text)


@given(release=JSON, components=st.lists(JSON, max_size=3))
def test_any_content_is_read_or_refused(release, components):
    content = {**(release if isinstance(release, dict) else {}), "name": "Made up", "components": components}
    text = yaml.safe_dump({"framework": {"name": "Model Openness Framework"}, "release": content})
    with suppress(UnreadableMofError):
        read_release(text).classes()


@pytest.mark.skipif(not MOF.exists(), reason="needs the published model files")
def test_the_components_are_those_of_the_framework():
    published = yaml.safe_load((MOF / "mof.settings.yml").read_text("utf-8"))["components"]
    roman = dict(zip((3, 2, 1), MofClass, strict=True))
    assert {(row["name"], row["content_type"], roman[row["class"]], row["required"]) for row in published} == {
        (component.name, component.content, component.mof_class, component.required)
        for component in COMPONENTS.values()
    }


@pytest.mark.skipif(not MOF.exists(), reason="needs the published model files")
def test_reads_every_published_file():
    releases = [read_release(path.read_text("utf-8")) for path in sorted((MOF / "models").glob("*.yml"))]
    assert len(releases) == 273
    assert sum(bool(release.hub_text) for release in releases) == 175
    assert sum(bool(release.model) for release in releases) == 172  # the others: a title, a collection, a paper
