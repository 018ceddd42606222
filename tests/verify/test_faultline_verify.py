"""The stand-alone verifier, as outsiders run it: on one file, and against a node over HTTP."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from incidents import checkpoints, guard, key_events, log, sequencing
from incidents.keys import Purpose
from incidents.models import LogEntry, LogObject, Operation, TreeHash
from incidents.publishing import ErasureReason, erase, publish, revise
from incidents.record import Record
from lib import jws, merkle
from lib.canonical import canonical_bytes, digest
from lib.notes import NoteKey, TreeHead, parse_tree_head, sign_note
from tests import factories
from tests.incidents.test_log import rewind
from tests.waiting import PATIENCE

SCRIPT = Path(__file__).parent.parent.parent / "verify" / "faultline_verify.py"
ORIGIN = "test.faultline.example/log"
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes([99]) * 32)


def verify(*arguments):
    """Exit code and everything that was said."""
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def vkey():
    return str(NoteKey(ORIGIN, sequencing.current_keys().in_force(Purpose.LOG).public))


def proof_of(record):
    return Client().get(f"/api/v1/incidents/{record.id}/proof").json()


def written(folder, proof):
    path = folder / "proof.json"
    path.write_text(json.dumps(proof))
    return path


def private(number):
    """The node's own keys in tests: the log's, the records', and the one for requests."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


@pytest.mark.django_db
class TestOneRecord:
    @pytest.fixture
    def proof(self):
        record = factories.record(description='Übergröße \U0001f600 \u2028 \\ " \x7f € \ud7ff')
        for one in (factories.record(), record, factories.record()):
            publish(one)
        checkpoints.sign_due()
        return proof_of(record)

    def test_holds_with_the_pinned_key_and_with_the_one_it_states(self, proof, tmp_path):
        path = written(tmp_path, proof)
        code, said = verify("record", str(path), "--vkey", vkey())
        assert (code, said) == (0, f"{proof['id']}: version 1, published, entry 2 of 4 in {ORIGIN}\n")
        code, said = verify("record", str(path))
        assert code == 0
        assert vkey() in said

    @pytest.mark.parametrize(
        "change",
        [
            lambda proof: proof.update(id="FL-2026-ZZZZZZZZ"),
            lambda proof: proof.update(index=1),
            lambda proof: proof.update(index=-1),
            lambda proof: proof["inclusion"].pop(),
            lambda proof: proof["inclusion"].append(proof["inclusion"][0]),
            lambda proof: proof.update(leaf=proof["leaf"].replace('"rev":1', '"rev":2')),
            lambda proof: proof["object"].update(payload=proof["object"]["payload"][:-4] + "fX0K"),
            lambda proof: proof["object"].update(signature="A" * 86),
            lambda proof: proof["object"].update(x=1),
            lambda proof: proof.update(keys={**proof["keys"], "index": 1}),
            lambda proof: proof.update(checkpoint=proof["checkpoint"].replace("\n4\n", "\n5\n")),
            lambda proof: proof.update(checkpoint=proof["checkpoint"].replace("test.", "best.")),
            lambda proof: proof.update(checkpoint="no note"),
        ],
    )
    def test_no_part_of_it_can_change(self, proof, tmp_path, change):
        change(proof)
        code, said = verify("record", str(written(tmp_path, proof)), "--vkey", vkey())
        assert code == 1
        assert said.startswith("does not hold: ")

    def test_a_record_signed_by_a_stranger_does_not_hold(self, proof, tmp_path):
        """The object, its leaf, a tree of one and its checkpoint, all made anew by somebody without the keys."""
        document = json.loads(jws.decode(proof["object"]["payload"]))
        document["record"]["title"] = "Forged"
        forged = jws.sign(canonical_bytes(document), STRANGER)
        leaf = canonical_bytes(json.loads(proof["leaf"]) | {"obj": digest(forged)})
        keys = merkle.leaf_hash(proof["keys"]["leaf"].encode())
        root = merkle.node_hash(keys, merkle.leaf_hash(leaf))
        for signer in (STRANGER, private(1)):  # even with the log's key the record's is missing
            note = sign_note(str(TreeHead(ORIGIN, 2, root)), [(ORIGIN, signer)])
            made = {**proof, "object": json.loads(forged), "leaf": leaf.decode(), "index": 1, "checkpoint": note}
            made["inclusion"] = [base64.b64encode(keys).decode()]
            made["keys"] = {**proof["keys"], "inclusion": [base64.b64encode(merkle.leaf_hash(leaf)).decode()]}
            code, said = verify("record", str(written(tmp_path, made)), "--vkey", vkey())
            assert code == 1
            assert "signed by" in said

    def test_a_wrong_pin_is_refused(self, proof, tmp_path):
        path = str(written(tmp_path, proof))
        stranger = str(NoteKey(ORIGIN, jws.public_bytes(STRANGER)))
        code, said = verify("record", path, "--vkey", stranger)
        assert code == 1
        assert "does not know the pinned key" in said
        assert verify("record", path, "--vkey", str(NoteKey("other/log", jws.public_bytes(private(1)))))[0] == 1
        assert verify("record", path, "--vkey", vkey()[:-1])[0] == 2

    @pytest.mark.parametrize("content", ["", "[]", "{}", "\x00", '{"schema": "faultline/proof/1"}', "[" * 100_000])
    def test_what_is_no_proof_cannot_be_read(self, tmp_path, content):
        path = tmp_path / "file"
        path.write_text(content)
        assert verify("record", str(path))[0] == 2
        assert verify("record", str(tmp_path / "missing"))[0] == 2

    def test_an_erasure_holds_as_one(self, tmp_path):
        record = factories.record()
        publish(record)
        erase(record.id, reason=ErasureReason.PERSON)
        checkpoints.sign_due()
        code, said = verify("record", str(written(tmp_path, proof_of(record))), "--vkey", vkey())
        assert (code, said) == (0, f"{record.id}: erasure, entry 2 of 3 in {ORIGIN}\n")

    def test_openssl_verifies_the_record(self, proof, tmp_path):
        key = sequencing.current_keys().in_force(Purpose.RECORD)
        public = Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32).public_key()
        assert public.public_bytes_raw() == key.public
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / "key.pem").write_bytes(pem)
        signed = f"{proof['object']['protected']}.{proof['object']['payload']}".encode()
        (tmp_path / "signature").write_bytes(jws.decode(proof["object"]["signature"]))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed"]
        for content, code in ((signed, 0), (signed + b" ", 1)):
            (tmp_path / "signed").write_bytes(content)
            done = subprocess.run([*command, "-sigfile", "signature"], cwd=tmp_path, check=False, capture_output=True)
            assert done.returncode == code


