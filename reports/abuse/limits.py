"""How often the routes of reporting may be used: by a network or an account, and by everybody together.

The table alone; `lib.limits` counts. Without Redis nothing is limited: a report must be accepted and a receipt must
open all the same (docs/decisions/0013).
"""

from dataclasses import dataclass

from lib import limits
from lib.limits import Budget, Limit
from lib.store import key


@dataclass(frozen=True)
class Limits:
    """What one network may do, and what all may do together; None is no limit."""

    each: Limit | None = None
    everybody: Limit | None = None


# A network is up to 256 neighbours, or an exit of Tor.
DRAFT = "draft"
FILES = "files"
SUBMIT = "submit"
UNPROVEN = "submit without proof"
RECEIPT = "failed receipt"
MESSAGE = "message"
CHALLENGE = "challenge"
SUBSCRIBE = "subscribe"
LIMITS = {
    DRAFT: Limits(each=Limit(60, 3600)),
    FILES: Limits(each=Limit(120, 3600)),
    SUBMIT: Limits(each=Limit(30, 3600)),
    UNPROVEN: Limits(each=Limit(10, 3600), everybody=Limit(300, 3600)),
    RECEIPT: Limits(each=Limit(20, 600), everybody=Limit(5000, 600)),
    MESSAGE: Limits(each=Limit(60, 3600)),
    SUBSCRIBE: Limits(each=Limit(10, 3600), everybody=Limit(500, 3600)),
    CHALLENGE: Limits(each=Limit(120, 600)),
}


def take(what: str, who: str) -> float:
    """Takes one call of a network, or of whoever else is counted; seconds to wait if there is none left, 0 for go."""
    budgets = _budgets(what, who)
    standing = limits.take(budgets) if budgets else None
    return standing.wait if standing else 0.0


def give_back(what: str, who: str) -> None:
    """Returns a call that turned out not to count, for example the try of a receipt that fits."""
    limits.give_back(_budgets(what, who))


def used(what: str, who: str) -> int:
    """How many calls of the budget are used up at present."""
    return limits.used(_budgets(what, who)[0])


def _budgets(what: str, who: str) -> list[Budget]:
    table = LIMITS[what]
    pairs = [(who, table.each), ("", table.everybody)]
    return [Budget(key("limit", what, limits.pseudonym(one) if one else "all"), limit) for one, limit in pairs if limit]
