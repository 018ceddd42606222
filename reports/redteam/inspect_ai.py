"""Inspect's evaluation log as JSON. An `.eval` file is a ZIP archive; `inspect log convert --to json` makes JSON of it.

Shape: `EvalLog` with `eval` (task, model, created, packages), `results.scores` (each with its metrics) and `samples`.
Source: src/inspect_ai/log/_log.py of https://github.com/UKGovernmentBEIS/inspect_ai. Whether a high score is good
or bad is the task's to say, so scores are given as they stand, and no sample is called a hit.
"""

from collections.abc import Iterator
from typing import Any

from reports.redteam_results import (
    MOST_ATTEMPTS,
    MOST_METRICS,
    Attempt,
    Metric,
    Parsed,
    Results,
    a_count,
    a_date,
    a_list,
    a_number,
    a_text,
    an_object,
    distinct,
    said,
)

# Providers that run open weights; what follows is the model's name (https://inspect.aisi.org.uk/providers.html).
_PROVIDERS = ("hf/", "vllm/", "sglang/", "transformer_lens/", "hf-inference-providers/", "ollama/", "together/")


class Inspect:
    """Inspect, of the UK AI Security Institute."""

    slug = "inspect_ai"
    title = "Inspect"

    def read(self, parsed: Parsed) -> Results | None:
        """What a log says."""
        log = an_object(parsed.document)
        spec = an_object(log.get("eval"))
        if not (spec.get("task") and spec.get("model") and {"version", "status"} <= log.keys()):
            return None
        task = a_text(spec.get("task"))
        return Results(
            tool="Inspect",
            version=a_text(an_object(spec.get("packages")).get("inspect_ai")),
            date=a_date(spec.get("created")),
            models=distinct([_model(a_text(spec.get("model")))]),
            metrics=tuple(_metrics(task, an_object(log.get("results"))))[:MOST_METRICS],
            attempts=tuple(
                Attempt(task, said(sample.get("input")), _answer(sample))
                for sample in map(an_object, a_list(log.get("samples"))[:MOST_ATTEMPTS])
            ),
        )


def _model(name: str) -> str:
    return next((name.removeprefix(provider) for provider in _PROVIDERS if name.startswith(provider)), name)


def _metrics(task: str, results: dict[str, Any]) -> Iterator[Metric]:
    completed = a_count(results.get("completed_samples"))
    for score in map(an_object, a_list(results.get("scores"))):
        scored = a_count(score.get("scored_samples"))
        for key, metric in an_object(score.get("metrics")).items():
            name = a_text(an_object(metric).get("name")) or a_text(key)
            detector = f"{a_text(score.get('name'))}: {name}"
            total = completed if scored is None else scored
            yield Metric(task, detector, total=total, score=a_number(an_object(metric).get("value")))


def _answer(sample: dict[str, Any]) -> str:
    choices = a_list(an_object(sample.get("output")).get("choices"))
    return said(an_object(choices[0]).get("message")) if choices else ""


ADAPTER = Inspect()
