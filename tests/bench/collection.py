"""Published incidents by the million: schema-valid documents of about 1.5 KB, with realistic skew, through COPY.

    python -m config.embedded .venv/bin/python -m tests.bench.collection 100000

fills a database of its own beside the node's, `bench_100000`, once: a later run finds it filled. Everything that search
needs is derived by the node's own code, as after an upgrade.
"""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from incidents.keys import Key, KeySet, Purpose
from incidents.leaves import KEYS, Leaf, LeafOp, salted
from lib import jws, merkle

ROOT = Path(__file__).parents[2]
CHUNK = 10_000
BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
YEARS = 4
NODE = "bench.faultline.example"
SECONDS = "%Y-%m-%dT%H:%M:%SZ"
# FAULTLINE_NODE_KEYS of a node that goes on with such a log.
SEEDS = ",".join(jws.encode(bytes([number]) * 32) for number in (1, 2, 3))
WORDS = 10_000
# As often as "model" is in such texts: nearly everywhere, often, and in a text of a hundred.
COMMON, MEDIUM, RARE = "model", "prompt", "exfiltration"


def weighted(values):
    """What `random.choices` takes, for values with whole-number weights."""
    return {"population": list(values), "cum_weights": list(accumulate(values.values()))}


def falling(values):
    """The same for values each of which is as frequent as its place allows (Zipf)."""
    return {"population": list(values), "cum_weights": list(accumulate(1 / (n + 1) for n in range(len(values))))}


KINDS = weighted({"incident": 70, "hazard": 14, "measurement": 11, "exercise": 5})
SEVERITIES = weighted({"unknown": 8, "negligible": 6, "low": 30, "moderate": 32, "high": 18, "critical": 6})
GRADES = weighted({"claim": 35, "documented": 40, "reproduced": 18, "confirmed": 7})
CONFIDENCES = weighted({"low": 25, "medium": 50, "high": 25})
STATUSES = weighted({"published": 96, "disputed": 3, "withdrawn": 1})
HUBS = weighted({"huggingface": 90, "github": 4, "modelscope": 3, "civitai": 2, "": 1})
LICENCES = weighted({"apache-2.0": 45, "mit": 20, "llama3.1": 15, "cc-by-nc-4.0": 12, "other": 8})
ATLAS = ["AML.T0051", "AML.T0054", "AML.T0018", "AML.T0020", "AML.T0043", "AML.T0048", "AML.T0024"]


def vocabulary(dice):
    """Words that read like words, the most frequent first."""
    parts = re.findall("..", "bacodeesfigrhoinjukelominorapaquerisutounvewaxiyoza")
    words = {"".join(dice.choices(parts, k=dice.randint(2, 3))) for _ in range(WORDS * 3)}
    rest = sorted(words)
    dice.shuffle(rest)
    return [COMMON, "output", "answer", MEDIUM, "user", *rest[:WORDS]]


