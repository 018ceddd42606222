"""What this node takes over from a peer by itself, as its operators set it. Plain data and pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# More withdrawals than this in one run, or this share of all that is shown of a node, wait for an operator.
MOST_WITHDRAWN, MOST_WITHDRAWN_SHARE = 20, 0.02
PUBLISH, MODERATE, REJECT = "publish", "moderate", "reject"


@dataclass(frozen=True)
class Policy:
    """How a peer's records are taken: by default, by category, and under which licences (none named: any)."""

    default: str
    by_category: Mapping[str, str] = field(default_factory=dict)
    licences: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ruling:
    """What is to happen to a record, and why where it is not shown."""

    acceptance: str
    reason: str = ""


def rule(policy: Policy, category: str, licence: str) -> Ruling:
    """The ruling on a record: the licence first, then the nearest category that is named, then the default."""
    if policy.licences and licence not in policy.licences:
        return Ruling(REJECT, f"its licence is {licence}")
    for code in _with_parents(category):
        if code in policy.by_category:
            return _ruling(policy.by_category[code], f"records of the category {code} are rejected")
    return _ruling(policy.default, "records of this node are rejected")


def is_mass_withdrawal(withdrawn: int, shown: int) -> bool:
    """Whether so many withdrawals, of so many records shown, wait for an operator."""
    return withdrawn > max(MOST_WITHDRAWN, shown * MOST_WITHDRAWN_SHARE)


def _ruling(acceptance: str, why: str) -> Ruling:
    return Ruling(acceptance, why if acceptance == REJECT else "")


def _with_parents(code: str) -> list[str]:
    parts = code.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
