"""Is this model open at all? One answer for each dimension, with its evidence; never one number for all.

Pure: `assess` takes what is known of a model and says what follows. What is not known is unknown, never "no"; an
answer says what a hub's fields, files or card state, not that it is true.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Generic, TypeVar

from catalogue.licences import Claim, is_stricter, osi_approved, read_claims, restrictions
from catalogue.mof import PARAMETERS, Attested, ClassAnswer, Release, Standing, rule_out

T = TypeVar("T")
_MOST_EXAMPLES = 5


class Dimension(StrEnum):
    """What a profile answers, in the order people read it."""

    WEIGHTS = "weights"
    FORMATS = "formats"
    ARCHITECTURE = "architecture"
    INFERENCE_CODE = "inference_code"
    TRAINING_CODE = "training_code"
    TRAINING_DATA = "training_data"
    TRAINING_DATA_FOUND = "training_data_found"
    EVALUATION = "evaluation"
    CARD = "card"
    PAPER = "paper"
    LICENCE = "licence"
    LICENCE_SPDX = "licence_spdx"
    LICENCE_OSI = "licence_osi"
    LICENCE_UPSTREAM = "licence_upstream"
    GATING = "gating"


# Every value a dimension can have; None, beside these, is "unknown".
VALUES: Mapping[Dimension, tuple[str, ...]] = {
    Dimension.WEIGHTS: ("published", "adapter_only", "none_found"),
    Dimension.FORMATS: ("no_pickle", "some_pickle", "only_pickle"),
    Dimension.ARCHITECTURE: ("declared",),
    Dimension.INFERENCE_CODE: ("in_repository", "in_library"),
    Dimension.TRAINING_CODE: ("in_repository", "linked"),
    Dimension.TRAINING_DATA: ("declared", "described", "not_declared"),
    Dimension.TRAINING_DATA_FOUND: ("all", "some", "none"),
    Dimension.EVALUATION: ("reported", "described", "not_reported"),
    Dimension.CARD: ("present", "absent"),
    Dimension.PAPER: ("linked",),
    Dimension.LICENCE: ("claimed", "not_claimed"),
    Dimension.LICENCE_SPDX: ("on_the_list", "not_on_the_list"),
    Dimension.LICENCE_OSI: ("approved", "not_approved"),
    Dimension.LICENCE_UPSTREAM: ("stricter", "not_stricter", "no_base_named"),
    Dimension.GATING: ("open", "automatic", "manual"),
}


class Method(StrEnum):
    """Where an answer comes from."""

    HUB_FIELD = "hub field"
    FILE_LIST = "file list"
    CARD_TEXT = "card text"
    ATTESTED = "attested (MOF)"


class Confidence(StrEnum):
    """How far the evidence carries the answer."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Answer:
    """What one dimension comes to. `value` is None where unknown, and `evidence` then says what is missing.

    `evidence` is a field, a file list, a card or a URL; `named` are the particulars; no confidence where unknown.
    """

    value: str | None
    evidence: str
    method: Method
    confidence: Confidence | None
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told(Generic[T]):
    """What a hub said, and the field in which it said so."""

    value: T
    source: str


@dataclass(frozen=True)
class Base:
    """A model this one derives from; `licence` as claimed there, "" where it claims none, None where not known."""

    name: str
    licence: str | None = None


@dataclass(frozen=True)
class Card:
    """What a model card's text has: the sections that say something, by SECTIONS, and links to training code."""

    sections: tuple[str, ...] = ()
    training_code: tuple[str, ...] = ()


SECTIONS = (
    "intended use",
    "limitations",
    "training data",
    "training procedure",
    "evaluation",
    "environmental impact",
    "citation",
)


