"""The openness profile: each value of each dimension, what it rules out, and that no document breaks it."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from catalogue.huggingface_evidence import _HEADINGS, evidence_of, read_card
from catalogue.mof import COMPONENTS, PARAMETERS, read_release
from catalogue.openness import (
    SECTIONS,
    VALUES,
    Card,
    Confidence,
    Dimension,
    Method,
    OpennessEvidence,
    Told,
    assess,
    weight_format,
)
from lib.canonical import canonical_bytes

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "hubs" / "huggingface"
DAY = date(2026, 3, 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def document(*files, **fields):
    """A model's document with only the fields stated."""
    listed = {"siblings": [{"rfilename": path} for path in files]} if files else {}
    return {"_id": "65ab", "id": "acme/bert", **listed, **fields}


def answer(dimension, *files, card=None, bases=None, datasets_found=None, **fields):
    evidence = evidence_of(
        document(*files, **fields), on=DAY, card_text=card, bases=bases, datasets_found=datasets_found
    )
    found = assess(evidence).answers[dimension]
    assert found.value in (None, *VALUES[dimension])
    assert (found.confidence is None) == (found.value is None)
    assert found.evidence
    return found


def value(dimension, *files, **fields):
    return answer(dimension, *files, **fields).value


# --- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "fields", "expected"),
    [
        (("model.safetensors",), {}, "published"),
        (("unet/diffusion_pytorch_model.bin",), {}, "published"),
        (("adapter_model.safetensors", "README.md"), {}, "adapter_only"),
        (("pytorch_lora_weights.safetensors",), {}, "adapter_only"),
        (("adapter_model.bin", "model.safetensors"), {}, "published"),
        (("README.md", "optimizer.pt", "training_args.bin"), {}, "none_found"),
        ((), {"siblings": []}, "none_found"),
        ((), {}, None),
        ((), {"siblings": None}, None),
        ((), {"safetensors": {"total": 7}}, "published"),
        ((), {"safetensors": "yes"}, None),
    ],
)
def test_weights(files, fields, expected):
    assert value(Dimension.WEIGHTS, *files, **fields) == expected


@pytest.mark.parametrize(
    ("files", "expected", "named"),
    [
        (("a.safetensors", "b.gguf"), "no_pickle", ("gguf", "safetensors")),
        (("model.safetensors", "pytorch_model.bin"), "some_pickle", ("pickle", "safetensors")),
        (("brain.ckpt",), "only_pickle", ("pickle",)),
        (("model.safetensors", "strange.bin"), None, ("safetensors", "unclear")),
        (("strange.bin", "model.pt"), "some_pickle", ("pickle", "unclear")),
        (("README.md",), None, ()),
    ],
)
def test_formats(files, expected, named):
    found = answer(Dimension.FORMATS, *files)
    assert (found.value, found.named) == (expected, named)


def test_absence_needs_the_whole_listing():
    files = Told(("model.safetensors",), "siblings")
    partial = assess(OpennessEvidence(DAY, files=files, files_complete=False)).answers
    assert partial[Dimension.WEIGHTS].value == "published"
    assert partial[Dimension.FORMATS].value is None
    assert partial[Dimension.CARD].value is None
    assert value(Dimension.WEIGHTS, *(f"{n}.txt" for n in range(999))) == "none_found"
    assert value(Dimension.WEIGHTS, *(f"{n}.txt" for n in range(1000))) is None
    bare = assess(OpennessEvidence(DAY, files=Told((), "siblings"), files_complete=False))
    assert bare.answers[Dimension.WEIGHTS].value is None
    assert bare.osaid.answer == "undetermined"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("original/consolidated.00.pth", "pickle"),
        ("PyTorch_Model-00001-of-00002.BIN", "pickle"),
        ("openvino/openvino_model.bin", "openvino"),
        ("ggml-q4.bin", "unclear"),
        ("lr_scheduler.ckpt", ""),
        ("tokenizer.ckpt", ""),
        ("config.json", ""),
        ("tf_model.h5", "hdf5"),
    ],
)
def test_formats_by_name(path, expected):
    assert weight_format(path) == expected


