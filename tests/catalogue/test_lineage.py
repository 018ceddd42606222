"""Which model derives from which."""

import random
from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.hub import BaseModelClaim, Reference
from catalogue.lineage import ancestors, descendants, keep_claims
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Lineage, Lookup, Model
from catalogue.naming import name_model
from tests.stand_ins.huggingface import StandInHub, example_model

pytestmark = pytest.mark.django_db


def model(name):
    return name_model(Reference("huggingface", f"org/{name}")).model


def derive(child, *bases, relation="finetune"):
    keep_claims(model(child), [BaseModelClaim(f"org/{base}", relation) for base in bases], "tag")


def names(paths):
    found = Model.objects.in_bulk(paths)
    return {found[pk].name.removeprefix("org/") for pk in paths}


def test_the_way_up_and_the_way_down():
    derive("quant", "chat", relation="quantized")
    derive("chat", "base")
    derive("merge", "chat", "other", relation="merge")
    assert names(ancestors(model("quant"))) == {"chat", "base"}
    assert names(descendants(model("base"))) == {"chat", "quant", "merge"}
    path = ancestors(model("quant"))[model("base").pk]
    assert path.models == (model("quant").pk, model("chat").pk, model("base").pk)
    assert path.relations == ("quantized", "finetune")


def test_cycles_and_self_references_end():
    derive("a", "b")
    derive("b", "c")
    derive("c", "a", "c")
    assert names(ancestors(model("a"))) == {"b", "c"}
    assert names(descendants(model("a"))) == {"b", "c"}


def test_a_claim_that_is_no_longer_made_ends_and_stays_on_record():
    derive("chat", "base", "other")
    derive("chat", "base")
    derive("chat", "base")
    assert names(ancestors(model("chat"))) == {"base"}
    assert Lineage.objects.filter(ended_at=None).count() == 1
    assert Lineage.objects.count() == 2
    derive("chat", "base", relation="adapter")
    assert Lineage.objects.get(ended_at=None).relation == "adapter"


def test_a_lookup_keeps_the_hubs_claims_and_follows_the_bases_up(settings):
    chain = [
        example_model("org/quant", tags=["base_model:quantized:org/chat"]),
        example_model("org/chat", tags=["base_model:org/base", "base_model:finetune:org/base"]),
        example_model("org/base", tags=["base_model:adapter:/root/local/path", "base_model:org/base"]),
    ]
    with StandInHub(chain) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        name_model(Reference("huggingface", "org/quant"))
        assert look_up_due() == 3
    assert names(ancestors(model("quant"))) == {"chat", "base"}
    assert not Alias.objects.filter(name__contains="root").exists()


def test_one_query_whatever_the_size(django_assert_num_queries):
    derive("a", "b")
    a = model("a")
    with django_assert_num_queries(1):
        assert len(ancestors(a)) == 1
    for number in range(20):
        derive(f"x{number}", "b")
        derive("b", *(f"y{each}" for each in range(number)))
    with django_assert_num_queries(1):
        assert len(ancestors(a)) == 20


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_graph_gives_what_a_plain_walk_gives(edges):
    Lineage.objects.all().delete()
    pks = {number: model(f"node{number}").pk for number in range(10)}
    aliases = {number: Alias.objects.get(name=f"org/node{number}").pk for number in range(10)}
    Lineage.objects.bulk_create(Lineage(child_id=pks[child], base_id=aliases[base]) for child, base in set(edges))
    start = random.Random(len(edges)).randrange(10)
    for walk, step in ((ancestors, 0), (descendants, 1)):
        expected, queue = {start: 0}, deque([start])
        while queue:
            here = queue.popleft()
            for edge in sorted(set(edges)):
                if edge[step] == here and edge[1 - step] not in expected:
                    expected[edge[1 - step]] = expected[here] + 1
                    queue.append(edge[1 - step])
        del expected[start]
        found = walk(Model(pk=pks[start]))
        assert {pk: len(path.relations) for pk, path in found.items()} == {pks[n]: d for n, d in expected.items()}
    Lookup.objects.all().delete()
