"""What the Hugging Face Hub's document about a model, and its card, tell of its openness. Plain data.

Format: `GET /api/models/{id}` of the Hub, which has no published schema. Nothing in it is trusted: what has the wrong
type is dropped, and a field the answer does not carry is unknown, not empty.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from catalogue.hub import Facts
from catalogue.huggingface_answers import facts
from catalogue.json_values import MalformedAnswerError, at, entries, lines, mapping
from catalogue.mof import Release
from catalogue.openness import SECTIONS, Base, Card, OpennessEvidence, Told

CARD = "README.md"
_LONGEST_CARD = 400_000  # characters
_MOST_NAMED = 200
_LISTING_MAY_BE_CUT = 1000  # files; huggingface_hub itself relies on `siblings` for fewer only
# The Hub gives a repository a DOI of its own, and cards cite how they estimated emissions (the template does).
_NOT_PAPERS = ("doi:10.57967/hf/", "arxiv:1910.09700", "arxiv:2204.05149")


def evidence_of(
    document: Any,
    *,
    on: date,
    card_text: str | None = None,
    bases: Mapping[str, str] | None = None,
    datasets_found: Mapping[str, bool] | None = None,
    attested: Release | None = None,
    attested_at: str = "",
) -> OpennessEvidence:
    """The evidence in a model's document; every argument but the day may be missing, and no document is refused.

    `bases` are licences as claimed (`Facts.licence`) by name of the base, further ancestors among them if they are
    known; `datasets_found` says which dataset ids the Hub has.
    """
    try:
        found = facts(document)
    except MalformedAnswerError:
        return OpennessEvidence(on, card=_card(card_text), attested=attested, attested_at=attested_at)
    return OpennessEvidence(
        on=on,
        files=Told(tuple(file.path for file in found.files), "siblings")
        if isinstance(document.get("siblings"), list)
        else None,
        files_complete=found.files_complete and len(found.files) < _LISTING_MAY_BE_CUT,
        tensors=_tensors(document),
        architectures=_architectures(document),
        own_code=_own_code(document),
        library=Told(found.library, "library_name") if "library_name" in document else None,
        loader=_first(document, ("transformersInfo", "auto_model")),
        datasets=_datasets(document, found),
        datasets_found=dict(datasets_found or {}),
        evaluations=_evaluations(document),
        papers=_papers(document, found),
        licence=_licence(document, found),
        bases=_bases(document, found, bases or {}),
        gated=Told(found.gated, "gated") if document.get("gated") in (False, True, "auto", "manual") else None,
        card=_card(card_text),
        attested=attested,
        attested_at=attested_at,
    )


def _tensors(document: Mapping[str, Any]) -> Told[str] | None:
    """The format of weights that the Hub has read the header of."""
    for form in ("safetensors", "gguf"):
        if mapping(document.get(form)):
            return Told(form, form)
    return None


def _architectures(document: Mapping[str, Any]) -> Told[tuple[str, ...]] | None:
    paths = (
        ("config", "architectures"),
        ("config", "diffusers", "_class_name"),
        ("config", "speechbrain", "speechbrain_interface"),
        ("gguf", "architecture"),
        ("config", "model_type"),
    )
    found = ((path, _names(at(document, path))) for path in paths)
    return next((Told(names, ".".join(path)) for path, names in found if names), None)


def _own_code(document: Mapping[str, Any]) -> Told[tuple[str, ...]] | None:
    """The repository's modules that its configuration runs; `owner/name--module` is another repository's."""
    auto_map = mapping(at(document, ("config", "auto_map")))
    classes = [text for value in auto_map.values() for text in _names(value) if "--" not in text]
    modules = tuple(sorted({text.split(".")[0] + ".py" for text in classes}))[:_MOST_NAMED]
    return Told(modules, "config.auto_map") if modules else None


def _first(document: Mapping[str, Any], path: tuple[str, ...]) -> Told[str] | None:
    names = _names(at(document, path))
    return Told(names[0], ".".join(path)) if names else None


def _datasets(document: Mapping[str, Any], found: Facts) -> Told[tuple[str, ...]] | None:
    declared = _names(at(document, ("cardData", "datasets")))
    if declared:
        return Told(declared, "cardData.datasets")
    return _tagged(document, found, "dataset:")


def _tagged(document: Mapping[str, Any], found: Facts, prefix: str) -> Told[tuple[str, ...]] | None:
    """What the Hub's tags have from the card; () where it has tags, and none of these."""
    if not isinstance(document.get("tags"), list):
        return None
    values = [tag.removeprefix(prefix).strip() for tag in found.tags if tag.startswith(prefix)]
    return Told(tuple(dict.fromkeys(filter(None, values)))[:_MOST_NAMED], "tags")


def _papers(document: Mapping[str, Any], found: Facts) -> Told[tuple[str, ...]] | None:
    if not isinstance(document.get("tags"), list):
        return None
    tags = (tag for tag in found.tags if tag.startswith(("arxiv:", "doi:")) and not tag.startswith(_NOT_PAPERS))
    return Told(tuple(dict.fromkeys(tags))[:_MOST_NAMED], "tags")


