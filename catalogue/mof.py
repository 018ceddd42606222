"""The Model Openness Framework: its components and classes, and the model files of its tool as attested evidence.

Sources: the component table and the file format of github.com/lfai/model_openness_tool (MIT); the classes are those of
the framework's specification, version 1.0. A file says what its authors attest; nobody has verified it.
Plain data: no database, no Django.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import yaml

from catalogue.json_values import mapping
from catalogue.licences import Licence, find_licence

LONGEST_FILE = 200_000  # characters; the longest published so far has under 10,000
_LONGEST_TEXT = 300
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(.*)", re.IGNORECASE)
_MODEL = re.compile(r"([\w.-]+/[\w.-]+)(?=$|[/?#\s])", re.ASCII)
_NOT_MODELS = ("collections/", "datasets/", "papers/", "spaces/")


class UnreadableMofError(ValueError):
    """The file is no model file of the framework; the message says why."""


class MofClass(StrEnum):
    """The classes, from the least to the most open. Each takes all that the ones before it take."""

    OPEN_MODEL = "III"
    OPEN_TOOLING = "II"
    OPEN_SCIENCE = "I"


class Content(StrEnum):
    """What a component is made of; a release may state one licence for each."""

    CODE = "code"
    DATA = "data"
    DOCUMENT = "document"


@dataclass(frozen=True)
class Component:
    """One component of the framework, the class that first takes it, and whether that class requires it."""

    name: str
    content: Content
    mof_class: MofClass
    required: bool = True


ARCHITECTURE = "Model architecture"
PARAMETERS = "Model parameters (Final)"
REPORT = "Technical report"
PAPER = "Research paper"
COMPONENTS = {
    component.name: component
    for component in (
        Component(ARCHITECTURE, Content.CODE, MofClass.OPEN_MODEL),
        Component(PARAMETERS, Content.DATA, MofClass.OPEN_MODEL),
        Component("Evaluation results", Content.DOCUMENT, MofClass.OPEN_MODEL),
        Component("Model card", Content.DOCUMENT, MofClass.OPEN_MODEL),
        Component("Data card", Content.DOCUMENT, MofClass.OPEN_MODEL),
        Component(REPORT, Content.DOCUMENT, MofClass.OPEN_MODEL),
        Component("Sample model outputs", Content.DOCUMENT, MofClass.OPEN_MODEL, required=False),
        Component("Training code", Content.CODE, MofClass.OPEN_TOOLING),
        Component("Inference code", Content.CODE, MofClass.OPEN_TOOLING),
        Component("Evaluation code", Content.CODE, MofClass.OPEN_TOOLING),
        Component("Evaluation data", Content.DATA, MofClass.OPEN_TOOLING),
        Component("Supporting libraries and tools", Content.CODE, MofClass.OPEN_TOOLING, required=False),
        Component("Datasets", Content.DATA, MofClass.OPEN_SCIENCE),
        Component("Data preprocessing code", Content.CODE, MofClass.OPEN_SCIENCE),
        Component("Model parameters (Intermediate)", Content.DATA, MofClass.OPEN_SCIENCE),
        Component(PAPER, Content.DOCUMENT, MofClass.OPEN_SCIENCE),
        Component("Model metadata", Content.DATA, MofClass.OPEN_SCIENCE, required=False),
    )
}


class Standing(StrEnum):
    """How a component of a release stands, as its file attests."""

    OPEN = "open licence"
    RESTRICTED = "licence restricts"
    UNLICENSED = "no licence"
    UNDISCLOSED = "licence undisclosed"
    UNREAD = "licence not recognised"
    NOT_INCLUDED = "not included"


# What authors write into the licence of a component instead of a licence, once letter case and full stops are gone.
_INSTEAD_OF_A_LICENCE = {
    "": Standing.UNLICENSED,
    "unlicensed": Standing.UNLICENSED,
    "undisclosed": Standing.UNDISCLOSED,
    "proprietary": Standing.RESTRICTED,
    "component not include": Standing.NOT_INCLUDED,
    "component not included": Standing.NOT_INCLUDED,
    "component component not included": Standing.NOT_INCLUDED,
}


@dataclass(frozen=True)
class Attested:
    """One component as its release's file states it; `text` is the licence's name there, or inherited there."""

    component: Component
    standing: Standing
    text: str = ""
    licence: Licence | None = None
    url: str = ""


@dataclass(frozen=True)
class Reason:
    """Why a class cannot be reached: the component that fails, and how."""

    component: str
    why: str


@dataclass(frozen=True)
class ClassAnswer:
    """Whether a class is out of reach. Without a reason that is undetermined: nobody has verified that it is met."""

    mof_class: MofClass
    reasons: tuple[Reason, ...] = ()

    @property
    def answer(self) -> str:
        """`cannot reach` or `undetermined`; never that a class is met."""
        return "cannot reach" if self.reasons else "undetermined"


@dataclass(frozen=True)
class Release:
    """One model file. `model` is `owner/name` on the Hugging Face Hub, "" where the file names none."""

    name: str
    producer: str
    hub_text: str
    model: str
    attested: tuple[Attested, ...]

    @cached_property
    def by_component(self) -> dict[str, Attested]:
        """All the framework's components by name; those the file leaves out are not included."""
        stated = {entry.component.name: entry for entry in self.attested}
        return {
            name: stated.get(name, Attested(component, Standing.NOT_INCLUDED)) for name, component in COMPONENTS.items()
        }

    def classes(self) -> tuple[ClassAnswer, ...]:
        """What the file itself rules out."""
        failing = {name: _failure(entry) for name, entry in self.by_component.items()}
        return rule_out({name: why for name, why in failing.items() if why})


