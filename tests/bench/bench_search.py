"""Search with facets, newest first, for words of every frequency: against bare SQL for a rare word, and as it grows.

Run by hand: `make bench ARGS="-k search"`; `BENCH_ROWS=10000,100000` for fewer records than a million.
"""

import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from incidents.taxonomy import category_codes
from tests.bench import collection

ROOT = Path(__file__).parents[2]
SIZES = [int(size) for size in os.environ.get("BENCH_ROWS", "100000,1000000").split(",")]
LIMIT = 3


@pytest.fixture(autouse=True)
def _real_database(django_db_blocker):
    """These databases are beside the tests' own."""
    with django_db_blocker.unblock():
        yield


def questions(size):
    """Searches by how much they find: the vocabulary's frequency falls with a word's place (Zipf)."""
    words = collection.Collection(size, category_codes()).words["population"]
    some = lambda first, end, count: random.Random(5).sample(words[first:end], count)  # noqa: E731
    return {
        "commonest": words[:5],
        "frequent": some(5, 60, 8),
        "in a hundredth": [collection.RARE, *some(400, 700, 7)],
        "rare": some(8_000, 10_000, 8),
        "two frequent words": [" ".join(some(5 + n, 60 + n, 2)) for n in range(8)],
        "a phrase": [f'"{words[0]} {words[n]}"' for n in range(1, 7)],
        "what lacks the commonest": [f"-{words[0]}", f"{words[30]} -{words[0]}"],
        "in no record": ["zzyzx", f"zzyzx {words[0]}"],
    }


def p95(times):
    return statistics.quantiles(times, n=20)[-1]


def test_search():
    figures = {}
    for size in SIZES:
        environment = {**os.environ, **collection.addresses(collection.filled(size))}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.searching"],
            cwd=ROOT,
            env=environment,
            input=json.dumps(questions(size)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr[-2000:]
        figures[size] = json.loads(done.stdout)
    for size, found in figures.items():
        base = p95(found["rare"]["bare"])
        print(f"\n{size:,} records: p95 in ms; bare SQL for a rare word {base:.1f}")
        for name, times in found.items():
            page, faceted = p95(times["page"]), p95(times["faceted"])
            print(f"  {name:26} page {page:8.1f}   with facets {faceted:8.1f}   {faceted / base:6.2f} of bare")
    if len(SIZES) > 1:
        first, last = figures[SIZES[0]], figures[SIZES[-1]]
        for name in first:
            growth = p95(last[name]["faceted"]) / p95(first[name]["faceted"])
            print(f"  {name:26} grows by {growth:.2f} from {SIZES[0]:,} to {SIZES[-1]:,}")
