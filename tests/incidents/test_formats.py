"""Every format, for any record: valid by the word of those who made it, and honest about what it cannot say."""

import csv
import io
import json

import pytest
import rispy
from hypothesis import HealthCheck, Phase, given, settings

from incidents.format import Published, formats
from incidents.formats import table
from incidents.formats.osv import in_ecosystem, osv
from incidents.record import Record
from incidents.taxonomy import taxonomies
from lib.canonical import canonical_bytes
from tests import factories
from tests.formats import SCHEMAS, VALIDATORS
from tests.records import NODE, published

# Shrinking a failure through validators as slow as these takes longer than reading it.
GENERATE = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)
COMMIT, OTHER = "a" * 40, "b" * 40


def as_published(**changes):
    return Published(canonical_bytes(factories.record(**changes).document()), NODE)


def model(**values):
    return {"hub": "huggingface", "name": "example-org/tiny-chat", "match": "repository", **values}


def test_every_format_has_an_official_validator_and_an_address_of_its_own():
    found = formats()
    assert set(found) == set(VALIDATORS)
    assert next(iter(found)) == "json"
    assert len({one.media_type.partition(";")[0] for one in found.values()}) == len(found)
    for one, other in ((one, other) for one in found for other in found if one != other):
        assert not one.endswith(f".{other}") or len(one) > len(other)


@pytest.mark.parametrize("suffix", formats())
@settings(max_examples=20, deadline=None, phases=GENERATE, suppress_health_check=SLOW)
@given(one=published())
def test_any_record_is_valid_in_every_format(suffix, one):
    written = formats()[suffix].one(one)
    VALIDATORS[suffix](written)
    assert formats()[suffix].one(Published(one.document, NODE)) == written


@settings(max_examples=100, deadline=None, phases=GENERATE, suppress_health_check=SLOW)
@given(one=published())
def test_csv_reads_back_exactly_and_no_cell_starts_a_formula(one):
    (row,) = csv.DictReader(io.StringIO(formats()["csv"].one(one).decode(), newline=""))
    assert canonical_bytes(Record.model_validate(table.document_of(row)).document()) == one.document
    for cell in row.values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))  # noqa: RUF001


@settings(max_examples=25, deadline=None, phases=GENERATE, suppress_health_check=SLOW)
@given(one=published())
def test_nothing_of_a_record_is_lost_where_a_format_allows_an_extension(one):
    document = json.loads(one.document)
    (report, *_) = json.loads(formats()["stix.json"].one(one))["objects"]
    (extension,) = report["extensions"].values()
    for kept in (
        json.loads(formats()["osv.json"].one(one))["database_specific"],
        json.loads(formats()["avid.json"].one(one))["faultline"],
        json.loads(formats()["jsonld"].one(one))["faultline:document"],
        extension["document"],
    ):
        assert kept["sha256"] == one.digest
        for member in ("affected", "severity", "evidence_grade", "confidence", "kind", "status", "notice"):
            assert kept[member] == document[member]


def test_several_records_make_one_document():
    both = [as_published(title="The first of two"), as_published(title="The second of two")]
    found = {suffix: b"".join(one.many(both)) for suffix, one in formats().items() if one.many}
    assert set(found) == {"jsonl", "csv", "bib", "ris", "csl.json", "apa.txt"}
    assert [json.loads(line)["id"] for line in found["jsonl"].splitlines()] == [one.record.id for one in both]
    rows = csv.DictReader(io.StringIO(found["csv"].decode(), newline=""))
    assert [row["title"] for row in rows] == ["The first of two", "The second of two"]
    assert [item["id"] for item in json.loads(found["csl.json"])] == [one.record.id for one in both]
    assert len(rispy.loads(found["ris"].decode())) == 2
    assert found["bib"].count(b"@misc{") == found["apa.txt"].count(b"\n") == 2
    nothing = b"".join(formats()["csl.json"].many([]))
    assert json.loads(nothing) == []


