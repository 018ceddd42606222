"""What the resolver and the hub say of a model, or what is stored of it, for operators."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalogue import limits, lineage, naming, references
from catalogue.hub import Answer, Facts, Reference, UnreadableReferenceError, hubs
from catalogue.lineage import Path
from catalogue.models import Alias, Lookup, Model, WeightFile

MOST_SHOWN = 20


class Command(BaseCommand):
    """`manage.py look_up ANYTHING [--stored]`: prints and stores nothing. Exit code 1 where there is nothing to say."""

    help = "Say what the resolver and the hub, or with --stored the database, say of a model. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """What names the model, and whom to ask."""
        parser.add_argument("model", nargs="+", help="what a reporter would paste: a name, an address, a package URL")
        parser.add_argument("--stored", action="store_true", help="say what is stored instead of asking the hub")

    def handle(self, *_args: Any, model: list[str], stored: bool, **_options: Any) -> None:
        """Raises CommandError, in one line, for what names no model, is not known, or cannot be asked now."""
        if digest := references.file_digest(" ".join(model)):
            self._say_files(digest)
            return
        try:
            reference = references.read(" ".join(model))
        except UnreadableReferenceError as error:
            raise CommandError(str(error)) from error
        self._say_reference(reference)
        if stored:
            self._say_stored(reference)
        else:
            self._say_answer(reference, _ask(reference))

    def _say_files(self, digest: str) -> None:
        """Which models were seen with that file: a digest names no model, and no hub can be asked for one."""
        files = WeightFile.objects.filter(sha256=digest).select_related("snapshot__model")
        found = {f"{file.snapshot.model}  {_at(file.snapshot.revision)}  {file.path}" for file in files}
        if not found:
            raise CommandError("No model is known here whose weights have this SHA-256.")
        self._list("seen in", sorted(found))

    def _say_reference(self, reference: Reference) -> None:
        hub = hubs()[reference.hub]
        self._say("hub", f"{hub.title} ({reference.hub})")
        self._say("name", reference.name)
        self._say("revision", reference.revision or "not stated")
        self._say("file", reference.file or "not stated")
        self._say("purl", hub.purl(reference) or "no form for it")
        self._say("url", hub.url(reference))

    # --- What the hub says -----------------------------------------------------------------------------------------
    def _say_answer(self, reference: Reference, answer: Answer) -> None:
        self._say("asked", answer.endpoint)
        self._say("outcome", answer.outcome)
        state = limits.state(reference.hub)
        self._say("calls left", "not known" if state is None or state.calls_left is None else state.calls_left)
        if answer.facts is None:
            raise CommandError(_in_one_line(f"{answer.outcome}: {answer.detail or 'the hub said no more'}"))
        self._say_facts(answer.facts)

    def _say_facts(self, facts: Facts) -> None:
        self._say("identity", facts.stable_id)
        self._say("named", facts.name)
        self._say("commit", facts.revision or "not said")
        self._say("licence", facts.licence or "not said")
        self._say("gated", facts.gated or "no")
        self._say("disabled", "yes" if facts.disabled else "no")
        bases = [f"{base.name} ({base.relation or 'relation not said'})" for base in facts.base_models]
        self._list(f"bases, as claimed by {facts.bases_claimed_by or 'nobody'}", bases)
        files = [f"{one.path}  {one.sha256 or one.content_id or 'no digest'}" for one in facts.files]
        self._list("files" if facts.files_complete else "files, not all of them", files)

    # --- What is stored --------------------------------------------------------------------------------------------
    def _say_stored(self, reference: Reference) -> None:
        alias = naming.find_alias(reference.hub, reference.name)
        if alias is None:
            raise CommandError(_in_one_line(f"Nothing is stored of {reference.name}."))
        model = alias.model
        self._say("identity", model.stable_id or "not confirmed")
        self._say("watched", "yes" if model.watched else "no")
        aliases = list(Alias.objects.filter(model=model).order_by("first_seen_at", "pk"))
        self._list("names", [f"{one.name}  since {one.first_seen_at:%Y-%m-%d}" for one in aliases])
        lookups = Lookup.objects.filter(alias__in=aliases).select_related("alias").order_by("pk")
        self._list("lookups", [_lookup_line(one) for one in lookups])
        snapshots = model.snapshots.defer("files", "tags", "base_models").order_by("-taken_at", "-pk")
        self._list("snapshots", [f"{one.taken_at:%Y-%m-%d %H:%M}  {_at(one.revision)}" for one in snapshots])
        drift = model.drift.order_by("-noticed_at", "-pk")
        self._list("drift", [f"{one}  {one.before or '-'} -> {one.after or '-'}" for one in drift])
        self._list("derives from", _relatives(lineage.ancestors(model)))
        self._list("is the base of", _relatives(lineage.descendants(model)))

    def _say(self, what: str, value: object) -> None:
        self.stdout.write(f"{what:<11} {_in_one_line(str(value))}")

    def _list(self, what: str, entries: list[str]) -> None:
        self.stdout.write(f"{what}: {len(entries)}")
        for entry in entries[:MOST_SHOWN]:
            self.stdout.write(f"  {_in_one_line(entry)}")
        if len(entries) > MOST_SHOWN:
            self.stdout.write(f"  and {len(entries) - MOST_SHOWN} more")


def _ask(reference: Reference) -> Answer:
    """The hub's answer, within the budget that the workers share. Raises CommandError where it may not be asked now."""
    if wait := limits.wait_before_asking(reference.hub):
        state = limits.state(reference.hub)
        reason = "its circuit is open" if state and state.open_seconds else "its budget is used up"
        raise CommandError(
            f"{hubs()[reference.hub].title} may not be asked for {wait:.0f} s: "
            f"{reason if state else 'Redis, which keeps its budget, does not answer'}."
        )
    answer = hubs()[reference.hub].ask(reference)
    limits.learn(reference.hub, answer)
    return answer


def _lookup_line(lookup: Lookup) -> str:
    said = f"{lookup.outcome or 'not answered'}, due {lookup.due_at:%Y-%m-%d %H:%M}, attempts {lookup.attempts}"
    parked = ", parked" if lookup.is_parked else ""
    error = f", {lookup.last_error}" if lookup.last_error else ""
    return f"{lookup}: {said}{parked}{error}"


def _relatives(paths: dict[int, Path]) -> list[str]:
    """Nearest first; the relation is the one of the last step."""
    nearest = sorted(paths.items(), key=lambda found: len(found[1].relations))
    names = Model.objects.in_bulk([pk for pk, _ in nearest[:MOST_SHOWN]])
    return [_relative(path, names.get(pk)) for pk, path in nearest]


def _relative(path: Path, model: Model | None) -> str:
    steps = len(path.relations)
    relation = path.relations[-1] or "relation not said"
    return f"{model or 'gone meanwhile'}  ({relation}, {steps} {'step' if steps == 1 else 'steps'})"


def _at(revision: str) -> str:
    return revision or "no commit"


def _in_one_line(text: str) -> str:
    """What others wrote must not steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