def rule_out(failing: Mapping[str, str]) -> tuple[ClassAnswer, ...]:
    """The three classes, given the components known to fail and why; what is not known to fail rules out nothing."""
    answers = []
    reasons: tuple[Reason, ...] = ()
    for mof_class in MofClass:
        reasons += tuple(
            Reason(name, failing[name])
            for name, component in COMPONENTS.items()
            if component.mof_class is mof_class
            and component.required
            and name in failing
            # The specification lets a research paper stand in for the technical report.
            and (name != REPORT or PAPER in failing)
        )
        answers.append(ClassAnswer(mof_class, reasons))
    return tuple(answers)


def _failure(entry: Attested) -> str:
    """Why the component fails its class; "" where it does not, or nobody can tell."""
    if entry.standing is Standing.RESTRICTED and entry.licence and entry.licence.restricts:
        return f"{entry.text} restricts {' and '.join(sorted(entry.licence.restricts))}"
    if entry.standing in {Standing.OPEN, Standing.UNREAD}:
        return ""
    return entry.text if entry.standing is Standing.RESTRICTED else str(entry.standing)


def read_release(text: str) -> Release:
    """The release a model file describes; raises UnreadableMofError, which names the reason."""
    release = mapping(_document(text).get("release"))
    components = release.get("components")
    if not isinstance(components, list):
        raise UnreadableMofError("the release has no list of components")
    name = _text(release.get("name"))
    if not name:
        raise UnreadableMofError("the release has no name")
    licences = mapping(release.get("license"))
    hub_text = _text(release.get("huggingface"))
    return Release(
        name=name,
        producer=_text(release.get("producer")),
        hub_text=hub_text,
        model=hub_model(hub_text),
        attested=tuple(_attested(mapping(row), licences) for row in components),
    )


def _document(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_FILE:
        raise UnreadableMofError(f"the file is longer than {LONGEST_FILE} characters")
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableMofError(f"the file is not YAML: {type(error).__name__}") from error
    framework = mapping(mapping(document).get("framework"))
    if framework.get("name") != "Model Openness Framework":
        raise UnreadableMofError("the file does not say that it is about the Model Openness Framework")
    return mapping(document)


def _attested(row: Mapping[str, Any], licences: Mapping[str, Any]) -> Attested:
    component = COMPONENTS.get(_text(row.get("name")))
    if component is None:
        raise UnreadableMofError(f"the framework has no component {_text(row.get('name'))!r}")
    text = _text(row.get("license")) if "license" in row else _inherited(component.content, licences)
    licence = find_licence(text)
    url = _text(row.get("component_path"))
    is_url = url.lower().startswith(("https://", "http://"))
    return Attested(component, _standing(text, licence), text, licence, url if is_url else "")


def _inherited(content: Content, licences: Mapping[str, Any]) -> str:
    """The licence the release states for that content, else for all of it."""
    return _text(mapping(licences.get(content)).get("name")) or _text(mapping(licences.get("distribution")).get("name"))


def _standing(text: str, licence: Licence | None) -> Standing:
    said = _INSTEAD_OF_A_LICENCE.get(text.casefold().rstrip(". "))
    if said:
        return said
    if licence is None or licence.restricts is None:
        return Standing.UNREAD
    return Standing.RESTRICTED if licence.restricts else Standing.OPEN


def hub_model(text: str) -> str:
    """The model in a file's `huggingface`: an address or a bare `owner/name`, even with words behind it; else ""."""
    address = _ADDRESS.match(text)
    path = address[1] if address else text
    found = _MODEL.match(path)
    return found[1] if found and not path.lower().startswith(_NOT_MODELS) else ""


def _text(value: Any) -> str:
    return _UNSTORABLE.sub(" ", value).strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""
