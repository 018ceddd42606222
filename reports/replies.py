"""Reason codes as one table: what each means, and what the reporter reads, in the language of the report."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import TextChoices
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from lib.language import speaking
from reports.models import RejectReason, Report

MOST_ADDED = 1500


class AskReason(TextChoices):
    """What a moderator needs from the reporter."""

    WHICH_MODEL = "which_model", "Which model exactly"
    HOW_TO_SEE = "how_to_see", "How to see it"
    MORE_EVIDENCE = "more_evidence", "More evidence"
    PERMISSION = "permission", "Permission to publish an excerpt"


@dataclass(frozen=True)
class Variable:
    """A word in braces that a reply may hold: what it stands for in a report."""

    meaning: str
    value: Callable[[Report], str]


def _models(report: Report) -> str:
    return ", ".join(report.named_models.order_by("pk").values_list("asked", flat=True)[:3])


VARIABLES = {
    "models": Variable("the models named, at most three", _models),
    "date": Variable("the day the report came", lambda report: report.submitted_at.date().isoformat()),
    "node": Variable("this node's title", lambda _report: settings.NODE_TITLE),
    "form": Variable("the address of the form", lambda _report: settings.BASE_URL + reverse("website:report")),
}
_VARIABLE = re.compile(r"\{(" + "|".join(VARIABLES) + r")\}")

REPLIES: dict[str, str | Promise] = {
    RejectReason.NOT_A_MODEL: _(
        "Thank you for your report of {date}. We record incidents with models whose weights are open. As far as "
        "we can see, {models} is not such a model, so we cannot take the report up. If its weights can be "
        "downloaded somewhere, please say where, and appeal."
    ),
    RejectReason.NOT_ENOUGH: _(
        "Thank you for your report on {models}. There was not enough in it to check what happened. If you have "
        "the prompt, the file or the exact version, please appeal with them, or report again at {form}."
    ),
    RejectReason.NOT_AN_INCIDENT: _(
        "Thank you for your report on {models}. What it describes is neither harm nor, as we understand it, a "
        "flaw that could do harm. If we misread it, please appeal and say who was or could be harmed, and how."
    ),
    RejectReason.DUPLICATE: _(
        "Thank you for your report on {models}. The same event is already recorded, so we did not open another "
        "record for it. What you sent beyond that is kept with it."
    ),
    RejectReason.SPAM: _(
        "We took your report of {date} for advertising or for an automatic message. If it was neither, please "
        "appeal: somebody else will read it."
    ),
    RejectReason.NOT_REPRODUCED: _(
        "Thank you for your report on {models}. We tried what you described and did not see it. If you have the "
        "exact version, the settings or a seed, please appeal with them."
    ),
    RejectReason.SOFTWARE: _(
        "Thank you for your report. What you describe is a flaw of software around {models}, not of the model. "
        "Its maintainers can repair it and we cannot: please report it to them, in private if it can be abused."
    ),
    RejectReason.DEPLOYMENT: _(
        "Thank you for your report. What you describe happened in a service, and nothing in it points to the open"
        " model ({models}) itself. If it also happens with the model alone, please appeal and say how."
    ),
    RejectReason.PERSONAL: _(
        "Thank you for your report. It is about what a person did rather than about a model, and we cannot judge "
        "persons. If somebody is in danger, please turn to the police or to a help line in your country."
    ),
    RejectReason.UNLAWFUL: _(
        "Your report of {date} held material that we may not keep, so we did not take it up. You are welcome to "
        "describe the event again, without that material, at {form}."
    ),
    RejectReason.TEST: _("Your report of {date} reads like a test of the form. It worked: a person has read it."),
    AskReason.WHICH_MODEL: _(
        "Thank you for your report. Which model is it exactly? You named {models}. A link to the repository and, "
        "if you know it, the commit or the name of the file would help."
    ),
    AskReason.HOW_TO_SEE: _(
        "Thank you for your report on {models}. How can we see it ourselves? Please send the prompt or the input,"
        " the settings, and how often it happened in how many tries."
    ),
    AskReason.MORE_EVIDENCE: _(
        "Thank you for your report on {models}. Can you show us more of it: the full answer, a log, or a link "
        "where it can be seen? Please leave out what identifies private persons."
    ),
    AskReason.PERMISSION: _(
        "Thank you for your report on {models}. May we publish a short excerpt of what you sent as part of the "
        "record? Please answer yes or no. Nothing of it becomes public without your yes."
    ),
}


def compose(reason: RejectReason | AskReason, report: Report, added: str = "") -> str:
    """What the reporter reads: the reply of the reason with its variables filled in, then the moderator's own words."""
    with speaking(report.language):
        values = {name: variable.value(report) for name, variable in VARIABLES.items()}
        # Not str.format: a name that a reporter sent must not be read as a format.
        reply = _VARIABLE.sub(lambda match: values[match[1]], str(REPLIES[reason]))
    return "\n\n".join(part for part in (capfirst(reply), added.strip()[:MOST_ADDED]) if part)
