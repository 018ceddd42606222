"""The log as static files, as a reader of c2sp.org/tlog-tiles fetches them."""

import gzip
import hashlib
import struct

import pytest
from django.test import Client

from incidents import checkpoints, key_events, tree
from incidents.keys import Purpose
from incidents.log_models import LogEntry, LogObject
from incidents.publishing import ErasureReason, erase, publish
from lib import merkle
from lib.canonical import digest
from lib.notes import open_note, parse_key, parse_tree_head
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return Client()


def add_many(upto):
    """Entries that say nothing, to fill tiles."""
    for number in range(tree.size(), upto):
        leaf = b"%d" % number
        LogObject.objects.create(digest=digest(leaf), body=leaf)
        LogEntry.objects.create(
            index=number, op="publish", subject=f"x{number}", revision=1, object_id=digest(leaf), leaf=leaf
        )
        tree.add(number, leaf)


def test_a_checkpoint_opens_with_the_key_of_the_node_document(reader):
    assert reader.get("/log/checkpoint").status_code == 404
    publish(factories.record())
    checkpoints.sign_due()
    answer = reader.get("/log/checkpoint")
    stated = reader.get("/.well-known/faultline.json").json()
    head = parse_tree_head(open_note(answer.content.decode(), [parse_key(stated["log"]["vkey"])]))
    assert (
        (head.origin, head.size)
        == (stated["log"]["origin"], stated["log"]["signed"])
        == ("test.faultline.example/log", 2)
    )
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "max-age=5" in answer["Cache-Control"]


def test_the_node_document_states_every_key_and_when_it_counts(reader, settings, tmp_path):
    settings.LOG_ROOT, settings.NODE_KEYS = tmp_path, []
    publish(factories.record())
    key_events.rotate(Purpose.RECORD)
    keys = reader.get("/.well-known/faultline.json").json()["keys"]
    assert [(key["purpose"], key["start"], key["end"]) for key in keys] == [
        ("log", 0, None),
        ("record", 0, 2),
        ("http", 0, None),
        ("record", 2, None),
    ]


def test_tiles_and_bundles_lead_to_the_signed_root(reader):
    publish(factories.record())
    add_many(600)
    # Signed past the rules for leaves, which these do not follow: what is served is what is in the tree.
    checkpoints.sign_due()
    leaves = []
    for place, width in (("000", 256), ("001", 256), ("002.p/88", 88)):
        bundle = reader.get(f"/log/tile/entries/{place}")
        found = unpacked(bundle.content)
        assert len(found) == width
        assert reader.get(f"/log/tile/0/{place}").content == b"".join(map(merkle.leaf_hash, found))
        leaves += found
    grown = merkle.GrowingTree()
    for leaf in leaves:
        grown.add(merkle.leaf_hash(leaf))
    text = reader.get("/log/checkpoint").content.decode().partition("\n\n")[0] + "\n"
    assert parse_tree_head(text).root == grown.root()
    level_one = reader.get("/log/tile/1/000.p/2").content
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    assert level_one == merkle.perfect_root(hashes[:256]) + merkle.perfect_root(hashes[256:512])


