"""Against abuse of the form: what makes a report suspect. A score sorts the queue; it never refuses, never decides."""

from dataclasses import dataclass
from enum import StrEnum

from reports.abuse import repeats, wording
from reports.submission import Submission

# From here on a report waits in the lane of suspected spam.
SUSPECT = 50
SHORTEST_SECONDS = 3.0


class Proof(StrEnum):
    """What became of the proof of work that a browser or a tool may send."""

    GIVEN = "given"
    UNCHECKED = "unchecked"
    MISSING = "missing"
    REFUSED = "refused"
    REPLAYED = "replayed"
    SPARED = "spared"  # an account stands in for it


@dataclass(frozen=True)
class Facts:
    """What a door knows of how a report came, without anything of who sent it.

    `seconds` is how long the form was open, None where that is not known; `answered` whether the question for people
    without JavaScript was answered rightly, None where it was not asked.
    """

    proof: Proof = Proof.MISSING
    honeypot: bool = False
    seconds: float | None = None
    answered: bool | None = None


@dataclass(frozen=True)
class Suspicion:
    """A score of 0 to 100, and why: sentences for moderators."""

    score: int = 0
    reasons: tuple[str, ...] = ()
    trapped: bool = False

    @property
    def suspected(self) -> bool:
        """Whether the report waits in the lane of suspected spam."""
        return self.trapped or self.score >= SUSPECT


UNSUSPECTED = Suspicion()

_PROOFS = {
    Proof.MISSING: (15, "It came without a proof of work."),
    Proof.REFUSED: (35, "Its proof of work was false or had run out."),
    Proof.REPLAYED: (45, "Its proof of work had been used before."),
}


def judge(facts: Facts, submission: Submission) -> Suspicion:
    """How much a submission looks like spam, by how it came and by what it says."""
    arrival = _arrival(facts)
    found = [*arrival, *wording.signs(submission.text, submission.links), *repeats.signs(submission.text)]
    score = min(sum(points for points, _reason in found), 100)
    return Suspicion(score, tuple(reason for _points, reason in found), trapped=facts.honeypot or _too_fast(facts))


def _too_fast(facts: Facts) -> bool:
    return facts.seconds is not None and facts.seconds < SHORTEST_SECONDS


def _arrival(facts: Facts) -> list[tuple[int, str]]:
    found = []
    if facts.honeypot:
        found.append((60, "It filled in a field that people do not see."))
    if _too_fast(facts):
        found.append((40, f"The form was sent within {SHORTEST_SECONDS:g} seconds."))
    if facts.proof in _PROOFS:
        found.append(_PROOFS[facts.proof])
        if facts.answered is False:
            found.append((25, "The question for people without JavaScript was not answered."))
    return found
