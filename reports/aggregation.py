"""A case in, the public record out. Pure: what it needs is handed to it, and it asks nobody."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.hub import Reference, hubs
from catalogue.models import Drift, Snapshot
from incidents.publishing import instant
from incidents.record import (
    AffectedFile,
    AffectedModel,
    AffectedStatus,
    Classification,
    Match,
    ModelChange,
    Observation,
    Record,
    RevisionStatus,
    Source,
    Status,
)
from incidents.record import Statement as PublicStatement
from lib.text import clean_line, clean_text
from reports.excerpt_wording import described
from reports.models import Case, CaseModel, Excerpt, Statement
from reports.redaction import Passage, for_readers, redacted


@dataclass(frozen=True)
class Stamp:
    """What publication adds to a case: which record, which version, when, and why it changed."""

    public_id: str
    origin: str
    version: int
    status: Status
    published: str  # record.Instant
    modified: str  # record.Instant
    notice: str = ""
    superseded_by: str = ""


@dataclass(frozen=True)
class CaseParts:
    """The rows that hang on a case; `snapshots` and `drift` by the primary key of the case's model."""

    models: Iterable[CaseModel]
    references: Iterable[Source]
    classifications: Iterable[Classification]
    snapshots: Mapping[int, Snapshot]
    drift: Mapping[int, Iterable[Drift]]
    statements: Iterable[Statement] = ()
    excerpts: Iterable[Excerpt] = ()
    taken_out: tuple[Passage, ...] = ()

    def public_text(self, text: str) -> str:
        """`text`, cleaned, without what was taken out of the case."""
        return for_readers(redacted(text, self.taken_out))

    def public_line(self, text: str) -> str:
        """The same as one line."""
        return self.public_text(clean_line(text))


def summarise(case: Case, parts: CaseParts, stamp: Stamp) -> Record:
    """The record the world will see. Raises pydantic.ValidationError where the case is not ready for it."""
    return Record(
        id=stamp.public_id,
        origin=stamp.origin,
        version=stamp.version,
        status=stamp.status,
        published=stamp.published,
        modified=stamp.modified,
        notice=parts.public_text(stamp.notice),
        title=parts.public_line(case.title),
        summary=parts.public_text(case.summary),
        description=parts.public_text(described(case.description, parts.excerpts)),
        kind=case.kind,
        category=case.category,
        severity=case.severity,
        evidence_grade=case.evidence_grade,
        confidence=case.confidence,
        reproductions=case.reproductions,
        occurred=case.occurred or None,
        affected=tuple(_affected(model, parts) for model in parts.models),
        classifications=tuple(parts.classifications),
        references=tuple(_clean_source(source, parts) for source in parts.references),
        aliases=tuple({other.lower(): other for other in map(clean_line, case.other_ids)}.values()),
        statements=tuple(public_statement(statement) for statement in parts.statements),
    )


def public_statement(statement: Statement) -> PublicStatement:
    """A publisher's statement as the public reads it."""
    return PublicStatement(
        by=clean_line(statement.link.publisher),
        at=instant(statement.received_at),
        text=clean_text(statement.text),
        statuses=tuple(RevisionStatus.model_validate(status) for status in statement.statuses),
    )


def _clean_source(source: Source, parts: CaseParts) -> Source:
    lines = {"title": parts.public_line(source.title), "publisher": parts.public_line(source.publisher)}
    return source.model_copy(update=lines)


def restamp(document: bytes | memoryview, stamp: Stamp, statements: Iterable[Statement] | None = None) -> Record:
    """The record as it is public now, with another stamp and nothing else changed but `statements`, where given."""
    standing = json.loads(bytes(document))
    changes: dict[str, Any] = {"version": stamp.version, "status": stamp.status, "modified": stamp.modified}
    if statements is not None:
        changes["statements"] = [public_statement(statement) for statement in statements]
    marks = {"notice": clean_text(stamp.notice), "superseded_by": stamp.superseded_by or None}
    return Record.model_validate({**standing, **changes, **marks})


def _affected(named: CaseModel, parts: CaseParts) -> AffectedModel:
    status, note = AffectedStatus(named.status), parts.public_text(named.note)
    if named.alias is None:
        name = parts.public_line(named.name)
        return AffectedModel(hub=None, name=name, match=Match.NAME_ONLY, status=status, note=note)
    snapshot = parts.snapshots.get(named.pk)
    hub, model = hubs()[named.alias.hub], named.alias.model
    revision = named.revision if hub.is_immutable(named.revision) else ""
    return AffectedModel(
        hub=hub.slug,
        name=clean_line(model.name),
        stable_id=model.stable_id,
        revision=revision or None,
        purl=hub.purl(Reference(hub.slug, model.name, revision)) or None,
        files=_files(named.file, snapshot),
        status=status,
        match=_match(named.file, revision),
        note=note,
        observed=_observation(snapshot),
        changes=tuple(_change(noticed) for noticed in parts.drift.get(named.pk, ())),
        fixed_in=tuple(map(clean_line, named.fixed_in)),
        not_affected_in=tuple(map(clean_line, named.not_affected_in)),
    )


def _match(file: str, revision: str) -> Match:
    if file:
        return Match.FILE
    return Match.REVISION if revision else Match.REPOSITORY


def _files(path: str, snapshot: Snapshot | None) -> tuple[AffectedFile, ...]:
    if not path:
        return ()
    listed = {file["path"]: file.get("sha256") for file in snapshot.files} if snapshot else {}
    return (AffectedFile(path=clean_line(path), sha256=listed.get(path)),)


def _change(noticed: Drift) -> ModelChange:
    return ModelChange(
        change=noticed.change,
        noticed=instant(noticed.noticed_at),
        before=clean_line(noticed.before),
        after=clean_line(noticed.after),
    )


def _observation(snapshot: Snapshot | None) -> Observation | None:
    # What only an operator's token may see of a private repository is nobody else's.
    if snapshot is None or snapshot.private:
        return None
    return Observation(
        at=instant(snapshot.taken_at),
        revision=snapshot.revision,
        licence=clean_line(snapshot.licence),
        gated=bool(snapshot.gated),
        disabled=snapshot.disabled,
    )