def _evaluations(document: Mapping[str, Any]) -> Told[tuple[str, ...]] | None:
    """The benchmarks with a result, by the card's index or by the Hub's own format of results."""
    for source, named in (
        ("model-index", _indexed(document.get("model-index"))),
        ("evalResults", _reported(document.get("evalResults"))),
    ):
        benchmarks = tuple(dict.fromkeys(named))[:_MOST_NAMED]
        if benchmarks:
            return Told(benchmarks, source)
        said_none = "model-index" in document and isinstance(document["model-index"], list | None)
    return Told((), "model-index") if said_none else None


def _indexed(index: Any) -> Iterator[str]:
    for result in (result for model in entries(index) for result in entries(mapping(model).get("results"))):
        if entries(mapping(result).get("metrics")):
            yield from _names(at(result, ("dataset", "name"))) or ("unnamed",)


def _reported(results: Any) -> Iterator[str]:
    for result in map(mapping, entries(results)):
        entry = mapping(result.get("data")) or result
        if "error" not in result and "value" in entry:
            yield from _names(at(entry, ("dataset", "id"))) or ("unnamed",)


def _licence(document: Mapping[str, Any], found: Facts) -> Told[str] | None:
    if _names(at(document, ("cardData", "license"))):
        return Told(found.licence, "cardData.license")
    return Told(found.licence, "tags") if isinstance(document.get("tags"), list) else None


_CLAIMED_BY = {"hub": "baseModels", "tag": "tags", "card": "cardData.base_model"}


def _bases(document: Mapping[str, Any], found: Facts, licences: Mapping[str, str]) -> Told[tuple[Base, ...]] | None:
    names = {claim.name.lower(): claim.name for claim in found.base_models}
    names |= {name.lower(): name for name in licences}
    known = {name.lower(): licence for name, licence in licences.items()}
    if names:
        bases = tuple(Base(name, known.get(key)) for key, name in names.items())
        return Told(bases, _CLAIMED_BY.get(found.bases_claimed_by, "base_model"))
    return Told((), "tags") if isinstance(document.get("tags"), list) else None


# --- The card --------------------------------------------------------------------------------------------------------

# Words of a heading, and the section they stand for; the first that fits counts.
_HEADINGS = (
    ("intended use", re.compile(r"intended use|direct use|downstream use|use cases|^uses?$")),
    ("limitations", re.compile(r"limitation|bias|risk|out[- ]of[- ]scope|misuse")),
    ("training data", re.compile(r"(train|tun)ing (and evaluation )?(data|corpus)|^datasets?$|^data$")),
    ("evaluation", re.compile(r"evaluation|benchmark|^results?$|performance")),
    ("training procedure", re.compile(r"training")),
    ("environmental impact", re.compile(r"environmental|carbon|emissions")),
    ("citation", re.compile(r"citation|^cite|bibtex")),
)
_HEADING = re.compile(r"(#{1,6})\s+(.{1,200})")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---\s*\n.*?\n---\s*(\n|\Z)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\[?more information needed\]?|[\s*_.:|-]+", re.IGNORECASE)
_TRAINS = re.compile(r"(train(ed|ing)?|tun(e|ed|ing))\b", re.IGNORECASE)
_CODE_LINK = re.compile(r"https?://(?:www\.)?(?:github|gitlab)\.com/[\w.-]+/[\w.-]*\w", re.ASCII | re.IGNORECASE)


def _card(text: str | None) -> Told[Card] | None:
    return Told(read_card(text), CARD) if text is not None and text.strip() else None


def read_card(text: str) -> Card:
    """The sections of a card that say something, and the code repositories it links where it speaks of training."""
    body = _without_comments(_FRONT_MATTER.sub("", text[:_LONGEST_CARD].replace("\r\n", "\n")))
    said = {section for section, content in _sections(body) if _PLACEHOLDER.sub("", content)}
    ordered = tuple(section for section in SECTIONS if section in said)
    links = [link for line in body.splitlines() if _TRAINS.search(line) for link in _CODE_LINK.findall(line)]
    return Card(ordered, tuple(dict.fromkeys(links))[:_MOST_NAMED])


def _without_comments(body: str) -> str:
    kept, *commented = body.split("<!--")
    # A comment that never ends hides nothing here: a card is not read strictly.
    return kept + "".join(part.partition("-->")[2] if "-->" in part else part for part in commented)


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Each section known, with its text down to the next heading that is not below it."""
    open_sections: list[tuple[int, str, list[str]]] = []
    for level, title, line in _headed_lines(body):
        if level:
            while open_sections and open_sections[-1][0] >= level:
                _, section, content = open_sections.pop()
                yield section, "\n".join(content)
            open_sections.append((level, _section(title), []))
        for _, _, content in open_sections:
            content.append(line)
    for _, section, content in open_sections:
        yield section, "\n".join(content)


def _headed_lines(body: str) -> Iterator[tuple[int, str, str]]:
    """Each line as (level, title, "") where it is a heading, else (0, "", line); `#` in a code block is a comment."""
    fence = ""
    for line in body.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        yield (len(heading[1]), heading[2], "") if heading else (0, "", line)


def _section(title: str) -> str:
    words = re.sub(r"[^\w\s-]", "", title).strip().lower()
    return next((section for section, pattern in _HEADINGS if pattern.search(words)), "")


def _names(value: Any) -> tuple[str, ...]:
    """The texts in a list, or the one text, each once."""
    return tuple(dict.fromkeys(lines(value)))[:_MOST_NAMED]
