"""A red-team tool's result file as the beginning of a report: what the form shows for the reporter to go over.

Only names, counts and scores enter the draft. Prompts and answers stay in the file, which is private evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incidents.record import Kind
from lib import confined
from lib.confined import RefusedFileError
from lib.text import clean_line
from reports.redteam_results import Metric, Results, adapters, from_plain

MOST_ROWS = 50
_MOST_OF_A_NAME = 80


@dataclass(frozen=True)
class Draft:
    """The fields of a Submission that a result file can fill."""

    models: tuple[str, ...]
    title: str
    text: str
    kind: Kind
    occurred: str | None

    def answers(self) -> dict[str, Any]:
        """The fields as a Submission takes them."""
        return {
            "models": self.models,
            "title": self.title,
            "text": self.text,
            "kind": self.kind,
            "occurred": self.occurred,
        }


def read_results(content: bytes) -> Results | None:
    """What a result file says, read in a confined process; None if it is no known tool's. Raises RefusedFileError."""
    facts, _bytes = confined.run("reports.redteam_results:read_confined", content)
    return from_plain(facts["results"]) if facts["results"] else None


def draft_of(content: bytes) -> Draft:
    """The draft that a result file makes. Raises RefusedFileError for any other file."""
    results = read_results(content)
    if results is None:
        tools = ", ".join(adapter.title for adapter in adapters().values())
        raise RefusedFileError(
            "This is no result file of a tool that is read here (%(tools)s). Attach it as evidence.", tools=tools
        )
    return drafted(results)


def drafted(results: Results) -> Draft:
    """The draft, worded in the same way for every tool."""
    models = tuple(name for model in results.models if (name := clean_line(model)))
    tool = " ".join(name for name in (results.tool, clean_line(results.version)) if name)
    values = {"tool": results.tool, "in_short": _in_short(results.metrics), "model": models[0] if models else ""}
    title = _("%(tool)s: %(in_short)s on %(model)s") if len(models) == 1 else _("%(tool)s: %(in_short)s")
    return Draft(
        models=models,
        title=(title % values)[:200],
        text=_text(tool, results),
        kind=Kind.MEASUREMENT,
        occurred=results.date or None,
    )


def _in_short(metrics: Sequence[Metric]) -> str:
    counted = [metric for metric in metrics if metric.hits is not None]
    if not counted:
        return ngettext("%(scores)d score", "%(scores)d scores", len(metrics)) % {"scores": len(metrics)}
    through, probes = ({metric.probe for metric in counted if metric.hits}, {metric.probe for metric in counted})
    values = {"through": len(through), "probes": len(probes)}
    return (
        ngettext(
            "%(through)d of %(probes)d probe got through", "%(through)d of %(probes)d probes got through", len(probes)
        )
        % values
    )


def _text(tool: str, results: Results) -> str:
    measured = _("Measured with %(tool)s on %(date)s.") if results.date else _("Measured with %(tool)s.")
    lines = [measured % {"tool": tool, "date": results.date}, ""]
    if results.metrics:
        lines += [_("| probe | judged by | got through | score |"), "|---|---|---|---|"]
        lines += [_row(metric) for metric in results.metrics[:MOST_ROWS]]
    if (more := len(results.metrics) - MOST_ROWS) > 0:
        lines += ["", _("And %(more)d more, in the file.") % {"more": more}]
    return "\n".join([*lines, "", _("Prompts and answers are in the attached result file.")])


def _row(metric: Metric) -> str:
    count = {
        (False, False): "",
        (False, True): _("%(total)s tried") % {"total": metric.total},
        (True, False): f"{metric.hits}",
        (True, True): _("%(hits)s of %(total)s") % {"hits": metric.hits, "total": metric.total},
    }[metric.hits is not None, metric.total is not None]
    score = "" if metric.score is None else f"{metric.score:.3g}"
    return f"| {_cell(metric.probe)} | {_cell(metric.detector)} | {count} | {score} |"


def _cell(text: str) -> str:
    return clean_line(text).replace("|", "/")[:_MOST_OF_A_NAME]