class TestOsv:
    """What OSV can say, and what it must not be made to say."""

    def events(self, **values):
        (entry,) = osv(as_published(affected=[model(**values)]))["affected"]
        assert entry["package"] == {"ecosystem": "GIT", "name": "https://huggingface.co/example-org/tiny-chat"} | (
            {"purl": "pkg:huggingface/example-org/tiny-chat"} if "purl" in values else {}
        )
        return entry["ranges"][0]["events"]

    def test_a_repository_as_a_whole_is_affected_from_its_beginning(self):
        assert self.events() == [{"introduced": "0"}]

    def test_a_revision_alone_is_affected_alone(self):
        purl = f"pkg:huggingface/example-org/tiny-chat@{COMMIT}"
        assert self.events(revision=COMMIT, match="revision", purl=purl) == [
            {"introduced": COMMIT},
            {"last_affected": COMMIT},
        ]

    def test_a_fix_ends_the_range(self):
        assert self.events(fixed_in=[OTHER, "v2"]) == [{"introduced": "0"}, {"fixed": OTHER}]
        assert self.events(revision=COMMIT, fixed_in=[OTHER]) == [{"introduced": COMMIT}, {"fixed": OTHER}]

    def test_a_fixed_revision_is_where_the_range_ends(self):
        assert self.events(revision=OTHER, status="fixed") == [{"introduced": "0"}, {"fixed": OTHER}]

    def test_a_model_that_is_fixed_nobody_knows_where_is_named_and_in_no_range(self):
        (entry,) = osv(as_published(affected=[model(status="fixed")]))["affected"]
        assert entry["package"]["name"] == "https://huggingface.co/example-org/tiny-chat"
        assert not {"ranges", "versions"} & set(entry)

    def test_a_branch_or_tag_is_a_version_and_no_commit_of_a_range(self):
        (entry,) = osv(as_published(affected=[model(revision="v1.0", match="revision")]))["affected"]
        assert entry["versions"] == ["v1.0"]
        assert "ranges" not in entry

    def test_what_is_said_of_one_model_in_several_places_is_one_entry(self):
        named = [model(), model(revision=OTHER, status="fixed"), model(name="Example-Org/Tiny-Chat", revision=COMMIT)]
        (entry,) = osv(as_published(affected=named))["affected"]
        assert entry["versions"] == [COMMIT]
        assert [one["events"] for one in entry["ranges"]] == [[{"introduced": "0"}, {"fixed": OTHER}]]

    @pytest.mark.parametrize("status", ["not_affected", "under_investigation"])
    def test_who_is_not_said_to_be_affected_is_in_no_range(self, status):
        document = osv(as_published(affected=[model(status=status)]))
        assert document["affected"] == []
        assert document["database_specific"]["affected"][0]["status"] == status

    def test_a_hub_that_speaks_no_git_has_no_package(self):
        record = as_published(affected=[model(hub="kaggle", revision="3", purl="pkg:generic/kaggle/o/m@3")])
        (entry,) = osv(record)["affected"]
        assert "package" not in entry
        assert entry["versions"] == ["3"]
        assert not in_ecosystem(record.record)

    def test_a_withdrawn_record_says_since_when_and_what_stands_in_its_place(self):
        document = osv(
            as_published(
                status="withdrawn",
                notice="Told twice.",
                superseded_by="FL-2026-ZZZZZZZZ",
                modified="2026-04-01T00:00:00Z",
            )
        )
        assert document["withdrawn"] == "2026-04-01T00:00:00Z"
        assert document["related"] == ["x_FL-2026-ZZZZZZZZ"]


def test_avid_names_its_own_effects_and_never_guesses_a_developer():
    effects = json.loads((SCHEMAS / "avid-report-0.3.2.json").read_text())["$defs"]["SepEnum"]["enum"]
    assert {f"{term.code}: {term.title}" for term in taxonomies()["avid-sep"].terms} == set(effects)
    named = as_published(
        affected=[model(), {"name": "GPT-X", "match": "name_only"}],
        classifications=[{"taxonomy": "avid-sep", "term": "E0100"}],
    )
    report = json.loads(formats()["avid.json"].one(named))
    assert report["affects"]["developer"] == ["example-org"]
    assert report["impact"]["avid"]["sep_view"] == ["E0100: Bias/ Discrimination"]
    assert report["impact"]["avid"]["risk_domain"] == ["Ethics"]


def test_stix_ids_are_of_the_record_and_not_of_the_moment_or_the_node():
    first = as_published(id="FL-2026-AAAAAAAA")
    later = as_published(id="FL-2026-AAAAAAAA", version=2, notice="Reworded.", title="Another title")
    elsewhere = Published(first.document, NODE.__class__("https://mirror.example", "A mirror"))
    ids = [
        {one["id"] for one in json.loads(formats()["stix.json"].one(record))["objects"]}
        for record in (first, later, elsewhere)
    ]
    assert ids[0] == ids[1] == ids[2]


def test_cyclonedx_says_a_status_of_the_versions_it_is_known_of():
    record = as_published(
        affected=[
            model(revision=COMMIT, fixed_in=[OTHER]),
            model(name="example-org/whole"),
            model(name="example-org/fine", status="not_affected"),
            model(name="example-org/mended", status="fixed"),
        ]
    )
    (vulnerability,) = json.loads(formats()["cdx.json"].one(record))["vulnerabilities"]
    assert [one["versions"] for one in vulnerability["affects"]] == [
        [{"version": COMMIT, "status": "affected"}, {"version": OTHER, "status": "unaffected"}],
        [{"range": "vers:generic/*", "status": "affected"}],
        [{"range": "vers:generic/*", "status": "unaffected"}],
        [{"range": "vers:generic/*", "status": "unknown"}],
    ]
    assert "analysis" not in vulnerability


def test_a_disputed_record_is_cited_as_disputed():
    cited = as_published(status="disputed", notice="The publisher objects.", version=3)
    assert b"disputed" in formats()["bib"].one(cited)
    assert b"[Disputed incident record]" in formats()["apa.txt"].one(cited)
    assert json.loads(formats()["csl.json"].one(cited))[0]["status"] == "disputed"
