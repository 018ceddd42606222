"""A red-team tool's result file as the beginning of a report: what the form shows for the reporter to go over.

Only names, counts and scores enter the draft. Prompts and answers stay in the file, which is private evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    facts, _ = confined.run("reports.redteam_results:read_confined", content)
    return from_plain(facts["results"]) if facts["results"] else None


def draft_of(content: bytes) -> Draft:
    """The draft that a result file makes. Raises RefusedFileError for any other file."""
    results = read_results(content)
    if results is None:
        tools = ", ".join(adapter.title for adapter in adapters().values())
        raise RefusedFileError(f"This is no result file of a tool that is read here ({tools}). Attach it as evidence.")
    return drafted(results)


def drafted(results: Results) -> Draft:
    """The draft, worded in the same way for every tool."""
    models = tuple(name for model in results.models if (name := clean_line(model)))
    tool = " ".join(name for name in (results.tool, clean_line(results.version)) if name)
    about = f" on {models[0]}" if len(models) == 1 else ""
    return Draft(
        models=models,
        title=f"{results.tool}: {_in_short(results.metrics)}{about}"[:200],
        text=_text(tool, results),
        kind=Kind.MEASUREMENT,
        occurred=results.date or None,
    )


def _in_short(metrics: Sequence[Metric]) -> str:
    counted = [metric for metric in metrics if metric.hits is not None]
    if not counted:
        return f"{len(metrics)} scores"
    through, probes = ({metric.probe for metric in counted if metric.hits}, {metric.probe for metric in counted})
    return f"{len(through)} of {len(probes)} probes got through"


def _text(tool: str, results: Results) -> str:
    when = f" on {results.date}" if results.date else ""
    lines = [f"Measured with {tool}{when}.", ""]
    if results.metrics:
        lines += ["| probe | judged by | got through | score |", "|---|---|---|---|"]
        lines += [_row(metric) for metric in results.metrics[:MOST_ROWS]]
    if (more := len(results.metrics) - MOST_ROWS) > 0:
        lines += ["", f"And {more} more, in the file."]
    return "\n".join([*lines, "", "Prompts and answers are in the attached result file."])


def _row(metric: Metric) -> str:
    count = {
        (False, False): "",
        (False, True): f"{metric.total} tried",
        (True, False): f"{metric.hits}",
        (True, True): f"{metric.hits} of {metric.total}",
    }[metric.hits is not None, metric.total is not None]
    score = "" if metric.score is None else f"{metric.score:.3g}"
    return f"| {_cell(metric.probe)} | {_cell(metric.detector)} | {count} | {score} |"


def _cell(text: str) -> str:
    return clean_line(text).replace("|", "/")[:_MOST_OF_A_NAME]