def unpacked(content):
    found, at = [], 0
    while at < len(content):
        (length,) = struct.unpack(">H", content[at : at + 2])
        found.append(content[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def test_a_partial_tile_of_an_earlier_checkpoint_stays(reader):
    publish(factories.record())
    add_many(10)
    checkpoints.sign_due()
    before = reader.get("/log/tile/0/000.p/10").content
    add_many(300)
    checkpoints.sign_due()
    assert reader.get("/log/tile/0/000.p/10").content == before == reader.get("/log/tile/0/000").content[:320]


def test_nothing_is_served_that_no_checkpoint_covers(reader):
    publish(factories.record())
    checkpoints.sign_due()
    entry = publish(factories.record())
    addresses = ("tile/0/000.p/3", "tile/entries/000.p/3", "objects/000.p/3", f"object/{entry.object_digest}")
    assert {reader.get(f"/log/{address}").status_code for address in addresses} == {404}
    checkpoints.sign_due()
    assert {reader.get(f"/log/{address}").status_code for address in addresses} == {200}


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0/000.p/0",
            "0/000.p/02",
            "0/000.p/256",
            "0/00",
            "0/0000",
            "0/x000/000",
            "0/000/",
            "00/000.p/2",
            "64/000.p/1",
        ),
        *(
            "0/-01",
            "-1/000",
            "0/000.p/",
            "0/001.p/1",
            "1/000.p/1",
            "entries/000.p/9",
            "entries/x999/x999/x999/999",
            "0/\u0660\u0660\u0660",
        ),
        *("7/x999/x999/x999/x999/x999/999", "0/x999/x999/x999/x999/x999/x999/999", "0/000.p/\u0662", "0/000.p/2%0a"),
    ],
)
def test_a_tile_has_one_address_and_no_other(reader, address):
    publish(factories.record())
    checkpoints.sign_due()
    assert reader.get("/log/tile/0/000.p/2").status_code == 200
    assert reader.get(f"/log/tile/{address}").status_code == 404


def test_tiles_are_kept_for_ever_and_objects_are_not(reader):
    entry = publish(factories.record())
    checkpoints.sign_due()
    for address in ("tile/0/000.p/2", "tile/entries/000.p/2"):
        answer = reader.get(f"/log/{address}")
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert reader.get(f"/log/{address}", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    for address in (f"object/{entry.object_digest}", "objects/000.p/2"):
        assert reader.get(f"/log/{address}")["Cache-Control"] == "public, max-age=3600"


def test_an_object_is_what_its_address_says(reader):
    entry = publish(factories.record())
    checkpoints.sign_due()
    answer = reader.get(f"/log/object/{entry.object_digest}")
    assert hashlib.sha256(answer.content).hexdigest() == entry.object_digest
    assert answer["Content-Type"] == "application/jose+json"
    assert reader.get(f"/log/object/{'0' * 64}").status_code == 404


def test_an_erased_object_is_gone_and_its_leaf_is_not(reader):
    record = factories.record()
    entry = publish(record)
    checkpoints.sign_due()
    leaves = reader.get("/log/tile/entries/000.p/2").content
    erase(record.id, reason=ErasureReason.PERSON)
    checkpoints.sign_due()
    gone = reader.get(f"/log/object/{entry.object_digest}")
    assert gone.status_code == 410
    assert b"payload" not in gone.content
    assert reader.get("/log/tile/entries/000.p/2").content == leaves
    lines = reader.get("/log/objects/000.p/3").content.split(b"\n")
    assert [bool(line) for line in lines] == [True, False, True, False]


@pytest.mark.parametrize(
    ("accepts", "compressed"), [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("", False)]
)
def test_bundles_are_compressed_for_who_takes_that(reader, accepts, compressed):
    publish(factories.record())
    checkpoints.sign_due()
    plain = reader.get("/log/tile/entries/000.p/2").content
    answer = reader.get("/log/tile/entries/000.p/2", headers={"Accept-Encoding": accepts})
    assert answer["Vary"] == "Accept-Encoding"
    assert (gzip.decompress(answer.content) if compressed else answer.content) == plain


def test_a_tile_costs_two_queries_and_a_proof_few(reader, django_assert_num_queries):
    publish(factories.record())
    add_many(300)
    checkpoints.sign_due()
    with django_assert_num_queries(2):
        reader.get("/log/tile/0/000")
    with django_assert_num_queries(2):
        reader.get("/log/tile/entries/001.p/44")
    with django_assert_num_queries(4):
        reader.get("/api/v1/log/proof/consistency?from=17&to=299")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_log_is_only_read(reader, method):
    assert getattr(reader, method)("/log/checkpoint").status_code == 405