class Collection:
    """The records of one size, the same each time, oldest first."""

    def __init__(self, size, categories):
        self.size, self.dice = size, random.Random(11)
        self.words = falling(vocabulary(self.dice))
        self.categories = falling(sorted(categories, key=lambda code: hashlib.sha256(code.encode()).digest()))
        organisations = [f"org-{n}" for n in range(max(20, size // 50))]
        owners = self.dice.choices(**falling(organisations), k=max(50, size // 5))
        self.models = falling([f"{owner}/model-{n}" for n, owner in enumerate(owners)])
        self.step = YEARS * 365 * 86_400 / size

    def text(self, length):
        """So many words as sentences of about twelve."""
        words = self.dice.choices(**self.words, k=length)
        if self.dice.random() < 0.01:
            words[length // 2] = RARE
        sentences = (" ".join(words[start : start + 12]).capitalize() for start in range(0, length, 12))
        return ". ".join(sentences) + "."

    def one(self, **kind):
        """One value of a weighted choice."""
        return self.dice.choices(**kind)[0]

    def affected(self, at):
        """A model as a record names it."""
        hub, name = self.one(**HUBS), self.one(**self.models)
        number = int(name.rpartition("-")[2])
        exact = bool(hub) and self.dice.random() < 0.6
        revision = f"{number:032x}{self.dice.randrange(4):08x}" if exact else None
        observed = {"at": at, "revision": revision or "", "licence": self.one(**LICENCES)} if hub else None
        return {
            "changes": [],
            "files": [{"path": "model.safetensors", "sha256": f"{number:064x}"}] if self.dice.random() < 0.2 else [],
            "hub": hub or None,
            "match": "revision" if exact else "repository" if hub else "name_only",
            "name": name,
            "note": "",
            "observed": observed and {**observed, "gated": False, "disabled": False},
            "purl": f"pkg:huggingface/{name}" + (f"@{revision}" if exact else "") if hub == "huggingface" else None,
            "revision": revision,
            "stable_id": f"{number:024x}" if hub else None,
            "status": self.one(**weighted({"affected": 90, "fixed": 4, "not_affected": 4, "under_investigation": 2})),
        }

    def record(self, number):
        """The JSON value of record `number`, counted from 0."""
        moment = BEGAN + timedelta(seconds=int(number * self.step))
        at, status = moment.strftime("%Y-%m-%dT%H:%M:%SZ"), self.one(**STATUSES)
        occurred = (moment - timedelta(days=self.dice.expovariate(1 / 60))).strftime("%Y-%m-%d")
        return {
            "schema": "faultline/incident/1",
            "id": public_id(number, moment.year),
            "origin": NODE,
            "version": 1 if status == "published" else 2,
            "status": status,
            "published": at,
            "modified": at,
            "title": self.text(7)[:200],
            "summary": self.text(26),
            "description": self.text(34),
            "kind": self.one(**KINDS),
            "category": self.one(**self.categories),
            "severity": self.one(**SEVERITIES),
            "evidence_grade": self.one(**GRADES),
            "confidence": self.one(**CONFIDENCES),
            "occurred": occurred[: self.dice.choice([4, 7, 10, 10, 10])],
            "affected": [self.affected(at) for _ in range(self.dice.choice([1, 1, 1, 1, 2, 3]))],
            "classifications": [{"taxonomy": "mitre-atlas", "term": self.dice.choice(ATLAS)}],
            "references": [
                {
                    "date": at[:10],
                    "publisher": "Bench",
                    "title": f"Reading {n}",
                    "url": f"https://example.org/{number}/{n}",
                }
                for n in range(self.dice.choice([1, 1, 1, 2]))
            ],
            "aliases": [f"AIID-{number}"] if self.dice.random() < 0.1 else [],
            "notice": "" if status == "published" else "The evidence did not hold.",
            "licence": "CC-BY-4.0",
        }


def public_id(number, year):
    """A public id that nobody else has."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    scattered = (number * 2_654_435_761) % 2**40
    return f"FL-{year}-" + "".join(letters[scattered >> 5 * place & 31] for place in range(8))


def canonical(value):
    """RFC 8785 bytes, quickly: records here hold ASCII, whole numbers and no escapes but the plain ones."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# --- Rows: what publishing writes for a record --------------------------------------------------------------
class Log:
    """The entries of the log and its tree, as `incidents.sequencing` writes them, signed by keys of no other use."""

    def __init__(self, origin):
        self._tree = merkle.GrowingTree()
        keys = [Ed25519PrivateKey.from_private_bytes(jws.decode(seed)) for seed in SEEDS.split(",")]
        stated = [Key(purpose, jws.public_bytes(key), 0) for purpose, key in zip(Purpose, keys, strict=True)]
        self._signer = keys[list(Purpose).index(Purpose.RECORD)]
        payload = salted("keys", KeySet(origin, tuple(stated)).document())
        self.beginning = self._rows(LeafOp.KEY, KEYS, 1, None, jws.sign(payload, *keys), BEGAN.strftime(SECONDS))

    def entry(self, public_id, at, document, *, op=LeafOp.PUBLISH, previous=None):
        """(number, object digest, rows by table) of a record's first version, or of its second."""
        revision = 2 if previous else 1
        signed = jws.sign(salted("record", document), self._signer)
        rows = self._rows(op, public_id, revision, previous, signed, at)
        return rows["logentry"][0]["index"], rows["logobject"][0]["digest"], rows

    def _rows(self, op, subject, revision, previous, signed, at):
        index, digest = self._tree.size, hashlib.sha256(signed).hexdigest()
        leaf = bytes(Leaf(op, subject, revision, digest, previous, at))
        completed = self._tree.add(merkle.leaf_hash(leaf))[:: merkle.TILE_HEIGHT]
        entry = {"index": index, "op": op.value, "subject": subject, "revision": revision, "object_id": digest}
        return {
            "logobject": [{"digest": digest, "body": signed}],
            "logentry": [{**entry, "leaf": leaf}],
            "treehash": [
                {"level": height // merkle.TILE_HEIGHT, "index": index >> height, "hash": found}
                for height, found in completed
            ],
        }


LEAVES = {"publish": LeafOp.PUBLISH, "dispute": LeafOp.REVISE, "withdraw": LeafOp.RETRACT}


def versions_of(record):
    """(operation, document) of each version: what is disputed or withdrawn was published before."""
    if record["version"] == 1:
        return [("publish", record)]
    operation = "dispute" if record["status"] == "disputed" else "withdraw"
    return [("publish", {**record, "version": 1, "status": "published", "notice": ""}), (operation, record)]


def incident_columns(record, document, digest):
    """The columns of `Incident` that follow from a record, by name; others keep their default."""
    plain = ("origin", "version", "status", "kind", "category", "severity", "evidence_grade", "confidence", "title")
    return {name: record[name] for name in plain} | {
        "public_id": record["id"],
        "occurred": record["occurred"],
        "published_at": record["published"],
        "modified_at": record["modified"],
        "document": document,
        "digest": digest,
        "superseded_by": "",
    }


def affected_columns(model):
    """The columns of `Affected`, by name."""
    return {
        "hub": model["hub"] or "",
        "name": model["name"],
        "name_key": model["name"].lower(),
        "stable_id": model["stable_id"] or "",
        "revision": model["revision"] or "",
        "status": model["status"],
        "match": model["match"],
        "file_paths": [file["path"] for file in model["files"]],
        "file_digests": [file["sha256"] for file in model["files"]],
    }


def copy_rows(cursor, table, rows):
    """Appends rows, each a dict with the same keys, through COPY."""
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


def fill_rows(database, collection, say=lambda _text: None):
    """Every row of a collection, in chunks; secondary indexes are made at the end."""
    log, started = Log(f"{NODE}/log"), time.monotonic()
    definitions = without_indexes(database)
    for first in range(0, collection.size, CHUNK):
        names = ("incident", "logobject", "logentry", "treehash", "publication", "affected", "otherid")
        tables = {name: [] if first else list(log.beginning.get(name, ())) for name in names}
        for number in range(first, min(first + CHUNK, collection.size)):
            record, pk = collection.record(number), number + 1
            document = canonical(record)
            digest, previous = hashlib.sha256(document).hexdigest(), None
            tables["incident"].append({"id": pk, **incident_columns(record, document, digest)})
            for operation, version in versions_of(record):
                made = canonical(version)
                place, previous, entry = log.entry(
                    record["id"], record["modified"], made, op=LEAVES[operation], previous=previous
                )
                for name, rows in entry.items():
                    tables[name] += rows
                tables["publication"].append(
                    {
                        "number": place,
                        "entry_id": place,
                        "incident_id": pk,
                        "operation": operation,
                        "version": version["version"],
                        "at": record["modified"],
                        "document": made,
                        "digest": hashlib.sha256(made).hexdigest(),
                        "object_digest": previous,
                    }
                )
            tables["affected"] += [{"incident_id": pk, **affected_columns(model)} for model in record["affected"]]
            tables["otherid"] += [{"incident_id": pk, "key": alias.lower()} for alias in record["aliases"]]
        with database.transaction(), database.cursor() as cursor:
            for name, rows in tables.items():
                if rows:
                    copy_rows(cursor, f"incidents_{name}", rows)
        if first % 100_000 == 0:
            say(f"{first:9,} of {collection.size:,} after {time.monotonic() - started:.0f} s")
    database.execute("SELECT setval('incidents_incident_id_seq', %s)", [collection.size])
    for definition in definitions:
        database.execute(definition)


def without_indexes(database, tables="incidents\\_%"):
    """Drops the secondary indexes of the tables, all public ones without a pattern; returns what makes them again."""
    rows = database.execute(
        """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid::regclass::text LIKE %s AND NOT indisunique
        """,
        [tables],
    ).fetchall()
    for name, _ in rows:
        database.execute(f"DROP INDEX {name}")
    return [definition for _, definition in rows]


# --- Databases ------------------------------------------------------------------------------------------------
def beside(address, name):
    """The address of another database on the same server; where it is a folder, escaped once more."""
    parts = urlsplit(address)
    host = parts.path.rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{host}/{name}"))


def connect(address):
    """A psycopg connection that commits each statement, from an address as the settings read it."""
    parts = urlsplit(address)
    folder, _, name = parts.path.rpartition("/")
    host = unquote(parts.hostname or "") or unquote(folder.lstrip("/"))
    if "%2f" in (parts.netloc + folder).lower() and not host.startswith("/"):
        host = "/" + host
    return psycopg.connect(
        host=host, port=parts.port or 5432, user=parts.username, password=parts.password, dbname=name, autocommit=True
    )


def manage(address, *command):
    """A management command in a process of its own, on that database."""
    environment = {**os.environ, **addresses(address)}
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)


def addresses(address):
    """The environment of a process on that database: for its owner, and for the role of public reads."""
    from django.conf import settings

    parts, role = urlsplit(address), urlsplit(settings.DATABASE_READER_URL).username
    reader = parts._replace(netloc=parts.netloc.replace(parts.username, role, 1))
    return {
        "DATABASE_URL": address,
        "DATABASE_READER_URL": urlunsplit(reader),
        "FAULTLINE_NODE_NAME": NODE,
        "FAULTLINE_NODE_KEYS": SEEDS,
    }


def fingerprint(categories):
    """What a filled database depends on: the records and the migrations."""
    sample = Collection(100, categories)
    parts = [canonical(sample.record(number)) for number in range(100)]
    parts += [file.read_bytes() for file in sorted(ROOT.glob("incidents/migrations/0*.py"))]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def filled(size, say=print):
    """The address of the database with `size` published incidents; made and filled where it is not there yet."""
    import django
    from django.conf import settings

    django.setup()
    from incidents.taxonomy import category_codes

    name = f"bench_{size}"
    address = beside(settings.DATABASE_URL, name)
    mark = f"filled {fingerprint(category_codes())}"
    with connect(settings.DATABASE_URL) as server:
        found = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if found and found[0] == mark:
            return address
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    say(f"filling {name}; this happens once")
    manage(address, "migrate", "--verbosity", "0")
    with connect(address) as database:
        fill_rows(database, Collection(size, category_codes()), say)
        definitions = without_indexes(database, "incidents\\_searchrow")
        manage(address, "rebuild_search")
        for definition in definitions:
            database.execute(definition)
        database.execute("VACUUM ANALYZE")
        database.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(mark)))
    return address


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    started = time.monotonic()
    for size in map(int, sys.argv[1:]):
        print(filled(size), f"{time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