# --- Fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "named", "source"),
    [
        ({"config": {"architectures": ["BertModel"], "model_type": "bert"}}, ("BertModel",), "config.architectures"),
        ({"config": {"architectures": "BertModel"}}, ("BertModel",), "config.architectures"),
        ({"config": {"architectures": [None, 3], "model_type": "bert"}}, ("bert",), "config.model_type"),
        ({"config": {"diffusers": {"_class_name": "Pipe"}}}, ("Pipe",), "config.diffusers._class_name"),
        ({"config": None, "gguf": {"architecture": "llama"}}, ("llama",), "gguf.architecture"),
    ],
)
def test_architecture(fields, named, source):
    found = answer(Dimension.ARCHITECTURE, **fields)
    assert (found.value, found.named, found.evidence, found.method) == ("declared", named, source, Method.HUB_FIELD)


@pytest.mark.parametrize("config", [None, [], "bert", {}, {"architectures": {}}])
def test_architecture_unknown(config):
    assert value(Dimension.ARCHITECTURE, config=config) is None


@pytest.mark.parametrize(
    ("files", "fields", "expected", "confidence"),
    [
        ((), {"config": {"auto_map": {"AutoModel": "modeling_acme.Acme"}}}, "in_repository", Confidence.HIGH),
        (("src/modeling_acme.py",), {"library_name": "transformers"}, "in_repository", Confidence.MEDIUM),
        ((), {"library_name": "espnet"}, "in_library", Confidence.MEDIUM),
        (
            (),
            {"library_name": "transformers", "transformersInfo": {"auto_model": "AutoModel"}},
            "in_library",
            Confidence.HIGH,
        ),
        ((), {"config": {"auto_map": {"AutoModel": "other/repo--modeling.Acme"}}}, None, None),
        ((), {"config": {"auto_map": ["x"]}, "library_name": 4}, None, None),
    ],
)
def test_inference_code(files, fields, expected, confidence):
    found = answer(Dimension.INFERENCE_CODE, *files, **fields)
    assert (found.value, found.confidence) == (expected, confidence)


def test_training_code():
    assert value(Dimension.TRAINING_CODE, "train_script.py") == "in_repository"
    linked = answer(Dimension.TRAINING_CODE, "a.md", card="Trained with https://github.com/acme/trainer.")
    assert (linked.value, linked.named) == ("linked", ("https://github.com/acme/trainer",))
    assert linked.confidence is Confidence.LOW
    assert value(Dimension.TRAINING_CODE, "a.md", card="See https://github.com/acme/docs") is None
    assert value(Dimension.TRAINING_CODE, "training_args.bin") is None


@pytest.mark.parametrize(
    ("fields", "card", "expected", "named"),
    [
        ({"cardData": {"datasets": ["squad", "squad", 7]}}, None, "declared", ("squad",)),
        ({"cardData": {"datasets": "acme/data"}}, None, "declared", ("acme/data",)),
        ({"tags": ["dataset:acme/data"]}, None, "declared", ("acme/data",)),
        ({"tags": []}, "## Training Data\nBooks.", "described", ()),
        ({}, "## Training and evaluation data\nBooks.", "described", ()),
        ({"tags": []}, "## Training Data\n\n[More Information Needed]\n", "not_declared", ()),
        ({"tags": []}, None, None, ()),
        ({"tags": None}, None, None, ()),
        ({}, "A model.", None, ()),
    ],
)
def test_training_data(fields, card, expected, named):
    found = answer(Dimension.TRAINING_DATA, card=card, **fields)
    assert (found.value, found.named) == (expected, named)


@pytest.mark.parametrize(
    ("looked_up", "expected", "absent"),
    [
        ({"a/x": True, "a/y": True}, "all", ()),
        ({"a/x": True, "a/y": False}, "some", ("a/y",)),
        ({"a/x": False, "a/y": False}, "none", ("a/x", "a/y")),
        ({"a/x": True}, None, ()),
        (None, None, ()),
    ],
)
def test_declared_datasets_exist_only_as_far_as_looked_up(looked_up, expected, absent):
    found = answer(Dimension.TRAINING_DATA_FOUND, datasets_found=looked_up, cardData={"datasets": ["a/x", "a/y"]})
    assert (found.value, found.named) == (expected, absent)
    assert value(Dimension.TRAINING_DATA_FOUND, datasets_found=looked_up, tags=[]) is None


INDEX = [{"results": [{"dataset": {"name": "GLUE"}, "metrics": [{"value": 1}]}, {"metrics": [1]}, {"metrics": []}, 3]}]


