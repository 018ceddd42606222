"""OAI-PMH, as harvesters use it: everything arrives, once and for ever, whatever happens on the way."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from lxml import etree
from oaipmh_scythe import Scythe
from oaipmh_scythe.exceptions import NoRecordsMatch as ScytheNoRecordsMatch
from sickle import Sickle
from sickle.oaiexceptions import BadResumptionToken, NoRecordsMatch

from federation.oai import answers
from federation.oai.metadata import datacite_resource
from federation.oai.xml import as_bytes
from incidents import harvest
from incidents.format import Node, Published
from incidents.models import HarvestRow, Incident, Operation
from incidents.publishing import publish, revise
from lib.canonical import canonical_bytes
from tests import factories
from tests.conftest import ROOT, environment

pytestmark = pytest.mark.django_db
SCHEMAS = Path(__file__).parent.parent / "schemas" / "oai"
KERNEL = ROOT.parent / "shared" / "data" / "schemas" / "oai" / "dc" / "4.6" / "metadata.xsd"
NAMES = {"o": answers.OAI, "dc": "http://purl.org/dc/elements/1.1/", "d": "http://datacite.org/schema/kernel-4"}


class _Local(etree.Resolver):
    """Schemas import each other by web address; the few that they import are beside them."""

    def resolve(self, url, _public_id, context):
        return self.resolve_filename(str(SCHEMAS / Path(url).name), context)


@pytest.fixture(scope="module")
def schema():
    parser = etree.XMLParser()
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(SCHEMAS / "all.xsd", parser))


def ask(client=None, **arguments):
    answer = (client or Client()).get("/oai", {name.rstrip("_"): value for name, value in arguments.items()})
    assert answer.status_code == 200
    assert answer["Content-Length"] == str(len(answer.content))
    return etree.fromstring(answer.content)


def error_of(document):
    (error,) = document.findall("o:error", NAMES)
    return error.get("code")


def identifiers(document):
    return [one.text.rpartition(":")[2] for one in document.iterfind(".//o:header/o:identifier", NAMES)]


def token_of(document):
    return document.find(".//o:resumptionToken", NAMES)


def published(**changes):
    return publish(factories.record(**changes)).incident


def withdrawn(incident):
    return changed(incident, Operation.WITHDRAW, status="withdrawn", notice="It was not true.")


def changed(incident, operation=Operation.CORRECT, **changes):
    incident.refresh_from_db()
    document = json.loads(bytes(incident.document))
    new = {**document, "version": incident.version + 1, "notice": "Better.", **changes}
    revise(operation, factories.record(**new))
    return incident


def many(count, *, datestamp="2026-03-01T10:00:00+00:00"):
    """Records as publishing leaves them, without the time that it takes; all of one second."""
    before = HarvestRow.objects.count()
    records = [factories.record() for _ in range(count)]
    incidents = Incident.objects.bulk_create(
        Incident(
            public_id=record.id,
            document=canonical_bytes(record.document()),
            published_at=record.published,
            modified_at=record.modified,
            **{
                name: getattr(record, name)
                for name in ("origin", "version", "status", "kind", "category", "severity", "evidence_grade")
            },
            confidence=record.confidence,
            title=record.title,
            digest="0" * 64,
        )
        for record in records
    )
    HarvestRow.objects.bulk_create(
        HarvestRow(
            incident=incident,
            number=before + place - 100_000,
            datestamp=datestamp,
            origin=incident.origin,
            category=incident.category,
            deleted=False,
        )
        for place, incident in enumerate(incidents, start=1)
    )
    return {record.id for record in records}


def walk(**arguments):
    """Every page of a list, as a harvester goes through them."""
    page = ask(**arguments)
    yield page
    while (token := token_of(page)).text:
        page = ask(verb=arguments["verb"], resumptionToken=token.text)
        yield page


@pytest.mark.parametrize("prefix", ["oai_dc", "oai_datacite"])
def test_sickle_harvests_everything_with_deletions(live_server, settings, prefix):
    settings.BASE_URL = live_server.url
    kept, gone = {published().public_id for _ in range(3)}, withdrawn(published()).public_id
    found = list(Sickle(f"{live_server.url}/oai").ListRecords(metadataPrefix=prefix, ignore_deleted=False))
    assert {one.header.identifier.rpartition(":")[2] for one in found if not one.header.deleted} == kept
    assert [one.header.identifier for one in found if one.header.deleted] == [f"oai:test.faultline.example:{gone}"]


def test_scythe_harvests_everything_with_deletions_over_several_pages(live_server, settings):
    settings.BASE_URL = live_server.url
    kept, gone = many(203), withdrawn(published()).public_id
    with Scythe(f"{live_server.url}/oai") as scythe:
        found = list(scythe.list_records(metadata_prefix="oai_dc"))
        assert scythe.identify().deletedRecord == "persistent"
        with pytest.raises(ScytheNoRecordsMatch):
            list(scythe.list_identifiers(from_="2999-01-01"))
    assert {one.header.identifier.rpartition(":")[2] for one in found if not one.deleted} == kept
    assert [one.header.identifier.rpartition(":")[2] for one in found if one.deleted] == [gone]
    assert len(found) == 204


def test_sickle_is_told_of_errors(live_server):
    sickle = Sickle(f"{live_server.url}/oai")
    with pytest.raises(NoRecordsMatch):
        sickle.ListRecords(metadataPrefix="oai_dc")
    with pytest.raises(BadResumptionToken):
        sickle.ListRecords(resumptionToken="nonsense")


def test_one_timestamp_for_2500_records_is_harvested_completely():
    expected = many(2500)
    pages = list(walk(verb="ListIdentifiers", metadataPrefix="oai_dc", from_="2026-03-01", until="2026-03-01"))
    assert [len(identifiers(page)) for page in pages] == [1000, 1000, 500]
    assert {one for page in pages for one in identifiers(page)} == expected
    counted = [(token_of(page).get("completeListSize"), token_of(page).get("cursor")) for page in pages]
    assert counted == [("2500", "0"), ("2500", "1000"), ("2500", "2000")]


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
def test_exact_multiples_of_a_page_have_no_page_too_many(count):
    expected = many(count)
    pages = list(walk(verb="ListRecords", metadataPrefix="oai_dc"))
    assert len(pages) == -(-count // 100)
    assert sorted(one for page in pages for one in identifiers(page)) == sorted(expected)
    assert token_of(pages[-1]).text is None
    assert token_of(pages[-1]).get("completeListSize") == str(count)


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_a_page_takes_one_query_however_long_it_is(verb, django_assert_num_queries):
    for count in (3, 150):
        many(count)
        with django_assert_num_queries(1):
            ask(verb=verb, metadataPrefix="oai_dc")


def test_a_token_can_be_used_again_by_another_process_and_after_a_day(transactional_db, settings):
    many(150)
    token = token_of(ask(verb="ListRecords", metadataPrefix="oai_dc")).text
    first, again = (ask(verb="ListRecords", resumptionToken=token) for _ in range(2))
    assert identifiers(first) == identifiers(again)
    assert len(identifiers(first)) == 50
    program = f"""if True:
        import django, time
        django.setup()
        now = time.time
        time.time = lambda: now() + 8 * 86_400
        from django.test import Client
        print(Client().get("/oai", {{"verb": "ListRecords", "resumptionToken": {token!r}}}).content.decode())"""
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(DJANGO_SETTINGS_MODULE="config.settings", FAULTLINE_NODE_NAME=settings.NODE_NAME),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    elsewhere = etree.fromstring(process.stdout[process.stdout.index(b"<?xml") :].strip())
    assert identifiers(elsewhere) == identifiers(first)


def test_a_token_with_one_character_changed_is_refused():
    many(150)
    token = token_of(ask(verb="ListRecords", metadataPrefix="oai_dc")).text
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        page = ask(verb="ListRecords", resumptionToken=token[:place] + other + token[place + 1 :])
        assert error_of(page) == "badResumptionToken"


def test_edits_and_withdrawals_during_a_harvest_lose_nothing():
    everything = many(150) | {(edited := published()).public_id, (gone := published()).public_id}
    first = ask(verb="ListRecords", metadataPrefix="oai_dc")
    early = Incident.objects.get(public_id=identifiers(first)[0])
    changed(early, title="Another title of the same")
    changed(edited, title="A better title of the same")
    withdrawn(gone)
    new = published()
    seen, last = list(identifiers(first)), first
    while token_of(last).text:
        last = ask(verb="ListRecords", resumptionToken=token_of(last).text)
        seen += identifiers(last)
    assert set(seen) == everything | {new.public_id}
    assert seen[-4:] == [early.public_id, edited.public_id, gone.public_id, new.public_id]
    titles = [one.text for one in last.iterfind(".//dc:title", NAMES)]
    assert {"Another title of the same", "A better title of the same"} <= set(titles)
    assert token_of(last).get("completeListSize") == str(len(seen))


def test_whoever_lists_again_from_their_last_answer_meets_what_was_being_committed_then():
    published()
    answered = ask(verb="ListRecords", metadataPrefix="oai_dc").findtext("o:responseDate", namespaces=NAMES)
    late = published()  # as if its transaction had begun before that answer
    again = ask(verb="ListIdentifiers", metadataPrefix="oai_dc", from_=answered)
    assert late.public_id in identifiers(again)
    stamps = list(HarvestRow.objects.order_by("number").values_list("datestamp", flat=True))
    assert stamps == sorted(stamps)
    assert stamps[-1] - datetime.now(UTC) < timedelta(seconds=harvest.LEEWAY)


def test_a_withdrawn_record_stays_listed_without_metadata():
    gone = withdrawn(published())
    identifier = f"oai:test.faultline.example:{gone.public_id}"
    page = ask(verb="GetRecord", metadataPrefix="oai_dc", identifier=identifier)
    assert page.find(".//o:header", NAMES).get("status") == "deleted"
    assert page.find(".//o:metadata", NAMES) is None
    assert error_of(ask(verb="ListMetadataFormats", identifier=identifier)) == "noMetadataFormats"


def test_sets_are_by_origin_and_category_with_what_is_below_it():
    backdoor, file, bias = (published(category=code) for code in ("backdoor", "backdoor.malicious_file", "bias"))
    specs = [one.text for one in ask(verb="ListSets").iterfind(".//o:setSpec", NAMES)]
    assert {"origin:test.faultline.example", "category:backdoor:malicious_file", "category:bias"} <= set(specs)

    def in_set(name):
        return set(identifiers(ask(verb="ListIdentifiers", metadataPrefix="oai_dc", set=name)))

    assert in_set("category:backdoor") == {backdoor.public_id, file.public_id}
    assert in_set("category:backdoor:malicious_file") == {file.public_id}
    assert in_set("origin:test.faultline.example") == {backdoor.public_id, file.public_id, bias.public_id}
    assert error_of(ask(verb="ListRecords", metadataPrefix="oai_dc", set="origin:nobody.example")) == "noRecordsMatch"


ERRORS = {
    "no verb": ({}, "badVerb"),
    "an unknown verb": ({"verb": "Harvest"}, "badVerb"),
    "no format": ({"verb": "ListRecords"}, "badArgument"),
    "an unknown format": ({"verb": "ListRecords", "metadataPrefix": "marc21"}, "cannotDisseminateFormat"),
    "an argument of another verb": ({"verb": "Identify", "set": "category:bias"}, "badArgument"),
    "a token and more": (
        {"verb": "ListRecords", "resumptionToken": "x", "metadataPrefix": "oai_dc"},
        "badArgument",
    ),
    "no day": ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-02-30"}, "badArgument"),
    "two granularities": (
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-02-01", "until": "2026-03-01T00:00:00Z"},
        "badArgument",
    ),
    "an end before the beginning": (
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "2026-02-02", "until": "2026-02-01"},
        "badArgument",
    ),
    "no set of ours": ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "set": "all"}, "badArgument"),
    "no record": (
        {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:test.faultline.example:FL-2026-00000000"},
        "idDoesNotExist",
    ),
    "what no database holds": (
        {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:a\x00:b"},
        "idDoesNotExist",
    ),
    "a token of sets": ({"verb": "ListSets", "resumptionToken": "x"}, "badResumptionToken"),
    "the last day": (
        {"verb": "ListRecords", "metadataPrefix": "oai_dc", "from": "9999-12-31", "until": "9999-12-31"},
        "noRecordsMatch",
    ),
}


@pytest.mark.parametrize(("arguments", "code"), ERRORS.values(), ids=ERRORS)
def test_errors_are_those_of_the_protocol_and_valid(schema, arguments, code):
    page = ask(**arguments)
    assert error_of(page) == code
    schema.assertValid(page)


def test_an_argument_twice_or_too_many_or_too_long_is_refused():
    twice = Client().get("/oai?verb=ListRecords&metadataPrefix=oai_dc&metadataPrefix=oai_dc")
    assert error_of(etree.fromstring(twice.content)) == "badArgument"
    assert error_of(ask(**{f"a{n}": "x" for n in range(30)})) == "badVerb"
    assert error_of(ask(verb="GetRecord", metadataPrefix="oai_dc", identifier="x" * 3000)) == "badArgument"
    assert Client().put("/oai").status_code == 405


def test_post_answers_as_get_does():
    published()
    arguments = {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"}
    posted = Client(enforce_csrf_checks=True).post(
        "/oai", "verb=ListIdentifiers&metadataPrefix=oai_dc", content_type="application/x-www-form-urlencoded"
    )
    assert identifiers(etree.fromstring(posted.content)) == identifiers(ask(**arguments))


HOSTILE = "A\x03B\ufffeC 😀 \u202eright to left\u202c ]]> <b>&amp;</b> " + "long " * 9000


def test_characters_that_xml_forbids_are_left_out_and_harm_no_other_record(schema):
    published(
        title="Title \x03\ufffe of it",
        description=HOSTILE,
        references=[{"title": "A \x0b source", "url": "https://example.org/a?b=1&c="}],
        aliases=("ID\x01-5", "AIID-313"),
    )
    published()
    for prefix in ("oai_dc", "oai_datacite"):
        page = ask(verb="ListRecords", metadataPrefix=prefix)
        assert len(identifiers(page)) == 2
        schema.assertValid(page)
        assert "ABC 😀 \u202eright to left\u202c ]]> <b>&amp;</b>" in "".join(page.itertext())


def test_every_answer_is_valid_by_the_official_schemas(schema):
    published(aliases=("AVID-2026-R0001",), occurred="2025-07", classifications=({"taxonomy": "a", "term": "b"},))
    withdrawn(published())
    for verb in ("Identify", "ListSets", "ListMetadataFormats"):
        schema.assertValid(ask(verb=verb))
    for prefix in ("oai_dc", "oai_datacite"):
        for verb in ("ListRecords", "ListIdentifiers"):
            schema.assertValid(ask(verb=verb, metadataPrefix=prefix))


def test_datacite_is_valid_by_its_own_schema():
    if not KERNEL.exists():
        pytest.skip(f"the schema of DataCite's kernel is not at {KERNEL}")
    kernel = etree.XMLSchema(etree.parse(KERNEL))
    record = factories.record(
        aliases=("AIID-313",),
        occurred="2025-07",
        description=HOSTILE,
        status="disputed",
        notice="The publisher disagrees.",
        references=[{"title": "A source", "url": "https://example.org/"}],
    )
    for one in (record, factories.record()):
        resource = datacite_resource(Published(canonical_bytes(one.document()), Node("https://node.example", "Node")))
        kernel.assertValid(etree.fromstring(as_bytes(resource)))


def test_identify_says_what_the_node_does(settings):
    settings.NODE_CONTACT, settings.NODE_NAME = "mailto:someone@node.example", "node.example"
    page = ask(verb="Identify")
    said = {one.tag.rpartition("}")[2]: one.text for one in page.iter()}
    assert said["adminEmail"] == "someone@node.example"
    assert said["deletedRecord"] == "persistent"
    assert said["sampleIdentifier"].startswith("oai:node.example:")
    published()
    row = HarvestRow.objects.get()
    earliest = ask(verb="Identify").findtext(".//o:earliestDatestamp", namespaces=NAMES)
    assert earliest == answers.stamp(row.datestamp)


def test_nothing_that_is_not_public_is_in_any_answer():
    canary = "Canary-7531-of-what-nobody-decided"
    factories.report(title=canary, text=canary * 3, links=(f"https://example.org/{canary}",), contact=canary)
    factories.worded_case(summary=f"{canary} of a case that waits.", other_ids=[canary])
    incident = factories.published_incident()
    for verb in ("Identify", "ListSets", "ListMetadataFormats", "ListRecords", "ListIdentifiers"):
        arguments = {"metadataPrefix": "oai_dc"} if verb in {"ListRecords", "ListIdentifiers"} else {}
        assert canary.encode() not in etree.tostring(ask(verb=verb, **arguments))
    assert identifiers(ask(verb="ListIdentifiers", metadataPrefix="oai_dc")) == [incident.public_id]
