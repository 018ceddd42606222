"""The questions that an inspection asks the Hugging Face Hub, one by one: each within the budget, each may fail alone.

No network of its own: `Calls` gets a function that sends.
"""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import quote

from catalogue.asking import Told, in_one_line
from catalogue.hub import Answer, Details, Facts, NotNowError, Organisation, Outcome, Quota, Reference
from catalogue.huggingface_answers import is_commit, is_name, read_answer
from catalogue.huggingface_details import (
    CARD,
    card_text,
    chat_template,
    children,
    commits_after,
    config,
    declared_datasets,
    discussions,
    flagged,
    has_card,
    organisation,
    paths_to_ask_about,
    scans,
    scans_done,
    stable_id,
)

# Together with the last call well under a lease.
MOST_SECONDS = 50.0
FAILURES_TO_GIVE_UP = 2
MOST_DATASETS = 5
MOST_COMMITS = 1000  # in one answer of the Hub's
# The Hub counts its API and the files it hands out apart; the budget is that of the API.
_LIMIT_OF_THE_API = re.compile(r'\s*"?api"?\s*;\s*r\s*=\s*(\d{1,9})\s*;\s*t\s*=\s*(\d{1,9})')
_CONCLUSIVE = frozenset({Outcome.NOT_FOUND_OR_PRIVATE, Outcome.REVISION_NOT_FOUND})

Form = Mapping[str, str | list[str]]
Send = Callable[[str, Form | None], Told | Answer]


class Calls:
    """Calls of one inspection. `missing` says why questions have no answer; a hub that fails is not asked to the end.

    `send` takes a path and, for a POST, a form.
    """

    def __init__(self, send: Send, may_ask: Callable[[], bool], *, had_token: bool) -> None:
        self.missing: list[str] = []
        self._send = send
        self._may_ask = may_ask
        self._had_token = had_token
        self._quota: Quota | None = None
        self._answered = self._failures = 0
        self._outcome = Outcome.OK
        self._ends = monotonic() + MOST_SECONDS

    def heard(self) -> Answer:
        """How the hub did so far: ok as soon as it has answered anything."""
        return Answer(Outcome.OK if self._answered else self._outcome, quota=self._quota)

    def document(self, what: str, path: str, form: Form | None = None) -> Any:
        """The JSON of the answer; None where there is none. Raises NotNowError."""
        told = self.ask(what, path, form)
        if told is None or told.status != HTTPStatus.OK:
            return None
        try:
            return json.loads(told.body)
        except (ValueError, RecursionError) as error:
            self._note_failure(what, Outcome.MALFORMED, in_one_line(error))
            return None

    def ask(self, what: str, path: str, form: Form | None = None) -> Told | None:
        """The answer, a refusal that will not be another one in a minute included; else None. Raises NotNowError."""
        if self._failures >= FAILURES_TO_GIVE_UP or monotonic() > self._ends:
            self.missing.append(f"{what}: not asked after others had failed or taken too long")
            return None
        if not self._may_ask():
            raise NotNowError(self.heard() if self._answered or self._failures else None)
        told = self._send(path, form)
        if isinstance(told, Answer):
            self._note_failure(what, told.outcome, told.detail)
            return None
        if limit := _LIMIT_OF_THE_API.match(told.headers.get("ratelimit", "")):
            self._quota = Quota(int(limit[1]), float(limit[2]))
        return self._concluded(what, told)

    def _concluded(self, what: str, told: Told) -> Told | None:
        if told.status != HTTPStatus.OK:
            answer = self._refusal(told)
            if answer.outcome is Outcome.RATE_LIMITED:
                raise NotNowError(answer)
            if answer.outcome not in _CONCLUSIVE:
                self._note_failure(what, answer.outcome, answer.detail)
                return None
        self._answered += 1
        self._failures = 0
        return told

    def _refusal(self, told: Told) -> Answer:
        return read_answer(
            reference=Reference("huggingface", ""),
            status=told.status,
            headers=told.headers,
            body=b"",
            had_token=self._had_token,
            endpoint="",
        )

    def _note_failure(self, what: str, outcome: Outcome, detail: str) -> None:
        self.missing.append(f"{what}: {detail}")
        self._failures += 1
        self._outcome = outcome


def inspect(calls: Calls, reference: Reference, facts: Facts) -> Details:
    """Asks everything in turn; the reference's revision is the reported one. Raises NotNowError."""
    model = f"/api/models/{quote(facts.name)}"
    expanded = calls.document("children", f"{model}?expand[]=childrenModelCount")
    if stable_id(expanded) not in {"", facts.stable_id}:
        return Details(missing=("the name leads to another model now",), heard=Answer(Outcome.MOVED_TO_OTHER_MODEL))
    revision = quote(facts.revision or "main", safe="")
    whole = calls.document("state of the scans", f"{model}/revision/{revision}?securityStatus=true")
    issues = flagged(whole)
    return Details(
        children=children(expanded),
        organisation=_organisation(calls, facts),
        discussions=discussions(calls.document("discussions", f"{model}/discussions?p=0")),
        commits_since=_commits_since(calls, f"{model}/commits/{revision}", reference.revision, facts.revision),
        since=reference.revision,
        scans_done=scans_done(whole),
        flagged=issues,
        scans=_scans(calls, f"{model}/paths-info/{revision}", paths_to_ask_about(facts.files, issues)),
        card_text=_card(calls, f"/{quote(facts.name)}/resolve/{revision}/{CARD}", facts),
        datasets_found=_datasets(calls, declared_datasets(facts.tags)),
        config=config(whole),
        chat_template=chat_template(whole),
        missing=tuple(calls.missing),
        heard=calls.heard(),
    )


def _organisation(calls: Calls, facts: Facts) -> Organisation | None:
    """An organisation, or else a user: both share one space of names."""
    owner, slash, _ = facts.name.partition("/")
    if not slash:
        return None
    for kind, path in (("organisation", "organizations"), ("user", "users")):
        failed = len(calls.missing)
        document = calls.document(kind, f"/api/{path}/{quote(owner)}/overview")
        if document is not None or len(calls.missing) > failed:
            return organisation(document, owner, kind)
    return None


def _commits_since(calls: Calls, path: str, reported: str, current: str) -> int | None:
    if not is_commit(reported):
        return None
    if reported == current:
        return 0
    return commits_after(calls.document("commits", f"{path}?limit={MOST_COMMITS}"), reported)


def _scans(calls: Calls, path: str, paths: list[str]) -> tuple[Mapping[str, Any], ...] | None:
    return scans(calls.document("scans of files", path, {"paths": paths, "expand": "true"})) if paths else None


def _card(calls: Calls, path: str, facts: Facts) -> str | None:
    told = calls.ask("card", path) if has_card(facts) else None
    return card_text(told.body) if told and told.status == HTTPStatus.OK else None


def _datasets(calls: Calls, names: list[str]) -> dict[str, bool]:
    """Whether the Hub shows each; what it hides or has not is not found by anybody else, either."""
    found = {}
    for name in [name for name in names if is_name(name)][:MOST_DATASETS]:
        told = calls.ask(f"dataset {name}", f"/api/datasets/{quote(name)}?expand[]=gated")
        if told:
            found[name] = told.status == HTTPStatus.OK or told.headers.get("x-error-code", "") == "GatedRepo"
    return found