@pytest.mark.parametrize(
    ("files", "fields", "card", "expected", "named"),
    [
        ((), {"model-index": INDEX}, None, "reported", ("GLUE", "unnamed")),
        ((), {"evalResults": [{"data": {"dataset": {"id": "a/hle"}, "value": 2}}]}, None, "reported", ("a/hle",)),
        ((), {"evalResults": [{"error": "bad", "value": 2}], "model-index": None}, None, None, ()),
        (("eval_results.json",), {}, None, "reported", ("eval_results.json",)),
        ((), {}, "# Results\nGood.", "described", ()),
        ((), {"model-index": None}, "A model.", "not_reported", ()),
        ((), {"model-index": []}, None, None, ()),
        ((), {"model-index": "GLUE"}, "A model.", None, ()),
    ],
)
def test_evaluation(files, fields, card, expected, named):
    found = answer(Dimension.EVALUATION, *files, card=card, **fields)
    assert (found.value, found.named) == (expected, named)


def test_paper_but_not_the_hubs_own_doi_or_the_templates_citation():
    tags = ["arxiv:2305.18290", "doi:10.57967/hf/0039", "arxiv:1910.09700"]
    found = answer(Dimension.PAPER, tags=tags)
    assert (found.value, found.named) == ("linked", ("arxiv:2305.18290",))
    assert value(Dimension.PAPER, tags=tags[1:]) is None
    assert answer(Dimension.PAPER, tags=["arxiv:1", "doi:10.1/2"]).confidence is Confidence.LOW


@pytest.mark.parametrize(
    ("gated", "expected"),
    [
        (False, "open"),
        ("auto", "automatic"),
        ("manual", "manual"),
        (True, "manual"),
        ("maybe", None),
        (None, None),
        ([], None),
    ],
)
def test_gating(gated, expected):
    assert value(Dimension.GATING, gated=gated) == expected
    assert value(Dimension.GATING) is None


# --- Licences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "claimed", "spdx", "osi"),
    [
        ({"cardData": {"license": "mit"}}, "claimed", "on_the_list", "approved"),
        ({"tags": ["license:apache-2.0"]}, "claimed", "on_the_list", "approved"),
        ({"cardData": {"license": ["mit", "cc-by-4.0"]}}, "claimed", "on_the_list", None),
        ({"cardData": {"license": "cc-by-4.0"}}, "claimed", "on_the_list", "not_approved"),
        ({"cardData": {"license": "llama3.1"}}, "claimed", "not_on_the_list", "not_approved"),
        ({"cardData": {"license": "cc"}}, "claimed", None, "not_approved"),
        ({"cardData": {"license": "gpl"}}, "claimed", None, None),
        ({"cardData": {"license": ["mit", "llama3"]}}, "claimed", None, None),
        ({"cardData": {"license": "other", "license_name": "acme"}}, "claimed", None, None),
        ({"cardData": {"license": "other"}}, "claimed", None, None),
        ({"cardData": {"license": 7}, "tags": []}, "not_claimed", None, None),
        ({"tags": []}, "not_claimed", None, None),
        ({"cardData": None}, None, None, None),
    ],
)
def test_licence(fields, claimed, spdx, osi):
    dimensions = (Dimension.LICENCE, Dimension.LICENCE_SPDX, Dimension.LICENCE_OSI)
    assert tuple(value(dimension, **fields) for dimension in dimensions) == (claimed, spdx, osi)


def test_an_id_without_only_or_later_is_less_certain():
    assert answer(Dimension.LICENCE_SPDX, cardData={"license": "gpl-3.0"}).confidence is Confidence.MEDIUM
    assert answer(Dimension.LICENCE_SPDX, cardData={"license": "mit"}).confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("licence", "bases", "expected", "named"),
    [
        ("mit", {"acme/base": "llama3"}, "stricter", ("acme/base (llama3)",)),
        ("mit", {"acme/base": "mit", "acme/older": "cc-by-nc-4.0"}, "stricter", ("acme/older (cc-by-nc-4.0)",)),
        ("mit", {"Acme/Base": "apache-2.0"}, "not_stricter", ("Acme/Base",)),
        ("gemma", {"acme/base": "llama3"}, None, ()),
        ("mit", {"acme/base": ""}, None, ()),
        ("mit", {"acme/other": "mit"}, None, ()),
        ("mit", {}, None, ()),
    ],
)
def test_licence_upstream(licence, bases, expected, named):
    found = answer(
        Dimension.LICENCE_UPSTREAM, cardData={"license": licence}, tags=["base_model:acme/base"], bases=bases
    )
    assert (found.value, found.named) == (expected, named)


