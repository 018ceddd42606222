"""Am I affected? Which published records concern the models and files that somebody runs.

Every answer says how exactly it matches (`Level`) and what follows (`Verdict`). Nothing of a question is stored.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from catalogue import lineage
from catalogue.boms import Component
from catalogue.components import Exactness, Identity
from catalogue.hub import Reference, UnreadableReferenceError, hubs
from catalogue.lineage import Path
from catalogue.references import file_digest, read
from incidents import check_rows
from incidents.check_rows import Concerned, Head, KnownFile, KnownModel, Name, Rows
from incidents.record import AffectedStatus
from lib.wording import in_words

_PREFIX = re.compile(r"[0-9a-f]{7,}")  # git itself abbreviates a commit to seven digits
_ADDRESS = re.compile(r"pkg:|[a-z]+://", re.IGNORECASE)
_DEFAULT_BRANCHES = frozenset({"main", "master", "latest", "head"})
_SHORTEST_NAME, _LONGEST_NAME = 3, 300


class Level(StrEnum):
    """How exactly the question matches a record, the most exact first."""

    FILE = "file"
    REVISION = "revision"
    UNIQUE_PREFIX = "unique_prefix"
    BRANCH = "branch"
    REPOSITORY = "repository"
    INHERITED = "inherited"
    NAME_ONLY = "name_only"


class Verdict(StrEnum):
    """What follows for whoever runs it, the most pressing first."""

    AFFECTED = "affected"
    POSSIBLY_AFFECTED = "possibly_affected"
    UNDER_INVESTIGATION = "under_investigation"
    FIXED = "fixed"
    NOT_AFFECTED = "not_affected"


_LEVELS = {level: rank for rank, level in enumerate(Level)}
_URGENCY = {verdict: rank for rank, verdict in enumerate(Verdict)}

LEVELS = {
    Level.FILE: "this very file",
    Level.REVISION: "this very revision",
    Level.UNIQUE_PREFIX: "the only revision on record that begins so",
    Level.BRANCH: "the revision that the branch pointed at when the hub was last asked",
    Level.REPOSITORY: "the repository; the revision on record, or the one asked about, is not known exactly",
    Level.INHERITED: "a model it derives from",
    Level.NAME_ONLY: "a model of that name, which the record ties to no repository",
}


@dataclass(frozen=True)
class Question:
    """What somebody runs: how they said it, and what that names. `problem` says why it names nothing, "" if it does."""

    asked: str
    identities: tuple[Identity, ...] = ()
    bases: tuple[Identity, ...] = ()
    problem: str = ""
    ref: str = ""  # of the component in a bill of materials


class Finding(NamedTuple):
    """One record that concerns what was asked. `rests_on` is the statement of the question that led to it.

    `way` names the models from the one asked about to the one the record is about, `relations` what joins them; both
    empty unless inherited. `as_of` is when the hub said where the branch points, with the level `branch` alone.
    """

    record: Concerned
    level: Level
    verdict: Verdict
    rests_on: str
    way: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """A question and the records that concern it, the most pressing first, each record once."""

    question: Question
    findings: tuple[Finding, ...]

    @property
    def affected(self) -> bool:
        """Whether any record says, or may mean, that what was asked about has the flaw."""
        return any(finding.verdict not in {Verdict.FIXED, Verdict.NOT_AFFECTED} for finding in self.findings)


def read_question(text: str, bases: Sequence[str] = ()) -> Question:
    """A purl, name, address or SHA-256 as somebody wrote it, and what they say it derives from. Never raises."""
    derived_from = tuple(identity for base in bases if (identity := _identity(base)[0]))
    identity, problem = _identity(text)
    return Question(text, (identity,) if identity else (), derived_from, problem)


def question_of(component: Component) -> Question:
    """A component of a bill of materials as a question."""
    return Question(component.name, component.identities, component.bases, ref=component.ref)


def check(questions: Sequence[Question]) -> list[Answer]:
    """The records on each of the questions, in their order. Six queries, however many are asked."""
    return _Check(questions).answers()


def _identity(text: str) -> tuple[Identity | None, str]:
    if digest := file_digest(text):
        return Identity(Exactness.DIGEST, "digest", text, digest=digest), ""
    try:
        reference = read(text)
    except UnreadableReferenceError as error:
        return None, in_words(error)
    exact = hubs()[reference.hub].is_immutable(reference.revision)
    moving = Exactness.MOVING if reference.revision else Exactness.MODEL
    return Identity(Exactness.REVISION if exact else moving, "reference", text, reference), ""


@dataclass
class _Known:
    """What the database said about all questions at once."""

    models: dict[Name, list[KnownModel]] = field(default_factory=dict)
    files: dict[str, list[KnownFile]] = field(default_factory=dict)
    above: dict[int, dict[int, Path]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    rows: Rows = field(default_factory=lambda: Rows({}, {}, {}))
    heads: dict[int, Head] = field(default_factory=dict)


class _Check:
    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        # Many models derive from the same few, so what these have is looked through once.
        self._flaws: dict[int, list[Concerned]] = {}
        identities = [one for question in questions for one in (*question.identities, *question.bases)]
        # The names a record without a repository may have for what each question asks about.
        self._loose = [_loose_keys(question) for question in questions]
        names = {_name(one.reference) for one in identities if one.reference}
        digests = {one.digest for one in identities if one.digest}
        loose = {("", key) for keys in self._loose for key in keys}
        known = self._known = _Known()
        known.models = check_rows.models_named(names)
        known.files = check_rows.files_with(digests)
        found = {model.pk: model for models in known.models.values() for model in models}
        found |= {file.model.pk: file.model for files in known.files.values() for file in files}
        known.above = lineage.ancestors_of(list(found))
        bases = {pk for paths in known.above.values() for pk in paths}
        known.names = check_rows.names_of(bases | set(found))
        known.rows = check_rows.records_on(names | loose, bases | set(found), digests)
        known.heads = check_rows.heads_of(list(found))

    def answers(self) -> list[Answer]:
        asked = zip(self._questions, self._loose, strict=True)
        return [Answer(question, tuple(self._findings(question, loose))) for question, loose in asked]

    def _findings(self, question: Question, loose_keys: Iterable[str]) -> list[Finding]:
        """The best finding of each record; what the record says of the model itself goes before what it inherits."""
        meant = [
            _Meant(one, subject, self._rows(subject)) for one in question.identities for subject in self._subjects(one)
        ]
        direct = _best(self._direct(question.identities, meant))
        settled = {finding.record.incident for finding in direct}
        # What a record says of the model itself stands, also of another revision only.
        settled.update(row.incident for one in meant for row in one.rows)
        inherited = [one for one in _best(self._inherited(question, meant)) if one.record.incident not in settled]
        settled.update(finding.record.incident for finding in inherited)
        loose = [finding for finding in _best(self._by_name(loose_keys)) if finding.record.incident not in settled]
        return sorted([*direct, *inherited, *loose], key=_urgency)

    def _direct(self, identities: Iterable[Identity], meant: Iterable["_Meant"]) -> Iterator[Finding]:
        for identity in identities:
            for row in self._known.rows.by_digest.get(identity.digest, ()) if identity.digest else ():
                yield Finding(row, Level.FILE, _verdict(row), identity.rests_on)
        for one in meant:
            yield from _judge(one.subject, one.rows, one.identity)

    def _subjects(self, identity: Identity) -> Iterator["_Subject"]:
        """The models that an identity means, at the revision it says; a digest means every model with such a file."""
        for file in self._known.files.get(identity.digest, ()):
            reference = Reference(file.model.hub, file.model.name, file.revision, file.path)
            yield _Subject(reference, file.model, None)
        if identity.reference:
            models = self._known.models.get(_name(identity.reference), ())
            for model in models or (None,):
                yield _Subject(identity.reference, model, self._known.heads.get(model.pk) if model else None)

    def _rows(self, subject: "_Subject") -> list[Concerned]:
        named = self._known.rows.by_name.get(_name(subject.reference), [])
        of_model = self._known.rows.by_model.get(subject.model.pk, []) if subject.model else []
        return list({row.affected: row for row in (*named, *of_model)}.values())

    def _inherited(self, question: Question, meant: Iterable["_Meant"]) -> Iterator[Finding]:
        for one in meant:
            if one.subject.model:
                yield from self._from_above(one.subject.model, (), (), one.identity)
        for base in question.bases:
            for subject in self._subjects(base):
                way, relations = (question.asked, subject.reference.name), ("declared",)
                for finding in _judge(subject, self._rows(subject), base):
                    if finding.verdict is not Verdict.NOT_AFFECTED:
                        yield _as_inherited(finding.record, way, relations, base)
                if subject.model:
                    yield from self._from_above(subject.model, way[:1], relations, base)

    def _from_above(
        self, model: KnownModel, before: tuple[str, ...], joined: tuple[str, ...], identity: Identity
    ) -> Iterator[Finding]:
        for base, path in self._known.above.get(model.pk, {}).items():
            if flawed := self._flawed(base):
                way = (*before, *(self._known.names.get(step, "") for step in path.models))
                relations = (*joined, *path.relations)
                for row in flawed:
                    yield _as_inherited(row, way, relations, identity)

    def _flawed(self, base: int) -> list[Concerned]:
        """One row of each record from which a derivative may have the flaw; that a base has none says nothing."""
        if base not in self._flaws:
            rows = [one for one in self._known.rows.by_model.get(base, ()) if one.status != AffectedStatus.NOT_AFFECTED]
            self._flaws[base] = list({row.incident: row for row in reversed(rows)}.values())[::-1]
        return self._flaws[base]

    def _by_name(self, loose_keys: Iterable[str]) -> Iterator[Finding]:
        for key in loose_keys:
            for row in self._known.rows.by_name.get(("", key), ()):
                verdict = Verdict.POSSIBLY_AFFECTED if _verdict(row) is Verdict.AFFECTED else _verdict(row)
                yield Finding(row, Level.NAME_ONLY, verdict, "name")


@dataclass(frozen=True)
class _Subject:
    """A model as it was asked for, the catalogue's model if it is public, and where its default branch points."""

    reference: Reference
    model: KnownModel | None
    head: Head | None


