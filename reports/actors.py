"""Who acts, what a verb refuses, and the row that every verb leaves."""

from dataclasses import dataclass
from typing import Any, Protocol

from accounts.models import User
from reports import history


class Actor(Protocol):
    """Who acts: an account, or a part of the software."""

    @property
    def pk(self) -> Any:
        """The account's primary key; None for software."""
        ...

    def get_username(self) -> str:
        """The name that the Activity rows keep."""
        ...

    def has_perm(self, perm: str) -> bool:
        """Whether the actor may."""
        ...


@dataclass(frozen=True)
class Software:
    """A part of the software that acts by itself, for example the loader of the starter collection."""

    name: str
    pk: None = None

    def get_username(self) -> str:
        """Its name."""
        return self.name

    def has_perm(self, perm: str) -> bool:
        """Whatever its code does is allowed."""
        return bool(perm)


REPORTER = Software("reporter")


class NotAllowedError(PermissionError):
    """The actor may not do this."""


class WrongStateError(ValueError):
    """The report or the case is not in a state this verb starts from, or somebody else holds it."""


class NotReadyError(ValueError):
    """The case cannot be published as it stands; `problems` are sentences for the moderator."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def require(by: Actor, permission: str) -> None:
    """Raises NotAllowedError unless `by` holds the permission."""
    if not by.has_perm(permission):
        raise NotAllowedError(f"{by.get_username() or 'an anonymous visitor'} may not do this ({permission})")


def record_activity(by: Actor, verb: str, **fields: Any) -> None:
    """Writes who did what, in the verb's own transaction. `fields`: report, case, before, after, note."""
    fields["note"] = fields.get("note", "")[:2000]
    actor = by if isinstance(by, User) else None
    history.append(actor=actor, actor_name=by.get_username(), verb=verb, **fields)
