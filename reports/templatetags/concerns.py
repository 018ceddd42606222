"""Names to look at, for the console's templates."""

from django import template

from accounts.models import User
from catalogue.concerns import concerns_of, open_concerns
from catalogue.models import Alias, Concern
from reports.models import Case

register = template.Library()


@register.simple_tag
def waiting_concerns(user: User) -> dict[str, int] | None:
    """How many wait for a verdict, for those who may see them."""
    return {"open": open_concerns().count()} if user.has_perm("catalogue.view_concern") else None


@register.simple_tag
def concerns_of_case(case: Case) -> list[Concern]:
    """What a moderator should know of the names in a case, as it is saved."""
    return list(concerns_of(Alias.objects.filter(pk__in=case.models.values("alias"))))