class _Meant(NamedTuple):
    identity: Identity
    subject: _Subject
    rows: list[Concerned]


def _judge(subject: _Subject, rows: Collection[Concerned], identity: Identity) -> Iterator[Finding]:
    """What each record's rows on the model mean for the revision that was asked for."""
    by_incident: dict[int, list[Concerned]] = {}
    for row in rows:
        by_incident.setdefault(row.incident, []).append(row)
    for of_record in by_incident.values():
        if finding := _exactly(subject, of_record, identity) or _roughly(of_record, identity):
            yield finding


def _exactly(subject: _Subject, rows: Sequence[Concerned], identity: Identity) -> Finding | None:
    """By the revision that was asked for, if the record says something of just that, and by the file in it."""
    level, hits = _pinned(subject, [row for row in rows if row.revision])
    if not hits:
        return None
    as_of = subject.head.at if subject.head and level is Level.BRANCH else None
    in_file = [row for row in hits if subject.reference.file and subject.reference.file in row.paths]
    if in_file and level is not Level.BRANCH:
        level = Level.FILE
    row = (in_file or hits)[0]
    return Finding(row, level, _verdict(row), identity.rests_on, as_of=as_of)


def _pinned(subject: _Subject, rows: Sequence[Concerned]) -> tuple[Level, list[Concerned]]:
    """The rows about the commit that was asked for, and how that was told."""
    asked = subject.reference.revision.lower()
    if same := [row for row in rows if row.revision.lower() == asked]:
        return Level.REVISION, same
    if _PREFIX.fullmatch(asked):
        begins = [row for row in rows if row.revision.lower().startswith(asked)]
        return Level.UNIQUE_PREFIX, begins if len({row.revision for row in begins}) == 1 else []
    if subject.head and asked in _DEFAULT_BRANCHES:
        return Level.BRANCH, [row for row in rows if row.revision == subject.head.revision]
    return Level.REPOSITORY, []