@pytest.mark.django_db(transaction=True)
class TestAWholeNode:
    def test_holds_with_revisions_erasures_and_every_kind_of_key_change(self, live_server, settings, tmp_path):
        settings.LOG_ROOT, settings.NODE_KEYS = tmp_path / "log", []
        records = [factories.record() for _ in range(4)]
        for record in records:
            publish(record)
        checkpoints.sign_due()
        pinned = vkey()
        state = str(tmp_path / "seen.json")
        assert verify("node", live_server.url, "--vkey", pinned, "--state", state)[0] == 0
        key_events.rotate(Purpose.LOG)
        better = Record.model_validate({**records[0].document(), "version": 2, "title": "Better", "notice": "Wrong."})
        revise(Operation.CORRECT, better)
        erase(records[1].id, reason=ErasureReason.UNLAWFUL)
        key_events.revoke(Purpose.RECORD, 4)
        checkpoints.sign_due()
        code, said = verify("node", live_server.url, "--vkey", pinned, "--state", state)
        assert code == 1
        # Both records; the erasure was signed again at once.
        assert said.count("the key that signed it was revoked") == 2
        for record in (better, records[3]):
            again = {**record.document(), "version": record.version + 1, "notice": "Signed again."}
            revise(Operation.CORRECT, Record.model_validate(again))
        checkpoints.sign_due()
        code, said = verify("node", live_server.url, "--vkey", pinned, "--state", state)
        assert code == 0
        assert "2 of their objects erased" in said
        assert list(log.problems()) == []

    def test_a_served_lie_is_found(self, live_server):
        record = factories.record()
        for one in (record, factories.record()):
            publish(one)
        checkpoints.sign_due()
        assert verify("node", live_server.url, "--vkey", vkey())[0] == 0
        entry = LogEntry.objects.get(pk=1)
        hidden = LogObject.objects.filter(pk=entry.object_id)
        cases = [
            (TreeHash.objects.filter(level=0, index=1), {"hash": bytes(32)}, "tile 0/000.p/3"),
            (hidden, {"body": None}, "nothing says that it was erased"),
            (LogEntry.objects.filter(pk=1), {"leaf": bytes(entry.leaf).replace(b"publish", b"retract")}, "root"),
        ]
        for rows, columns, said in cases:
            before = rows.values().get()
            factories.rewrite(rows, **columns)
            code, found = verify("node", live_server.url, "--vkey", vkey())
            assert (code, said in found) == (1, True), found
            factories.rewrite(rows, **{name: before[name] for name in columns})
        assert verify("node", live_server.url, "--vkey", vkey())[0] == 0

    def test_a_history_rewritten_and_signed_again_is_found_by_who_saw_the_first(self, live_server, tmp_path):
        state = str(tmp_path / "seen.json")
        for _ in range(3):
            publish(factories.record())
        checkpoints.sign_due()
        assert verify("node", live_server.url, "--vkey", vkey(), "--state", state)[0] == 0
        before = Path(state).read_text()
        rewind(2)
        (guard.folder() / guard.NAME).unlink()
        for _ in range(4):
            publish(factories.record())
        checkpoints.sign_due()
        assert verify("node", live_server.url, "--vkey", vkey())[0] == 0
        code, said = verify("node", live_server.url, "--vkey", vkey(), "--state", state)
        assert (code, "are not those you saw before" in said) == (1, True)
        assert Path(state).read_text() == before

    def test_a_log_that_became_shorter_is_found(self, live_server, tmp_path):
        state = str(tmp_path / "seen.json")
        for _ in range(3):
            publish(factories.record())
        checkpoints.sign_due()
        assert verify("node", live_server.url, "--state", state)[0] == 0
        rewind(2)
        (guard.folder() / guard.NAME).unlink()
        checkpoints.sign_due()
        code, said = verify("node", live_server.url, "--state", state)
        assert (code, "the log had 4 entries before, now it has 2" in said) == (1, True)

    def test_no_node_is_no_lie(self, live_server, free_port):
        assert verify("node", f"http://127.0.0.1:{free_port()}")[0] == 3
        assert verify("node", live_server.url)[0] == 3
        assert verify("node", "ftp://example.org")[0] == 2
        assert verify("node")[0] == 2


def test_the_signed_size_is_read_as_it_is_written():
    assert parse_tree_head(str(TreeHead(ORIGIN, 0, bytes(32)))).size == 0