@dataclass(frozen=True)
class OpennessEvidence:
    """What is known of a model on a day. None is unknown; an empty value means that the hub was asked and had nothing.

    `tensors` is the format of weights that the hub itself looked into; `own_code` are the modules of the repository
    that the model's configuration runs; `loader` is the library's class for it; `datasets_found` says of the dataset
    ids that were looked up whether the hub has them; `attested_at` is the URL of the attested file.
    """

    on: date
    files: Told[tuple[str, ...]] | None = None
    files_complete: bool = True
    tensors: Told[str] | None = None
    architectures: Told[tuple[str, ...]] | None = None
    own_code: Told[tuple[str, ...]] | None = None
    library: Told[str] | None = None
    loader: Told[str] | None = None
    datasets: Told[tuple[str, ...]] | None = None
    datasets_found: Mapping[str, bool] = field(default_factory=dict)
    evaluations: Told[tuple[str, ...]] | None = None
    papers: Told[tuple[str, ...]] | None = None
    licence: Told[str] | None = None
    bases: Told[tuple[Base, ...]] | None = None
    gated: Told[str] | None = None
    card: Told[Card] | None = None
    attested: Release | None = None
    attested_at: str = ""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The licences claimed; () where none is, or where that is not known."""
        return read_claims(self.licence.value) if self.licence else ()


@dataclass(frozen=True)
class Osaid:
    """OSI's Open Source AI Definition 1.0: why it cannot be met. That it is met cannot be seen from outside."""

    reasons: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """`cannot meet` or `undetermined`."""
        return "cannot meet" if self.reasons else "undetermined"