def test_licence_upstream_without_a_base():
    assert value(Dimension.LICENCE_UPSTREAM, tags=[]) == "no_base_named"
    assert value(Dimension.LICENCE_UPSTREAM) is None


# --- The card --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "card", "expected", "named"),
    [
        ((), "# Bert\n## Uses\nReading.\n", "present", ("intended use",)),
        ((), "A model.", "present", ()),
        (("README.md",), None, "present", ()),
        (("README.md",), "  ", "present", ()),
        (("model.gguf",), None, "absent", ()),
        ((), None, None, ()),
    ],
)
def test_card(files, card, expected, named):
    found = answer(Dimension.CARD, *files, card=card)
    assert (found.value, found.named) == (expected, named)


def test_sections_of_a_card():
    card = read_card(
        "---\nlicense: mit\n# Training data\n---\n"
        "# Bert\n## Intended uses & limitations\nReading.\n"
        "## Training Details\n### Training Data\n<!-- Say\nwhich -->\n[More Information Needed]\n"
        "### Training Procedure\nFine-tuned with [code](https://github.com/acme/train/tree/main).\n"
        "## Evaluation\n```\n# Environmental Impact\nx = 1\n```\n"
        "## Bias, Risks, and Limitations\n_More information needed_\n"
        "## Citation\n"
    )
    assert card == Card(("intended use", "training procedure", "evaluation"), ("https://github.com/acme/train",))


def test_headings_are_the_sections():
    assert {section for section, _ in _HEADINGS} == set(SECTIONS)


@given(
    st.text()
    | st.lists(st.sampled_from(["# Uses\n", "```\n", "~~~\n", "<!--", "-->", "---\n", "x", "\n"])).map("".join)
)
def test_any_card_is_read(text):
    read_card(text)


