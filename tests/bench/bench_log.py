"""The log at 1,000, 10,000 and 100,000 entries: appending, signing, serving, proving, verifying, and its size on disk.

Run by hand: `make bench ARGS="-k log"`. FAULTLINE_BENCH_ENTRIES sets other sizes, comma-separated.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from incidents import checkpoints, keyring, log, proofs, sequencing, tree
from incidents.keys import Purpose
from incidents.leaves import Leaf, LeafOp, salted
from incidents.models import Incident, LogEntry, LogObject, Publication, TreeHash
from incidents.publishing import publish
from lib import jws, merkle
from lib.canonical import canonical_bytes, digest
from tests import factories

SIZES = [int(size) for size in os.environ.get("FAULTLINE_BENCH_ENTRIES", "1000,10000,100000").split(",")]
SCRIPT = Path(__file__).parent.parent.parent / "verify" / "faultline_verify.py"
TEXT = "The model names the same shop in most of its answers about cooking, also where nobody asked for one. "
CHUNK = 5000


def grow(size):
    """Adds entries as publishing would have, in bulk, until there are so many."""
    signer = keyring.require(sequencing.current_keys().in_force(Purpose.RECORD))
    grown = merkle.GrowingTree()
    for leaf in LogEntry.objects.order_by("index").values_list("leaf", flat=True):
        grown.add(merkle.leaf_hash(bytes(leaf)))
    while grown.size < size:
        _grow_by(grown, min(CHUNK, size - grown.size), signer)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _grow_by(grown, count, signer):
    record, at = factories.record(description=TEXT * 20).document(), datetime(2026, 3, 1, 10, tzinfo=UTC)
    rows = {model: [] for model in (LogObject, LogEntry, TreeHash, Incident, Publication)}
    for index in range(grown.size, grown.size + count):
        public_id = f"FL-2025-{index:08d}"
        document = canonical_bytes({**record, "id": public_id})
        text = jws.sign(salted("record", document), signer)
        leaf = bytes(Leaf(LeafOp.PUBLISH, public_id, 1, digest(text), None, "2026-03-01T10:00:00Z"))
        rows[LogObject].append(LogObject(digest=digest(text), body=text))
        entry = {"op": "publish", "subject": public_id, "revision": 1, "object_id": digest(text), "leaf": leaf}
        rows[LogEntry].append(LogEntry(index=index, **entry))
        for height, found in grown.add(merkle.leaf_hash(leaf))[:: merkle.TILE_HEIGHT]:
            rows[TreeHash].append(TreeHash(level=height // 8, index=index >> height, hash=found))
        facts = {name: record[name] for name in ("kind", "category", "severity", "evidence_grade", "confidence")}
        facts |= {"origin": record["origin"], "version": 1, "status": "published", "title": record["title"]}
        facts |= {"published_at": at, "modified_at": at, "document": document, "digest": digest(document)}
        incident = Incident(pk=1_000_000 + index, public_id=public_id, **facts)
        rows[Incident].append(incident)
        kept = {"document": document, "digest": digest(document), "object_digest": digest(text)}
        rows[Publication].append(
            Publication(number=index, entry_id=index, incident=incident, operation="publish", version=1, at=at, **kept)
        )
    for model, made in rows.items():
        (model.everything if model is Incident else model.objects).bulk_create(made, batch_size=1000)


def took_ms(work, rounds=30):
    """Median and best: on a machine that others use, the best is nearest to what it takes."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return f"{statistics.median(times):8.2f} ms, best {min(times):.2f}"


def publishing(monkeypatch):
    """How long a publication takes, and which share of it the log has: what else the machine does weighs on both."""
    real, in_log = sequencing.append, []

    def timed(*args, **kwargs):
        start = time.perf_counter()
        entry = real(*args, **kwargs)
        in_log.append((time.perf_counter() - start) * 1000)
        return entry

    def publish_one():
        start = time.perf_counter()
        publish(factories.record(description=TEXT * 20))
        whole.append((time.perf_counter() - start) * 1000)

    whole = []
    with monkeypatch.context() as patched:
        patched.setattr(sequencing, "append", timed)
        took = took_ms(publish_one, 40)
    return took, statistics.median(in_log) / statistics.median(whole)


def bytes_of(*tables):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) name", [list(tables)]
        )
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_log_as_it_grows(live_server, monkeypatch):
    publish(factories.record())
    web = Client()
    for size in SIZES:
        start = time.perf_counter()
        grow(size)
        print(f"\n{size:,} entries, made in {time.perf_counter() - start:.0f} s")
        appended, share = publishing(monkeypatch)
        print(f"  publish            {appended}; {share:.0%} of it to sign the object and add its leaf")

        def publish_and_sign():
            publish(factories.record())
            checkpoints.sign_due()

        print(f"  publish and sign   {took_ms(publish_and_sign)}")
        signed = checkpoints.latest().size
        last = (signed - 1) // 256 - 1
        addresses = {
            "full tile": f"/log/tile/0/{merkle.tile_path(last)}",
            "entry bundle": f"/log/tile/entries/{merkle.tile_path(last)}",
            "page of objects": f"/log/objects/{merkle.tile_path(last)}",
            "checkpoint": "/log/checkpoint",
        }
        for name, address in addresses.items():
            length = len(web.get(address).content)
            print(f"  {name:<18} {took_ms(partial(web.get, address))}, {length:,} bytes")
        public_id = Incident.objects.order_by("?").first().public_id
        print(f"  inclusion proof    {took_ms(partial(proofs.bundle, public_id))}")
        print(f"  consistency proof  {took_ms(partial(proofs.consistency, signed // 3, signed))}")
        print(f"  root               {took_ms(partial(tree.root, signed))}")
        leaves = bytes_of("incidents_logentry", "incidents_treehash")
        objects = bytes_of("incidents_logobject")
        body = len(json.dumps(web.get(f"/api/v1/incidents/{public_id}").json()))
        print(f"  leaf and tree      {leaves / signed:8,.0f} bytes an entry on disk")
        print(f"  signed object      {objects / signed:8,.0f} bytes an entry on disk, of records of {body:,} bytes")
        start, busy = time.perf_counter(), time.process_time()
        assert list(log.problems()) == []
        took, busy = time.perf_counter() - start, time.process_time() - busy
        print(f"  verify_log         {took:8.1f} s, {signed / took:,.0f} entries a second,")
        print(f"                     {signed / busy:,.0f} a second of its own processor time")
        start = time.perf_counter()
        command = [sys.executable, SCRIPT, "node", live_server.url, "--threads", "2"]
        done = subprocess.run(
            ["/usr/bin/env", "time", "-f", "%M", *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        took, peak = time.perf_counter() - start, int(done.stderr.split()[-1]) // 1024
        print(f"  faultline-verify   {took:8.1f} s, {signed / took:,.0f} entries a second, at most {peak} MB")