@dataclass(frozen=True)
class Profile:
    """A model's openness on a day: what was derived and, apart from it, what its file of the framework attests."""

    on: date
    answers: Mapping[Dimension, Answer]
    classes: tuple[ClassAnswer, ...]
    osaid: Osaid
    attested: Mapping[str, Answer] = field(default_factory=dict)
    attested_classes: tuple[ClassAnswer, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The profile in types of JSON; every answer has its date, in ISO 8601."""
        return {
            "dimensions": {dimension.value: self._answer(answer) for dimension, answer in self.answers.items()},
            "model_openness_framework": [_class(answer) for answer in self.classes],
            "open_source_ai_definition": {"answer": self.osaid.answer, "reasons": list(self.osaid.reasons)},
            "attested": {
                "components": {component: self._answer(answer) for component, answer in self.attested.items()},
                "model_openness_framework": [_class(answer) for answer in self.attested_classes],
            },
        }

    def _answer(self, answer: Answer) -> dict[str, Any]:
        return {
            "value": answer.value,
            "named": list(answer.named),
            "evidence": answer.evidence,
            "method": answer.method.value,
            "confidence": answer.confidence.value if answer.confidence else None,
            "date": self.on.isoformat(),
        }


def _class(answer: ClassAnswer) -> dict[str, Any]:
    reasons = [{"component": reason.component, "why": reason.why} for reason in answer.reasons]
    return {"class": answer.mof_class.value, "answer": answer.answer, "reasons": reasons}


def assess(evidence: OpennessEvidence) -> Profile:
    """What the evidence says of each dimension, and what it rules out."""
    answers = {dimension: answer(evidence) for dimension, answer in _ANSWERS.items()}
    obstacles = _obstacles(answers, evidence.claims)
    release = evidence.attested
    return Profile(
        on=evidence.on,
        answers=answers,
        classes=rule_out({PARAMETERS: "; ".join(obstacles)} if obstacles else {}),
        osaid=Osaid(obstacles),
        attested=_attested(release, evidence.attested_at) if release else {},
        attested_classes=release.classes() if release else (),
    )


def _obstacles(answers: Mapping[Dimension, Answer], claims: tuple[Claim, ...]) -> tuple[str, ...]:
    """Why the parameters are open neither under the framework nor under OSAID, as far as what is stated is certain.

    Both want parameters that anyone may use for anything, change and pass on, so one list serves both. A licence that
    OSI has not approved but that restricts nothing, as CC-BY-4.0, rules out nothing.
    """
    reasons = []
    if answers[Dimension.WEIGHTS].value == "none_found":
        reasons.append("the repository has no file of weights")
    restricted = restrictions(claims)
    if restricted:
        claimed = ", ".join(claim.text for claim in claims)
        reasons.append(f"the licence claimed, {claimed}, restricts {' and '.join(sorted(restricted))}")
    upstream = answers[Dimension.LICENCE_UPSTREAM]
    if upstream.value == "stricter":
        reasons.append(f"the licence of what it derives from is stricter: {', '.join(upstream.named)}")
    return tuple(reasons)


def _attested(release: Release, url: str) -> dict[str, Answer]:
    return {name: _attestation(entry, url) for name, entry in release.by_component.items()}


def _attestation(entry: Attested, url: str) -> Answer:
    named = (entry.text,) if entry.text else ()
    if entry.standing is Standing.UNREAD:
        return Answer(None, entry.url or url, Method.ATTESTED, None, named)
    # The authors of the file say so; nobody verified it.
    return Answer(entry.standing.value, entry.url or url, Method.ATTESTED, Confidence.MEDIUM, named)


# --- What files are, by their names ----------------------------------------------------------------------------------

_BY_ENDING = {
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".pt": "pickle",
    ".pth": "pickle",
    ".ckpt": "pickle",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".onnx": "onnx",
    ".h5": "hdf5",
    ".keras": "keras",
    ".msgpack": "msgpack",
    ".tflite": "tflite",
    ".ot": "rust",
    ".nemo": "nemo",
    ".npz": "numpy",
}
_UNCLEAR = "unclear"
# Every answer of `weight_format` but "".
FORMATS = frozenset({*_BY_ENDING.values(), "openvino", _UNCLEAR})
# The state of a training run, or a vocabulary.
_NOT_WEIGHTS = re.compile(
    r"(optimizer|lr_scheduler|scheduler|rng_state|random_states|training_args|scaler|dataloader|tokenizer|vocab)"
)
_ADAPTERS = ("adapter_", "pytorch_lora_weights")
_PICKLED_BIN = re.compile(r"(adapter_model|model|.*pytorch)")
_INFERENCE = re.compile(r"(.*/)?(modeling_|inference|infer|generate|handler)[^/]*\.py")
_TRAINING = re.compile(r"(.*/)?(train|training|finetune|fine_tune|finetuning|pretrain|run_train)[^/]*\.(py|sh)")
_RESULTS = re.compile(r"(.*/)?(\.eval_results/.*|[^/]*eval_results[^/]*\.json)")


def weight_format(path: str) -> str:
    """The format of weights a file's name stands for, "unclear" for a `.bin` of no known tool; "" for other files."""
    file = PurePosixPath(path.lower())
    if _NOT_WEIGHTS.match(file.name):
        return ""
    if file.suffix != ".bin":
        return _BY_ENDING.get(file.suffix, "")
    if file.name.startswith("openvino"):
        return "openvino"
    return "pickle" if _PICKLED_BIN.match(file.name) else _UNCLEAR


def _weights_in(evidence: OpennessEvidence) -> tuple[str, ...]:
    return tuple(path for path in _paths(evidence) if weight_format(path))


def _matching(evidence: OpennessEvidence, pattern: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(path for path in _paths(evidence) if pattern.fullmatch(path.lower()))[:_MOST_EXAMPLES]


def _paths(evidence: OpennessEvidence) -> tuple[str, ...]:
    return evidence.files.value if evidence.files else ()


def _has_all_files(evidence: OpennessEvidence) -> bool:
    return evidence.files is not None and evidence.files_complete


# --- One function for each dimension ---------------------------------------------------------------------------------


def _weights(evidence: OpennessEvidence) -> Answer:
    found = _weights_in(evidence)
    if found:
        is_adapter = all(PurePosixPath(path).name.startswith(_ADAPTERS) for path in found)
        return _from_files(evidence, "adapter_only" if is_adapter else "published", found[:_MOST_EXAMPLES])
    if evidence.tensors:
        return _from_field(evidence.tensors, "published")
    if _has_all_files(evidence):
        # Weights with an ending we do not know, or kept elsewhere, look the same.
        return _from_files(evidence, "none_found", confidence=Confidence.MEDIUM)
    return _unknown("the hub lists no files, or not all", Method.FILE_LIST)


def _formats(evidence: OpennessEvidence) -> Answer:
    found = {weight_format(path) for path in _weights_in(evidence)}
    if evidence.tensors:
        found.add(evidence.tensors.value)
    named = tuple(sorted(found))
    if not named:
        return _unknown("no file of weights is listed", Method.FILE_LIST)
    if "pickle" in found:
        # An ending is a habit, not a proof; so are the two below.
        value = "some_pickle" if len(named) > 1 else "only_pickle"
        return _from_files(evidence, value, named, Confidence.MEDIUM)
    if _UNCLEAR in found or not _has_all_files(evidence):
        return _unknown("a file's format is unclear, or not all are listed", Method.FILE_LIST, named)
    return _from_files(evidence, "no_pickle", named, Confidence.MEDIUM)


def _architecture(evidence: OpennessEvidence) -> Answer:
    told = evidence.architectures
    return _from_field(told, "declared", told.value) if told and told.value else _unknown("no field names one")


def _inference_code(evidence: OpennessEvidence) -> Answer:
    own, library = evidence.own_code, evidence.library
    if own and own.value:
        return _from_field(own, "in_repository", own.value)
    scripts = _matching(evidence, _INFERENCE)
    if scripts:
        return _from_files(evidence, "in_repository", scripts, Confidence.MEDIUM)
    if library and library.value:
        # A library in which the hub found a class for it can run the model; a library's name alone is a label.
        confidence = Confidence.HIGH if evidence.loader and evidence.loader.value else Confidence.MEDIUM
        return _from_field(library, "in_library", (library.value,), confidence)
    return _unknown("no field or file names code that runs it; there may be some elsewhere")


def _training_code(evidence: OpennessEvidence) -> Answer:
    scripts = _matching(evidence, _TRAINING)
    if scripts:
        return _from_files(evidence, "in_repository", scripts, Confidence.MEDIUM)
    if evidence.card and evidence.card.value.training_code:
        return _from_card(evidence.card, "linked", evidence.card.value.training_code, Confidence.LOW)
    return _unknown("no file or card names code that trains it; there may be some elsewhere", Method.FILE_LIST)


def _training_data(evidence: OpennessEvidence) -> Answer:
    told = evidence.datasets
    if told and told.value:
        return _from_field(told, "declared", told.value)
    return _by_card(evidence, "training data", absent="not_declared" if told else None)


def _training_data_found(evidence: OpennessEvidence) -> Answer:
    told = evidence.datasets
    if not told or not told.value:
        return _unknown("no dataset is declared by its id")
    looked_up = {name: evidence.datasets_found.get(name) for name in told.value}
    if None in looked_up.values():
        return _unknown("not every dataset declared was looked up")
    absent = tuple(name for name, found in looked_up.items() if not found)
    value = "none" if len(absent) == len(looked_up) else "some" if absent else "all"
    # A private dataset looks absent, and one declared by its common name may be kept elsewhere.
    return _from_field(told, value, absent, Confidence.MEDIUM if absent else Confidence.HIGH)


def _evaluation(evidence: OpennessEvidence) -> Answer:
    told = evidence.evaluations
    if told and told.value:
        return _from_field(told, "reported", told.value)
    results = _matching(evidence, _RESULTS)
    if results:
        return _from_files(evidence, "reported", results, Confidence.MEDIUM)
    return _by_card(evidence, "evaluation", absent="not_reported" if told else None)


def _card(evidence: OpennessEvidence) -> Answer:
    if evidence.card:
        return _from_card(evidence.card, "present", evidence.card.value.sections, Confidence.HIGH)
    if "README.md" in _paths(evidence):
        return _from_files(evidence, "present")
    if _has_all_files(evidence):
        return _from_files(evidence, "absent")
    return _unknown("the hub lists no files, or not all", Method.FILE_LIST)


def _paper(evidence: OpennessEvidence) -> Answer:
    told = evidence.papers
    if told and told.value:
        # The hub tags every paper that a card links, the model's own or not.
        confidence = Confidence.MEDIUM if len(told.value) == 1 else Confidence.LOW
        return _from_field(told, "linked", told.value, confidence)
    return _unknown("no paper is linked; there may be one")


def _licence(evidence: OpennessEvidence) -> Answer:
    if evidence.licence is None:
        return _unknown("the hub did not say")
    named = tuple(claim.text for claim in evidence.claims)
    return _from_field(evidence.licence, "claimed" if named else "not_claimed", named)


def _licence_spdx(evidence: OpennessEvidence) -> Answer:
    licences = [claim.licence for claim in evidence.claims]
    known = [licence for licence in licences if licence]
    spdx = tuple(licence.spdx for licence in known if licence.spdx)
    if evidence.licence is None or not known or len(known) < len(licences):
        return _unknown(_NO_LICENCE, named=spdx)
    if len(spdx) == len(known):
        # The hub's id may leave out what SPDX tells apart, such as -only and -or-later.
        confidence = Confidence.MEDIUM if any(licence.approximate for licence in known) else Confidence.HIGH
        return _from_field(evidence.licence, "on_the_list", spdx, confidence)
    if spdx or any(licence.approximate for licence in known):
        return _unknown(_NO_LICENCE, named=spdx)
    return _from_field(evidence.licence, "not_on_the_list")


def _licence_osi(evidence: OpennessEvidence) -> Answer:
    approved = osi_approved(evidence.claims)
    if evidence.licence is None or approved is None:
        return _unknown(_NO_LICENCE)
    return _from_field(evidence.licence, "approved" if approved else "not_approved")


def _licence_upstream(evidence: OpennessEvidence) -> Answer:
    told = evidence.bases
    if told is None:
        return _unknown("the hub did not say what it derives from")
    if not told.value:
        return _from_field(told, "no_base_named", confidence=Confidence.MEDIUM)  # authors leave their bases out
    stricter = {base: is_stricter(read_claims(base.licence or ""), evidence.claims) for base in told.value}
    named = tuple(f"{base.name} ({base.licence})" for base, answer in stricter.items() if answer)
    if named:
        return _from_field(told, "stricter", named, Confidence.MEDIUM)
    if None in stricter.values():
        return _unknown("a licence is not known, or the licences cannot be compared")
    return _from_field(told, "not_stricter", tuple(base.name for base in told.value), Confidence.MEDIUM)


def _gating(evidence: OpennessEvidence) -> Answer:
    told = evidence.gated
    value = {"": "open", "auto": "automatic", "manual": "manual"}.get(told.value) if told else None
    return _from_field(told, value) if told and value else _unknown("the hub did not say")


_NO_LICENCE = "no licence is claimed, or not one that can be told"
_ANSWERS: Mapping[Dimension, Callable[[OpennessEvidence], Answer]] = {
    Dimension.WEIGHTS: _weights,
    Dimension.FORMATS: _formats,
    Dimension.ARCHITECTURE: _architecture,
    Dimension.INFERENCE_CODE: _inference_code,
    Dimension.TRAINING_CODE: _training_code,
    Dimension.TRAINING_DATA: _training_data,
    Dimension.TRAINING_DATA_FOUND: _training_data_found,
    Dimension.EVALUATION: _evaluation,
    Dimension.CARD: _card,
    Dimension.PAPER: _paper,
    Dimension.LICENCE: _licence,
    Dimension.LICENCE_SPDX: _licence_spdx,
    Dimension.LICENCE_OSI: _licence_osi,
    Dimension.LICENCE_UPSTREAM: _licence_upstream,
    Dimension.GATING: _gating,
}


def _by_card(evidence: OpennessEvidence, section: str, *, absent: str | None) -> Answer:
    """What the card says where no field does; `absent` if it was read and says nothing."""
    if evidence.card is None:
        return _unknown("no field says, and the card was not read")
    if section in evidence.card.value.sections:
        return _from_card(evidence.card, "described", (), Confidence.MEDIUM)
    return _from_card(evidence.card, absent, (), Confidence.LOW) if absent else _unknown("the hub did not say")


def _from_field(
    told: Told[Any], value: str, named: tuple[str, ...] = (), confidence: Confidence = Confidence.HIGH
) -> Answer:
    return Answer(value, told.source, Method.HUB_FIELD, confidence, named)


def _from_files(
    evidence: OpennessEvidence, value: str, named: tuple[str, ...] = (), confidence: Confidence = Confidence.HIGH
) -> Answer:
    source = evidence.files or evidence.tensors
    return Answer(value, source.source if source else "", Method.FILE_LIST, confidence, named)


def _from_card(card: Told[Card], value: str, named: tuple[str, ...], confidence: Confidence) -> Answer:
    return Answer(value, card.source, Method.CARD_TEXT, confidence, named)


def _unknown(missing: str, method: Method = Method.HUB_FIELD, named: tuple[str, ...] = ()) -> Answer:
    return Answer(None, missing, method, None, named)
