"""promptfoo's results as JSON (`promptfoo eval --output results.json`, and its red-team runs).

Shape: `OutputFile` with `evalId`, `results` and `metadata`; `results.results` is the list of tests in
versions 2 and 3. A test is a hit where an assertion failed (`failureReason` 1); one that ended in an error (2) was not
judged and counts for nothing. Source: src/types/index.ts of https://github.com/promptfoo/promptfoo.
"""

from typing import Any

from reports.redteam_results import (
    MOST_ATTEMPTS,
    MOST_METRICS,
    Attempt,
    Metric,
    Parsed,
    Results,
    a_date,
    a_list,
    a_text,
    an_object,
    distinct,
    said,
)

_ERROR = 2


class Promptfoo:
    """promptfoo."""

    slug = "promptfoo"
    title = "promptfoo"

    def read(self, parsed: Parsed) -> Results | None:
        """What a file of results says."""
        file = an_object(parsed.document)
        summary = an_object(file.get("results"))
        if not ("evalId" in file and "stats" in summary and isinstance(summary.get("results"), list)):
            return None
        tests = [an_object(test) for test in a_list(summary.get("results"))]
        judged = [test for test in tests if isinstance(test.get("success"), bool) and not _is_error(test)]
        return Results(
            tool="promptfoo",
            version=a_text(an_object(file.get("metadata")).get("promptfooVersion")),
            date=a_date(summary.get("timestamp")),
            models=distinct(_model(an_object(test.get("provider"))) for test in tests),
            metrics=_metrics(judged),
            attempts=tuple(_attempt(test) for test in judged if not test["success"])[:MOST_ATTEMPTS],
        )


def _is_error(test: dict[str, Any]) -> bool:
    return test.get("failureReason") == _ERROR


def _model(provider: dict[str, Any]) -> str:
    """`huggingface:text-generation:org/name` and `ollama:chat:name` without what says how they are called."""
    name = a_text(provider.get("id"))
    vendor, _, rest = name.partition(":")
    return rest.partition(":")[2] or name if vendor in {"huggingface", "ollama"} else name


def _metrics(judged: list[dict[str, Any]]) -> tuple[Metric, ...]:
    counted: dict[tuple[str, str], list[int]] = {}
    for test in judged:
        of = counted.setdefault((_probe(test), _strategy(test)), [0, 0])
        of[0] += not test["success"]
        of[1] += 1
    return tuple(Metric(probe, way, hits, total) for (probe, way), (hits, total) in counted.items())[:MOST_METRICS]


def _about(test: dict[str, Any]) -> dict[str, Any]:
    return an_object(an_object(test.get("testCase")).get("metadata")) | an_object(test.get("metadata"))


def _probe(test: dict[str, Any]) -> str:
    """The red-team plug-in, or the kind of the first assertion, or the test's description."""
    asserted = [an_object(one) for one in a_list(an_object(test.get("testCase")).get("assert"))]
    first = a_text(asserted[0].get("metric") or asserted[0].get("type")) if asserted else ""
    return a_text(_about(test).get("pluginId")) or first or "test"


def _strategy(test: dict[str, Any]) -> str:
    return a_text(_about(test).get("strategyId"))


def _attempt(test: dict[str, Any]) -> Attempt:
    return Attempt(_probe(test), said(test.get("prompt")), said(an_object(test.get("response")).get("output")))


ADAPTER = Promptfoo()
