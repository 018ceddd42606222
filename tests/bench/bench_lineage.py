"""Walking a tree of 30,000 claims: our one query against a plain BFS over the same rows, and one index look-up.

Run by hand: `make bench` or `make bench ARGS="-k lineage"`.
"""

import random
import statistics
import time
from collections import deque

import pytest
from django.db import connection

from catalogue.lineage import ancestors, descendants
from catalogue.models import Alias, Lineage, Model

EDGES, ROUNDS = 30_000, 5
# One query that hands over 30,000 edges may take this many times the walk over edges already in memory.
LIMIT = 20


def timed(work):
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


@pytest.mark.django_db
def test_walks_of_30_000_edges():
    dice = random.Random(7)
    models = Model.objects.bulk_create(Model(hub="huggingface", name=f"org/m{n}") for n in range(EDGES + 1))
    aliases = Alias.objects.bulk_create(Alias(hub=m.hub, name=m.name, model=m) for m in models)
    # Preferential attachment: a few bases with thousands of children, long thin chains elsewhere, as on a hub.
    parents = [dice.randrange(max(1, int(n * dice.random() ** 2))) if n > 1 else 0 for n in range(1, EDGES + 1)]
    Lineage.objects.bulk_create(
        Lineage(child=models[n], base=aliases[parent], relation="finetune") for n, parent in enumerate(parents, start=1)
    )

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalogue_lineage, catalogue_alias, catalogue_model")

    def plain():
        below = {}
        for child, base in Lineage.objects.values_list("child_id", "base__model_id"):
            below.setdefault(base, []).append(child)
        seen, queue = {models[0].pk}, deque([models[0].pk])
        while queue:
            for child in below.get(queue.popleft(), ()):
                if child not in seen:
                    seen.add(child)
                    queue.append(child)
        return seen

    figures = {"down (one query)": [], "plain BFS over all rows": [], "up from a leaf": [], "one index look-up": []}
    leaf = models[-1]
    for _ in range(ROUNDS):
        figures["down (one query)"].append(timed(lambda: descendants(models[0])))
        figures["plain BFS over all rows"].append(timed(plain))
        figures["up from a leaf"].append(timed(lambda: ancestors(leaf)))
        figures["one index look-up"].append(timed(lambda: Alias.objects.get(pk=aliases[0].pk)))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, value in medians.items():
        print(f"{name:26}{value:9.2f} ms")
    down, bfs = medians["down (one query)"], medians["plain BFS over all rows"]
    print(f"down / plain BFS          {down / bfs:9.2f}")
    print(f"up / index look-up        {medians['up from a leaf'] / medians['one index look-up']:9.2f}")
    assert len(descendants(models[0])) == EDGES == len(plain()) - 1
    assert down / bfs < LIMIT
