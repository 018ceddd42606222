"""garak's report (`garak.<uuid>.report.jsonl`) and its hit log (`....hitlog.jsonl`).

Shape: rows with an `entry_type`: `start_run setup` names the target, `init` the version, `attempt` a prompt with its
outputs and detectors' scores, `eval` how many outputs a detector let pass. Source: docs/source/reporting.rst,
garak/evaluators/base.py and garak/attempt.py of https://github.com/NVIDIA/garak. The rows of a hit log have no
`entry_type`; each is one output that got through, so how many did not is unknown. Until 0.13 an `eval` had `total`
instead of `total_evaluated`, and the target was `plugins.model_type` and `plugins.model_name`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
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

_ENTRIES = {"start_run setup", "init", "attempt", "eval"}
# An output got through where a detector's score reaches this (`run.eval_threshold`).
_THRESHOLD = 0.5
_FINISHED = 2


class Garak:
    """garak, of NVIDIA."""

    slug = "garak"
    title = "garak"

    def read(self, parsed: Parsed) -> Results | None:
        """What a report or a hit log says."""
        rows = parsed.rows or ((parsed.document,) if isinstance(parsed.document, dict) else ())
        if any(a_text(row.get("entry_type")) in _ENTRIES for row in rows):
            return _report(rows)
        hits = [row for row in rows if {"probe", "detector", "generator", "prompt"} <= row.keys()]
        return _hit_log(hits) if hits else None


def _report(rows: Iterable[dict[str, Any]]) -> Results:
    rows = list(rows)
    setup = _first(rows, "start_run setup")
    init = _first(rows, "init")
    target = a_text(setup.get("plugins.target_name") or setup.get("plugins.model_name"))
    threshold = a_number(setup.get("run.eval_threshold"))
    return Results(
        tool="garak",
        version=a_text(init.get("garak_version") or setup.get("_config.version")),
        date=a_date(init.get("start_time") or setup.get("transient.starttime_iso")),
        models=distinct([target]),
        metrics=tuple(_metric(row) for row in rows if row.get("entry_type") == "eval")[:MOST_METRICS],
        attempts=tuple(_got_through(rows, _THRESHOLD if threshold is None else threshold))[:MOST_ATTEMPTS],
    )


def _first(rows: Iterable[dict[str, Any]], entry: str) -> dict[str, Any]:
    return next((row for row in rows if row.get("entry_type") == entry), {})


def _metric(row: dict[str, Any]) -> Metric:
    total = a_count(row.get("total_evaluated"))
    total = a_count(row.get("total")) if total is None else total
    passed = a_count(row.get("passed"))
    hits = total - passed if total is not None and passed is not None and passed <= total else None
    # Old reports put the kind of plug-in before its name.
    detector = a_text(row.get("detector")).removeprefix("detector.")
    return Metric(a_text(row.get("probe")), detector, hits, total)


def _got_through(rows: Iterable[dict[str, Any]], threshold: float) -> Iterator[Attempt]:
    for row in rows:
        if row.get("entry_type") != "attempt" or row.get("status") != _FINISHED:
            continue
        hit = {
            place
            for scores in an_object(row.get("detector_results")).values()
            for place, score in enumerate(a_list(scores))
            if (a_number(score) or 0.0) >= threshold
        }
        for place, output in enumerate(a_list(row.get("outputs"))):
            if place in hit:
                yield Attempt(a_text(row.get("probe_classname")), said(row.get("prompt")), said(output))


def _hit_log(hits: list[dict[str, Any]]) -> Results:
    counted = Counter((a_text(row.get("probe")), a_text(row.get("detector"))) for row in hits)
    return Results(
        tool="garak",
        models=distinct(a_text(row.get("generator")).partition(" ")[2] for row in hits),
        metrics=tuple(Metric(probe, detector, hits=n) for (probe, detector), n in counted.most_common(MOST_METRICS)),
        attempts=tuple(
            Attempt(a_text(row.get("probe")), said(row.get("prompt")), said(row.get("output")))
            for row in hits[:MOST_ATTEMPTS]
        ),
    )


ADAPTER = Garak()