@pytest.mark.parametrize("part", ["<!--", "#\n", "# a\n", "```\n", "https://github.com/", "a." * 50, "---\n", "* _"])
def test_a_hostile_card_is_read_in_time(part):
    read_card(part * (1_000_000 // len(part)))


# --- What follows ----------------------------------------------------------------------------------------------------


def profile(*files, bases=None, **fields):
    return assess(evidence_of(document(*files, **fields), on=DAY, bases=bases))


@pytest.mark.parametrize(
    ("files", "fields", "bases", "reason"),
    [
        (("README.md",), {"tags": ["license:mit"]}, {}, "no file of weights"),
        (("a.gguf",), {"tags": ["license:llama3"]}, {}, "llama3, restricts use"),
        (("a.gguf",), {"tags": ["license:cc-by-nc-nd-4.0"]}, {}, "restricts commercial use and derivatives"),
        (("a.gguf",), {"tags": ["license:mit"]}, {"acme/base": "gemma"}, "is stricter: acme/base (gemma)"),
    ],
)
def test_what_rules_out_every_class_and_osaid(files, fields, bases, reason):
    found = profile(*files, bases=bases, **fields)
    assert found.osaid.answer == "cannot meet"
    assert len(found.osaid.reasons) == 1
    assert reason in found.osaid.reasons[0]
    assert [answer.answer for answer in found.classes] == ["cannot reach"] * 3
    for answered in found.classes:
        (why,) = answered.reasons
        assert why.component == PARAMETERS
        assert why.why == found.osaid.reasons[0]


@pytest.mark.parametrize("licence", ["mit", "cc-by-4.0", "cc0-1.0", "gpl", "other", "openmdw-1.0"])
def test_the_rest_is_undetermined(licence):
    found = profile("a.gguf", tags=[f"license:{licence}"])
    assert found.osaid.answer == "undetermined"
    assert {answer.answer for answer in found.classes} == {"undetermined"}


def test_nothing_known_is_all_unknown():
    found = assess(OpennessEvidence(DAY))
    assert {answer.value for answer in found.answers.values()} == {None}
    assert found.osaid.answer == "undetermined"


def test_what_is_attested_stands_apart():
    rows = [{"name": PARAMETERS, "license": "MIT", "component_path": "https://example.org/w"}, {"name": "Datasets"}]
    text = yaml.safe_dump(
        {
            "framework": {"name": "Model Openness Framework"},
            "release": {"name": "Bert", "components": [*rows, {"name": "Model card", "license": "ours"}]},
        }
    )
    evidence = evidence_of(
        document("a.gguf", tags=[]), on=DAY, attested=read_release(text), attested_at="https://example.org/f.yml"
    )
    found = assess(evidence).as_dict()
    assert found["dimensions"]["training_data"]["value"] is None
    components = found["attested"]["components"]
    assert set(components) == set(COMPONENTS)
    assert components[PARAMETERS] == {
        "value": "open licence",
        "named": ["MIT"],
        "evidence": "https://example.org/w",
        "method": "attested (MOF)",
        "confidence": "medium",
        "date": "2026-03-01",
    }
    assert components["Datasets"]["value"] == "no licence"
    assert components["Model card"]["value"] is None
    assert components["Training code"]["evidence"] == "https://example.org/f.yml"
    assert found["attested"]["model_openness_framework"][0]["answer"] == "cannot reach"
    assert found["model_openness_framework"][0] == {"class": "III", "answer": "undetermined", "reasons": []}


def test_no_number_sums_it_up():
    def numbers(part):
        if isinstance(part, dict):
            return [n for inner in part.values() for n in numbers(inner)]
        if isinstance(part, list):
            return [n for inner in part for n in numbers(inner)]
        return [part] if isinstance(part, int | float) else []

    assert numbers(profile("a.gguf", tags=["license:llama3"]).as_dict()) == []


# --- Documents as they come ------------------------------------------------------------------------------------------


def check(found):
    for dimension, answered in found.answers.items():
        assert answered.value in (None, *VALUES[dimension])
        assert answered.evidence
    assert list(found.answers) == list(Dimension)
    assert json.loads(canonical_bytes(found.as_dict())) == found.as_dict()


KEYS = (
    *("siblings", "cardData", "tags", "config", "gated", "safetensors", "gguf", "model-index", "evalResults"),
    *("library_name", "transformersInfo", "baseModels"),
)


@given(fields=st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_fields_are_taken(fields):
    check(assess(evidence_of(document(**fields), on=DAY)))


@given(
    card=st.dictionaries(st.sampled_from(["license", "license_name", "datasets", "base_model"]), JSON),
    config=st.dictionaries(st.sampled_from(["architectures", "auto_map", "model_type", "diffusers"]), JSON),
    results=st.lists(st.dictionaries(st.sampled_from(["results", "data", "dataset", "value", "metrics"]), JSON)),
)
def test_any_values_inside_are_taken(card, config, results):
    fields = {"cardData": card, "config": config, "model-index": results, "evalResults": results, "tags": ["x"]}
    check(assess(evidence_of(document(**fields), on=DAY)))


@given(JSON)
def test_any_json_is_taken(value):
    check(assess(evidence_of(value, on=DAY)))


@pytest.mark.skipif(not RECORDINGS.exists(), reason="needs recorded answers of the Hub")
def test_every_recorded_answer():
    bodies = [json.loads(path.read_text("utf-8"))["body"] for path in sorted(RECORDINGS.glob("*.json"))]
    assert len(bodies) == 48
    profiles = {body["id"]: assess(evidence_of(body, on=DAY)) for body in bodies if "siblings" in body}
    for found in (*profiles.values(), *(assess(evidence_of(body, on=DAY)) for body in bodies)):
        check(found)
    ruled_out = {name for name, found in profiles.items() if found.osaid.reasons}
    assert ruled_out == {
        "CompVis/stable-diffusion-v1-4",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Meta-Llama-3-70B-Instruct",
        "meta-llama/Meta-Llama-3-8B-Instruct",
        "stabilityai/stable-diffusion-2-1",
    }
    bert = profiles["deepset/roberta-base-squad2"].answers
    assert bert[Dimension.TRAINING_DATA].named == ("squad_v2",)
    assert bert[Dimension.LICENCE_OSI].value == "not_approved"
    assert bert[Dimension.LICENCE_UPSTREAM].value is None
