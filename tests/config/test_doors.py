"""Whoever comes in by a public door reads as the role that sees what is public, and the owner is needed for nothing."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.urls import get_resolver

from catalogue import traits
from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Alias, Drift, Inspection, Lineage, Lookup, Model, Openness, Snapshot, UseCount, WeightFile
from config.doors import is_private
from federation import peering, pulling
from federation.models import Mirror, PulledObject
from incidents import checkpoints, osv_files, overlay, position
from incidents.exports import refreshing as exports
from incidents.models import Incident, LogEntry
from lib.reading import by_the_public
from tests import factories
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.stand_ins.node import Node
from website.public import permalinks

SECRET = "secret-org/undecided"
# Reached by their own tests, for they are no page of the record's: what they say does not depend on the database, or
# what they change is private.
NOT_READ = {
    *("api:^.*$", "api:schema", "api:record-schema", "livez", "readyz", "subscribe"),
    *("federation/notice", "federation/cosignature"),
}


def doors():
    """Every view, with the namespace and name of its address."""

    def below(resolver, space):
        for one in resolver.url_patterns:
            if hasattr(one, "url_patterns"):
                yield from below(one, f"{one.namespace}:" if one.namespace else space)
            else:
                yield f"{space}{one.name or one.pattern}".removeprefix("website:"), one.callback

    return list(below(get_resolver(), ""))


def test_a_door_is_public_just_where_the_contract_on_privacy_says_so():
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (public,) = (one["source_modules"] for one in contracts if one["id"] == "public-never-reaches-reports")
    for _, view in doors():
        module = getattr(view, "cls", view).__module__
        reaches_nothing_private = any(module == one or module.startswith(f"{one}.") for one in public)
        # The console is none of the contract's business, and hubs' messages reach nothing private but are written.
        is_other = module == "api.hooks" or "admin" in module
        assert is_private(view) != reaches_nothing_private or is_other, module


@pytest.fixture
def public_reads(monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_READS", "public")
    yield connections["public"]
    connections["public"].close()


@pytest.fixture
def register(settings):
    """A record on a model with a base and a history, and a report on another model that nobody has decided on."""
    hub_models = [
        example_model("example-org/tiny-chat", tags=["base_model:finetune:org/base"]),
        example_model("org/base"),
        example_model(SECRET, tags=["base_model:finetune:example-org/tiny-chat"]),
    ]
    with StandInHub(hub_models) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        incident = factories.published_incident()
        factories.report(models=(SECRET,))
        look_up_due()
        inspect_due(then=traits.note)
        hub.put(hub.models["example-org/tiny-chat"][-1] | {"sha": "f" * 40, "gated": "auto"})
        Lookup.objects.update(due_at="2026-01-01T00:00:00Z")
        look_up_due()
    other = Node()
    theirs = other.log.publish()
    pulling.pull_alone(peering.add(vkey=other.log.vkey, node=other.address, acceptance="publish"))
    overlay.annotate(theirs.id, note="Seen here, too.")
    other.stop()
    checkpoints.sign_due()
    exports.refresh_due()
    osv_files.refresh_due()
    return incident


def addresses(incident):
    """Of every public door, by name."""
    pid, model = incident.public_id, "huggingface/example-org/tiny-chat"
    obj = LogEntry.objects.order_by("-index").first().object_id
    other = Mirror.objects.get()
    theirs = Incident.objects.exclude(origin=settings.NODE_NAME).get().public_id
    return {
        "home": ["/"],
        ".well-known/faultline.json": ["/.well-known/faultline.json"],
        "incidents": ["/incidents/", "/incidents/?q=shop&severity=low", "/incidents/?base_model=org%2Fbase"],
        "files:incidents": [
            *("/incidents.json", "/incidents.csv", "/incidents.atom"),
            *("/incidents.parquet", "/incidents.metadata.json"),
        ],
        "permalink": [f"/v/{permalinks.written([('kind', 'hazard'), ('as_of', '1')])}/"],
        "incident": [f"/incidents/{pid}/", f"/incidents/{theirs}/"],
        "incident-changes": [f"/incidents/{pid}/changes/"],
        "incident-card": [f"/incidents/{pid}/card.png"],
        "files:incident": [f"/incidents/{pid}.osv.json", f"/incidents/{pid}.bib"],
        "badge": [f"/models/{model}/badge.svg"],
        "model": [f"/models/{model}/", "/models/huggingface/org/base/", f"/models/huggingface/{SECRET}/"],
        "check": ["/check/"],
        "embed-incident": [f"/embed/incidents/{pid}/"],
        "embed-model": [f"/embed/models/{model}/"],
        "family": ["/families/huggingface/org/base/"],
        "compare": ["/compare/?m=example-org%2Ftiny-chat&m=org%2Fbase"],
        "organisations": ["/organisations/"],
        "organisation": ["/organisations/huggingface/example-org/"],
        "taxonomies": ["/taxonomies/"],
        "taxonomy": ["/taxonomies/faultline/"],
        "term": ["/taxonomies/faultline/hidden_promotion/"],
        "statistics": ["/statistics/", "/statistics/?by=openness.weights"],
        "files:statistics": ["/statistics.csv?by=category"],
        "origins": ["/origins/"],
        "data": ["/data/"],
        "about": ["/about/"],
        "api-docs": ["/api/docs"],
        "problems": ["/api/problems/"],
        "problem": ["/api/problems/throttled"],
        "oai": [f"/oai?verb={verb}" for verb in ("Identify", "ListRecords&metadataPrefix=oai_dc")],
        "archive-feed": ["/feeds/archive.atom"],
        "archive-page": ["/feeds/archive/1.atom"],
        "log:checkpoint": ["/log/checkpoint"],
        "log:entries": ["/log/tile/entries/000.p/2"],
        "log:tile": ["/log/tile/0/000.p/2"],
        "log:object": [f"/log/object/{obj}"],
        "log:objects": ["/log/objects/000.p/2"],
        "mirror:checkpoint": [f"/mirror/{other.origin_digest}/checkpoint"],
        "mirror:entries": [f"/mirror/{other.origin_digest}/tile/entries/000.p/{other.size}"],
        "mirror:tile": [f"/mirror/{other.origin_digest}/tile/0/000.p/{other.size}"],
        "mirror:object": [f"/mirror/{other.origin_digest}/object/{PulledObject.objects.first().digest}"],
        "mirror:objects": [f"/mirror/{other.origin_digest}/objects/000.p/{other.size}"],
        "api:exports": ["/api/v1/exports"],
        "api:export": ["/api/v1/exports/incidents.jsonl"],
        "api:incidents-csv": ["/api/v1/incidents.csv"],
        "api:incidents-jsonl": ["/api/v1/incidents.jsonl"],
        "api:incidents-parquet": ["/api/v1/incidents.parquet"],
        "api:incidents": ["/api/v1/incidents?facets=category", f"/api/v1/incidents?model={model}&as_of=1"],
        "api:incident": [f"/api/v1/incidents/{pid}", f"/api/v1/incidents/{pid.lower()}"],
        "api:versions": [f"/api/v1/incidents/{pid}/versions"],
        "api:version": [f"/api/v1/incidents/{pid}/versions/1"],
        "api:diff": [f"/api/v1/incidents/{pid}/diff?from=1&to=1"],
        "api:incident-overlay": [f"/api/v1/incidents/{theirs}/overlay"],
        "api:peers": ["/api/v1/peers"],
        "api:incident-proof": [f"/api/v1/incidents/{pid}/proof"],
        "api:consistency-proof": ["/api/v1/log/proof/consistency?from=1&to=2"],
        "api:models": ["/api/v1/models", "/api/v1/models?q=tiny&has_incidents=true&base_model=huggingface/org/base"],
        "api:model-incidents": [
            f"/api/v1/models/{model}/incidents",
            f"/api/v1/models/{model}/incidents?relation=inherited",
        ],
        "api:model-lineage": [f"/api/v1/models/{model}/lineage"],
        "api:model-snapshots": [f"/api/v1/models/{model}/snapshots"],
        "api:model-drift": [f"/api/v1/models/{model}/drift"],
        "api:model": [f"/api/v1/models/{model}", f"/api/v1/models/huggingface/{SECRET}"],
        "api:changes": ["/api/v1/changes"],
        "api:taxonomies": ["/api/v1/taxonomies"],
        "api:taxonomy": ["/api/v1/taxonomies/faultline"],
        "api:term": ["/api/v1/taxonomies/faultline/terms/hidden_promotion"],
        "api:organisations": ["/api/v1/organisations"],
        "api:organisation": ["/api/v1/organisations/huggingface/example-org"],
        "api:statistics": ["/api/v1/statistics?by=category,openness.weights"],
        "api:rates": ["/api/v1/statistics/rates?by=family"],
    }


QUESTIONS = {
    "/api/v1/check": {"items": ["pkg:huggingface/example-org/tiny-chat", SECRET, "org/base"]},
    "/api/v1/check/bom": {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"type": "machine-learning-model", "name": "m", "purl": "pkg:huggingface/example-org/tiny-chat"}
        ],
    },
    "/osv/v1/query": {"package": {"purl": "pkg:huggingface/example-org/tiny-chat"}},
    "/osv/v1/querybatch": {"queries": [{"commit": "f" * 40}]},
}


def answer_to(address):
    """Status and body, to its end."""
    position.forget()
    if address in QUESTIONS:
        answer = Client().post(address, json.dumps(QUESTIONS[address]), content_type="application/json")
    else:
        answer = Client().get(address)
    content = b"".join(answer) if answer.streaming else answer.content
    return answer.status_code, re.sub(rb"<responseDate>[^<]*", b"", content)


@pytest.mark.django_db(transaction=True, databases=["default", "public"])
def test_every_public_door_answers_alike_without_the_owner(register, monkeypatch):
    by_name = addresses(register)
    named = {name for name, view in doors() if not is_private(view)}
    left = {name for name in named - set(by_name) - NOT_READ if not name.startswith(("osv", "api:check", "^"))}
    assert not left
    asked = [one for each in by_name.values() for one in each] + list(QUESTIONS)
    as_owner = {one: answer_to(one) for one in asked}
    # What nobody has decided on is not there, and the archive's first page is not full yet.
    missing = {f"/models/huggingface/{SECRET}/", f"/api/v1/models/huggingface/{SECRET}", "/feeds/archive/1.atom"}
    assert {one: got[0] for one, got in as_owner.items() if got[0] >= 400} == dict.fromkeys(missing, 404)

    monkeypatch.setattr(settings, "PUBLIC_READS", "public")
    owner = connections["default"]
    owner.close()
    with monkeypatch.context() as cut:
        cut.setitem(owner.settings_dict, "HOST", "/nowhere")
        cut.setitem(owner.settings_dict, "OPTIONS", {})
        with pytest.raises(DatabaseError):
            owner.ensure_connection()
        as_reader = {one: answer_to(one) for one in asked}
    connections["public"].close()
    others = [one for one in asked if as_reader[one] != as_owner[one]]
    assert [(one, as_reader[one]) for one in others] == []


@pytest.mark.django_db(transaction=True, databases=["default", "public"])
def test_what_only_an_undecided_report_named_is_in_no_row_the_role_sees(register, public_reads):
    secret = Model.objects.get(name=SECRET)
    assert Snapshot.objects.filter(model=secret).exists()
    of_models = (Alias, Drift, Inspection, Openness, Snapshot, UseCount)
    assert all(kind.objects.filter(model=secret).exists() for kind in (Alias, Inspection, Openness, Snapshot, UseCount))
    with by_the_public():
        assert Model.objects.db == "public"
        assert set(Model.objects.values_list("name", flat=True)) == {"example-org/tiny-chat", "org/base"}
        for kind in of_models:
            assert kind.objects.exists()
            assert not kind.objects.filter(model=secret.pk).exists()
        assert Lineage.objects.count() == 1
        assert not Lookup.objects.exclude(alias__model__name__in=["example-org/tiny-chat", "org/base"]).exists()
        assert not WeightFile.objects.filter(snapshot__model=secret.pk).exists()


@pytest.mark.django_db(transaction=True, databases=["default", "public"])
def test_a_revision_that_only_a_report_named_is_no_row_the_role_sees(register, public_reads):
    model = Model.objects.get(name="example-org/tiny-chat")
    for revision in ("a" * 40, "b" * 40):
        asked = Snapshot.objects.create(
            model=model, revision_asked=revision, revision=revision, name=model.name, digest=revision
        )
        WeightFile.objects.create(snapshot=asked, path="w.bin", sha256=revision[:1] * 64)
    affected = register.affected.get()
    affected.stable_id, affected.revision = model.stable_id, "a" * 40
    affected.save()
    with by_the_public():
        assert set(Snapshot.objects.exclude(revision_asked="").values_list("revision", flat=True)) == {"a" * 40}
        assert set(WeightFile.objects.filter(path="w.bin").values_list("sha256", flat=True)) == {"a" * 64}


@pytest.mark.django_db(transaction=True, databases=["default", "public"])
def test_the_policies_leave_the_indexes_of_names_in_use(public_reads):
    """What compares by anything that could leak a row is looked for in every row; names must not be."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalogue_model (hub, name, first_named_at, shown, watched)"
            " SELECT 'huggingface', 'org/model-' || n, now(), n % 2 = 0, FALSE FROM generate_series(1, 5000) n"
        )
        cursor.execute(
            "INSERT INTO catalogue_alias (hub, name, skeleton, model_id, first_seen_at)"
            " SELECT hub, name, '', id, now() FROM catalogue_model"
        )
        cursor.execute("ANALYZE catalogue_model, catalogue_alias")
    with public_reads.cursor() as cursor:
        for table in ("model", "alias"):
            cursor.execute(
                f"EXPLAIN SELECT found.id FROM unnest('{{org/model-7,org/model-8}}'::text[]) AS asked(key)"
                f" JOIN catalogue_{table} found ON found.hub = 'huggingface' AND found.name_key = asked.key"
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert f"Index Scan using catalogue_{table}_name" in plan, plan