def _roughly(rows: Sequence[Concerned], identity: Identity) -> Finding | None:
    """By the repository: what the record says of all of it, or else that it names other revisions."""
    whole = [row for row in rows if not row.revision]
    if whole:
        row = min(whole, key=lambda one: _URGENCY[_verdict(one)])
        return Finding(row, Level.REPOSITORY, _verdict(row), identity.rests_on)
    flawed = [row for row in rows if row.status != AffectedStatus.NOT_AFFECTED]
    if not flawed:
        return None
    return Finding(flawed[0], Level.REPOSITORY, Verdict.POSSIBLY_AFFECTED, identity.rests_on)


def _as_inherited(row: Concerned, way: tuple[str, ...], relations: tuple[str, ...], identity: Identity) -> Finding:
    """A flaw of a base may be in what derives from it."""
    return Finding(row, Level.INHERITED, Verdict.POSSIBLY_AFFECTED, identity.rests_on, way, relations)


_VERDICTS: dict[str, Verdict] = {
    AffectedStatus.AFFECTED: Verdict.AFFECTED,
    AffectedStatus.NOT_AFFECTED: Verdict.NOT_AFFECTED,
    AffectedStatus.FIXED: Verdict.FIXED,
    AffectedStatus.UNDER_INVESTIGATION: Verdict.UNDER_INVESTIGATION,
}


def _verdict(row: Concerned) -> Verdict:
    return _VERDICTS[row.status]


def _best(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of each record: the most exact, of those the shortest way."""
    best: dict[int, Finding] = {}
    for finding in findings:
        standing = best.get(finding.record.incident)
        if standing is None or _exactness(finding) < _exactness(standing):
            best[finding.record.incident] = finding
    return list(best.values())


def _exactness(finding: Finding) -> tuple[int, int, int]:
    return _LEVELS[finding.level], len(finding.way), _URGENCY[finding.verdict]


def _urgency(finding: Finding) -> tuple[int, int, int]:
    return _URGENCY[finding.verdict], _LEVELS[finding.level], -finding.record.incident


def _name(reference: Reference) -> Name:
    return reference.hub, reference.name.lower()


def _loose_keys(question: Question) -> list[str]:
    """The names a record without a repository may have for it: what was written, and the repository's own name."""
    named = [one.reference.name for one in question.identities if one.reference]
    # An address is no name that a record would use; what it leads to is.
    written = named if named and _ADDRESS.match(question.asked) else [question.asked, *named]
    whole = {text.strip().lower() for text in written}
    keys = whole | {key.rpartition("/")[2] for key in whole}
    return [key for key in keys if _SHORTEST_NAME <= len(key) <= _LONGEST_NAME and "\x00" not in key]
