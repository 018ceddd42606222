"""Any record at all, for hypothesis: as wide as the public document allows."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import ValidationError

from incidents.format import Node, Published
from incidents.record import AffectedStatus, Confidence, EvidenceGrade, Kind, Match, Record, Severity, Status
from lib.canonical import canonical_bytes

NODE = Node("https://node.example", "The Node & Friends")
# Everything UTF-8 can hold, and more often what formats trip over.
LETTERS = st.characters(exclude_categories=("Cs",)) | st.sampled_from("=+-@'\"\t\r\n\0,;{}\\%$#_&~^|<>* ＝")  # noqa: RUF001


def text(least: int = 0, most: int = 60) -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=least, max_size=most)


def instants() -> st.SearchStrategy[str]:
    return st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}".zfill(20))


def commits() -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=40, max_size=40)


def revisions() -> st.SearchStrategy[str]:
    return commits() | st.from_regex(r"[A-Za-z0-9._/-]{1,12}", fullmatch=True)


AFFECTED = st.fixed_dictionaries(
    {
        "hub": st.sampled_from([None, "huggingface", "github", "modelscope", "kaggle", "ollama", "civitai"]),
        "name": st.from_regex(r"[A-Za-z0-9-]{1,9}/[A-Za-z0-9._-]{1,9}", fullmatch=True) | text(1, 30),
        "revision": st.none() | revisions() | text(1, 20),
        "purl": st.none() | commits().map("pkg:huggingface/org/name@{}".format) | text(1, 20),
        "files": st.lists(
            st.fixed_dictionaries(
                {"path": text(1, 30), "sha256": st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)}
            ),
            max_size=2,
        ),
        "status": st.sampled_from(AffectedStatus),
        "match": st.sampled_from(Match),
        "note": text(),
        "fixed_in": st.lists(revisions(), max_size=2),
        "not_affected_in": st.lists(revisions(), max_size=2),
    }
)
CLASSIFICATIONS = st.sampled_from(
    [("avid-sep", "S0201"), ("avid-sep", "E0301"), ("mitre-atlas", "AML.T0018"), ("mitre-atlas", "AML.TA0000")]
) | st.tuples(*[st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)] * 2)
SOURCES = st.fixed_dictionaries(
    {
        "title": text(1),
        "publisher": text(0, 20),
        "url": st.from_regex(r"https?://[a-z]{1,9}\.example/[^\s\x00-\x1f\x7f<>\"\ud800-\udfff]{0,20}", fullmatch=True),
        "date": st.sampled_from([None, "2024", "2024-02", "2024-02-29"]),
    }
)
RECORDS = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"FL-[0-9]{4}-[0-9A-HJKMNP-TV-Z]{8}", fullmatch=True),
        "origin": st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True),
        "version": st.integers(1, 99),
        "status": st.sampled_from(Status),
        "published": instants(),
        "modified": instants(),
        "title": text(5),
        "summary": text(20, 80),
        "description": text(0, 200),
        "kind": st.sampled_from(Kind),
        "category": st.from_regex(r"[a-z][a-z._-]{0,9}", fullmatch=True),
        "severity": st.sampled_from(Severity),
        "evidence_grade": st.sampled_from(EvidenceGrade),
        "confidence": st.sampled_from(Confidence),
        "reproductions": st.none() | st.integers(0, 9),
        "occurred": st.sampled_from([None, "2024", "2024-02", "2024-02-29"]),
        "affected": st.lists(AFFECTED, min_size=1, max_size=3),
        "classifications": st.lists(
            CLASSIFICATIONS.map(lambda both: {"taxonomy": both[0], "term": both[1]}), max_size=3
        ),
        "references": st.lists(SOURCES, max_size=2),
        "aliases": st.lists(st.sampled_from(["AIID-313", "CVE-2024-12345"]) | text(3, 20), max_size=2),
        "notice": text(1),
        "superseded_by": st.none() | st.just("FL-0000-ZZZZZZZZ"),
    }
)


@st.composite
def published(draw: Any) -> Published:
    """A record that could have been published, as its bytes."""
    values = draw(RECORDS)
    values["published"], values["modified"] = sorted([values["published"], values["modified"]])
    if values["status"] is not Status.WITHDRAWN or values["id"] == values["superseded_by"]:
        values["superseded_by"] = None
    try:
        record = Record.model_validate(values)
    except ValidationError:
        assume(False)
    return Published(canonical_bytes(record.document()), NODE)
