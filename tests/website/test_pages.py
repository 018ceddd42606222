"""The public pages, asked without a browser."""

import re
from datetime import timedelta

import pytest
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalogue.drift import Change
from catalogue.filesafety.findings import FindingKind, Meaning
from catalogue.filesafety.findings import Outcome as ScanOutcome
from catalogue.hub import Outcome
from catalogue.inspections import inspect_due
from catalogue.lookups import look_up_due
from catalogue.models import Drift, Lookup, Model, Snapshot
from catalogue.mof import MofClass
from catalogue.openness import VALUES, Dimension
from incidents.format import formats
from incidents.models import Incident
from incidents.publishing import publish
from reports import workflow
from reports.models import Case
from tests import factories
from tests.catalogue.test_inspections import EVIL, torch_zip
from tests.markup import elements
from tests.markup import problems as problems_of
from tests.stand_ins.huggingface import StandInHub, example_file, example_model, example_verdict
from tests.stand_ins.ranges import StandInFiles
from website import model as model_pages
from website.templatetags import record as record_words

pytestmark = pytest.mark.django_db

SHA = "607a30d783dfa663caf39e06633721c8d4cfcd7e"


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def published(**changes) -> Incident:
    """A public record; `models` and `category` as its report named them."""
    by = factories.moderator()
    named = {name: changes.pop(name) for name in ("models", "category", "kind", "occurred", "links") if name in changes}
    case = factories.worded_case(by=by, reported=factories.report(**named), **changes)
    workflow.publish(case=case, by=by)
    case.refresh_from_db()
    return case.incident


def case_of(incident: Incident) -> Case:
    return Case.objects.get(incident=incident)


# --- Every page ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/incidents/",
        "/incidents/?q=nothing-has-this",
        "/about/",
        "/report/",
        "/report/help/",
        "/report/status/",
        "/api/docs",
    ],
)
def test_pages_are_sound_html_on_an_empty_node_and_with_records(client, path):
    assert problems_of(client.get(path).content.decode()) == []
    published(models=(f"pkg:huggingface/example-org/tiny-chat@{SHA}", "example-org/other", "A model on no hub"))
    response = client.get(path)
    assert response.status_code == 200
    assert problems_of(response.content.decode()) == []


def test_record_and_model_pages_are_sound_html(client):
    incident = published(models=(f"pkg:huggingface/example-org/tiny-chat@{SHA}", "A model on no hub"))
    for path in (f"/incidents/{incident.public_id}/", "/models/huggingface/example-org/tiny-chat/"):
        assert problems_of(client.get(path).content.decode()) == []


def test_pages_revalidate_and_change_with_what_they_show(client):
    published()
    first = client.get("/incidents/")
    assert "max-age=60" in first["Cache-Control"]
    assert client.get("/incidents/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    published(title="Another record altogether")
    assert client.get("/incidents/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_public_pages_set_no_cookie(client):
    incident = published()
    for path in ("/", "/incidents/", f"/incidents/{incident.public_id}/", "/about/", "/api/docs"):
        response = client.get(path)
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")


# --- The list ------------------------------------------------------------------------------------------------------
def test_list_shows_records_newest_first_with_badges_in_words(client):
    published(title="The first record of two")
    published(title="The second record of two", severity="critical", evidence_grade="confirmed")
    page = text_of(client.get("/incidents/"))
    assert page.index("The second record of two") < page.index("The first record of two")
    assert "Critical severity" in page
    assert "Evidence: confirmed" in page


def test_list_filters_and_offers_to_remove_each_filter(client):
    published(title="A backdoor record", category="backdoor.trigger", severity="high")
    published(title="A bias record", category="bias", severity="low")
    response = client.get("/incidents/", {"category": "backdoor", "severity": "high"})
    page = response.content.decode()
    assert "A backdoor record" in page
    assert "A bias record" not in page
    assert 'href="?category=backdoor"' in page
    assert 'href="?severity=high"' in page
    assert 'href="/api/v1/incidents?category=backdoor&amp;severity=high"' in page


def test_list_searches_words_and_keeps_them_in_the_field(client):
    published(title="A record of pickles")
    published(title="A record of something else")
    page = client.get("/incidents/", {"q": '"pickles" <b>'}).content.decode()
    assert 'value="&quot;pickles&quot; &lt;b&gt;"' in page
    found = client.get("/incidents/", {"q": "pickles"}).content.decode()
    assert "A record of pickles" in found
    assert "something else" not in found


def test_list_says_in_words_that_nothing_matches(client):
    assert "No record matches." in text_of(client.get("/incidents/", {"q": "nothing-has-this"}))


def test_list_leads_on_to_older_records(client):
    for number in range(21):
        published(title=f"Record number {number:02}")
    first = client.get("/incidents/", {"severity": "low"})
    assert "Record number 00" not in first.content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', first.content.decode()).group(1).replace("&amp;", "&")
    second = client.get("/incidents/" + following)
    assert "Record number 00" in second.content.decode()
    assert 'href="?severity=low"' in second.content.decode()


def test_withdrawn_records_are_listed_only_on_request(client):
    incident = published(title="A record soon withdrawn")
    workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
    assert "A record soon withdrawn" not in client.get("/incidents/").content.decode()
    assert "A record soon withdrawn" in client.get("/incidents/", {"status": "withdrawn"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "catastrophe"},
        {"severity": "HIGH"},
        {"evidence_grade": "x"},
        {"status": "draft"},
        {"category": "no-such"},
        {"cursor": "!!"},
        {"cursor": "AAAA"},
    ],
)
def test_bad_values_are_a_400_page(client, query):
    response = client.get("/incidents/", query)
    assert response.status_code == 400
    assert "That address is not right" in response.content.decode()
    assert problems_of(response.content.decode()) == []


@pytest.mark.parametrize("text", ["\x00", "%", "'", "a" * 5000, "\ud83d\ude00", "& | ! ( ) : *", "\\"])
def test_no_search_words_break_the_list(client, text):
    query = {"q": text.encode("utf-8", "surrogatepass"), "model": "x"}
    refused = "\x00" in text or len(text) > 500
    assert client.get("/incidents/", query).status_code == (400 if refused else 200)


# --- One record ----------------------------------------------------------------------------------------------------
def test_record_page_says_what_each_grade_means_and_how_to_cite_it(client):
    incident = published(title="Chat model recommends 100 % one_shop")
    response = client.get(f"/incidents/{incident.public_id}/")
    page = text_of(response)
    for said in (
        "Harm happened, or a real attempt at it was made.",
        "Limited harm to few people, reversible without help.",
        "Transcripts, files, logs or published reporting show it.",
        "Probably true as worded.",
        f"({incident.public_id}, Version 1) [Incident record].",
        f"http://testserver/incidents/{incident.public_id}/",
        f"@misc{{{incident.public_id},",
        r"{{Chat model recommends 100 \% one\_shop}}",
        incident.digest,
        "Published , version 1",
        "March 2026",
    ):
        assert said in page
    for suffix, one in formats().items():
        address = f"/api/v1/incidents/{incident.public_id}.{suffix}"
        assert f'<a href="{address}">{one.title}</a>' in response.content.decode()
        assert f'href="{address}">' in response.content.decode().partition("</head>")[0]


def test_an_address_with_a_suffix_leads_to_the_record_in_that_format_and_without_a_slash_to_the_page(client):
    incident = published()
    for address, leads_to in (
        (".bib", f"/api/v1/incidents/{incident.public_id}.bib"),
        ("", f"/incidents/{incident.public_id}/"),
    ):
        answer = client.get(f"/incidents/{incident.public_id}{address}")
        assert (answer.status_code, answer["Location"]) == (302, leads_to)


def test_record_page_names_models_exactly_or_says_that_it_cannot(client):
    file = f"https://huggingface.co/example-org/filed/blob/{SHA}/pytorch_model.bin"
    incident = published(models=("example-org/tiny-chat", file, "A model on no hub"))
    page = client.get(f"/incidents/{incident.public_id}/").content.decode()
    assert 'href="/models/huggingface/example-org/tiny-chat/"' in page
    assert f"<code>{SHA[:10]}</code>" in page
    assert f">{SHA}</code>" in page
    assert "pytorch_model.bin" in page
    assert "Not known" in page
    assert "By name only; not tied to a repository" in page
    assert "Hugging Face had not answered when this was published." in page


def test_record_page_shows_corrections_disputes_and_withdrawal_with_their_reason(client):
    incident = published()
    by = factories.senior_moderator()
    path = f"/incidents/{incident.public_id}/"
    workflow.correct(case=case_of(incident), by=by, notice="The date was wrong.")
    assert "This record was corrected on" in text_of(client.get(path))
    workflow.dispute(case=case_of(incident), by=by, notice="The publisher disagrees.")
    page = text_of(client.get(path))
    assert "This record is disputed since" in page
    assert "The publisher disagrees." in page
    workflow.withdraw(case=case_of(incident), by=by, notice="It was another model.")
    response = client.get(path)
    page = text_of(response)
    assert "It no longer stands; it is kept so that citations resolve." in page
    assert "Withdrawn , version 4" in page
    assert "/models/huggingface/" not in response.content.decode()


def test_id_of_another_database_leads_to_ours(client):
    incident = published(other_ids=["AIID-313"])
    response = client.get("/incidents/aiid-313/")
    assert response.status_code == 302
    assert response["Location"] == f"/incidents/{incident.public_id}/"
    assert client.get(f"/incidents/{incident.public_id.lower()}/")["Location"] == response["Location"]


@pytest.mark.parametrize(
    "path",
    [
        "/incidents/FL-2026-00000000/",
        "/incidents/%00/",
        "/incidents/%F0%9F%98%80/",
        "/nothing/",
        "/models/nohub/a/",
        "/models/huggingface/%00/",
    ],
)
def test_what_is_not_there_is_a_404_page(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert "There is nothing public here" in response.content.decode()
    assert problems_of(response.content.decode()) == []


def test_hostile_text_is_inert_everywhere(client):
    hostile = '<script>alert("x")</script><img src=x onerror=alert(1)>{{ settings.SECRET_KEY }}'
    incident = published(
        title=f"Hostile {hostile}"[:190],
        summary=f"A hostile summary {hostile}",
        description=(
            f"{hostile}\n\n[a](javascript:alert(1)) [b](data:text/html,x) ![c](https://evil.example/c.png)\n\n"
            "[d](https://ok.example/\"onmouseover=\"alert(1))\n\n<iframe src='https://evil.example'></iframe>\n\n"
            "<a href='javascript:alert(1)'>e</a>\n\n[f]: javascript:alert(1)\n\n[f]"
        ),
        models=("<svg onload=alert(1)>",),
        links=("https://example.org/?a='><script>".replace(">", "").replace("<", ""),),
        other_ids=["<b>id</b>"],
    )
    for path in ("/", "/incidents/", f"/incidents/{incident.public_id}/"):
        found = elements(client.get(path).content.decode())
        ours = ("application/ld+json", "/static/website/keys.js")
        seen = [one for one in found if one[0] != "script" or one[1].get("type", one[1].get("src")) not in ours]
        assert not [tag for tag, _ in seen if tag in ("script", "img", "iframe", "b", "style", "object")]
        assert not [attrs for _, attrs in found if any(name.startswith("on") for name in attrs)]
        links = [attrs["href"] or "" for tag, attrs in found if tag == "a"]
        assert not [link for link in links if link.strip().lower().startswith(("javascript:", "data:", "vbscript:"))]


def test_no_private_text_reaches_a_public_page(client):
    secret = "Zanzibar-quokka-private-words"
    report = factories.report(
        text=f"{secret}: the prompt I used was this one, and it did.",
        contact=f"{secret}@example.org",
        title="A fine title",
    )
    factories.report(models=("example-org/only-reported",), text=f"{secret} again, in a report nobody has read yet.")
    case = factories.worded_case(reported=report)
    workflow.publish(case=case, by=factories.moderator())
    case.refresh_from_db()
    for path in (
        "/",
        "/incidents/",
        f"/incidents/?q={secret}",
        f"/incidents/{case.incident.public_id}/",
        "/models/huggingface/example-org/tiny-chat/",
        "/about/",
    ):
        page = client.get(path).content.decode().replace(f'value="{secret}"', "").replace(f"</span> {secret}<", "")
        page = re.sub(
            r"<title>.*?</title>|href=\"[^\"]*\"|<details class=\"cite-view\">.*?</details>", "", page, flags=re.S
        )
        assert secret not in page
        assert "only-reported" not in page


# --- Models --------------------------------------------------------------------------------------------------------
def test_model_page_is_there_only_for_models_a_record_in_force_names(client):
    factories.report(models=("example-org/only-reported",))
    incident = published(models=("example-org/named",))
    assert client.get("/models/huggingface/example-org/only-reported/").status_code == 404
    assert client.get("/models/huggingface/example-org/named/").status_code == 200
    workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
    assert client.get("/models/huggingface/example-org/named/").status_code == 404


def test_model_page_says_what_each_record_says_of_the_model(client):
    by = factories.moderator()
    case = factories.worded_case(by=by, reported=factories.report(models=("org/copy", "org/genuine")))
    case.models.filter(alias__name="org/genuine").update(status="not_affected", note="The model that was imitated.")
    workflow.publish(case=case, by=by)
    page = text_of(client.get("/models/huggingface/org/genuine/"))
    assert "This model: not affected" in page
    assert "The model that was imitated." in page
    assert "This model: affected" not in page
    assert "The hub has not answered yet." in page
    assert "Nothing to compare yet" in page
    assert "Not known: Hugging Face has given nothing to judge by." in page


def test_model_page_shows_what_the_hub_last_said(client):
    published(models=("example-org/tiny-chat",))
    model = Model.objects.get(name="example-org/tiny-chat")
    Snapshot.objects.create(
        model=model,
        revision=SHA,
        name=model.name,
        licence="apache-2.0",
        gated="manual",
        downloads=1234567,
        base_models=[{"name": "example-org/base", "relation": "finetune"}],
        files=[{"path": "model.safetensors", "size": 2048, "sha256": "ab" * 32}],
        digest="0" * 64,
    )
    page = text_of(client.get("/models/huggingface/example-org/tiny-chat/"))
    for said in (
        SHA,
        "apache-2.0",
        "Gated: on request",
        "1,234,567",
        "ab" * 32,
        "2.0 KB",
    ):
        assert said in page


# --- What is known of a model beyond its records -------------------------------------------------------------------
@pytest.fixture
def hub(settings):
    """A hub with a chain of three, org/quant from org/chat from org/base, and a model that stands alone."""
    chain = [
        example_model("org/quant", tags=["base_model:quantized:org/chat"]),
        example_model("org/chat", tags=["base_model:finetune:org/base"]),
        example_model("org/base"),
        example_model("org/alone"),
    ]
    with StandInHub(chain) as stand_in:
        settings.HUB_ENDPOINTS = {"huggingface": stand_in.url}
        yield stand_in


def look_again():
    Lookup.objects.update(due_at=timezone.now())
    look_up_due()


def model_page(client, name: str) -> str:
    response = client.get(f"/models/huggingface/{name}/")
    assert response.status_code == 200
    assert problems_of(response.content.decode()) == []
    return text_of(response)


def section_of(page: str, start: str, end: str) -> str:
    return page[page.index(start) : page.index(end)]


def test_every_word_a_page_may_need_is_there():
    assert set(record_words.CHANGES) == set(Change)
    assert set(record_words.QUESTIONS) == set(record_words.ANSWERS) == set(Dimension)
    assert set(record_words.MOF_CLASSES) == set(MofClass)
    assert set(record_words.PRESENCE) <= set(Outcome)
    assert set(record_words.HUB_VERDICTS) == set(Meaning)
    assert set(record_words.SCANS) == set(ScanOutcome)
    assert set(record_words.FINDINGS) == set(FindingKind)
    for dimension, values in VALUES.items():
        assert set(record_words.ANSWERS[dimension]) == set(values)


def test_presence_is_said_in_plain_words_and_with_its_time(client, hub):
    published(models=("org/alone",))
    look_up_due()
    assert "The hub shows the repository (asked on " in model_page(client, "org/alone")
    del hub.models["org/alone"]
    look_again()
    page = model_page(client, "org/alone")
    assert "The hub has no public repository of this name (asked on " in page
    assert "deleted" not in page
    assert "removed" not in section_of(page, "On the hub now", "Identity")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"gated": "manual"}, "The hub shows the repository and grants access on request (asked on "),
        ({"disabled": True}, "The hub shows the repository and has disabled it (asked on "),
    ],
)
def test_presence_tells_gated_and_disabled_apart(client, hub, overrides, said):
    hub.put(example_model("org/alone", **overrides))
    published(models=("org/alone",))
    look_up_due()
    assert said in model_page(client, "org/alone")


def test_a_listing_of_files_that_is_not_complete_says_so(client):
    published(models=("org/checkpoints",))
    model = Model.objects.get(name="org/checkpoints")
    Snapshot.objects.create(model=model, revision=SHA, name=model.name, files=[{"path": "a.bin"}])
    assert "The list of files is not complete" not in model_page(client, "org/checkpoints")
    Snapshot.objects.create(model=model, revision=SHA, name=model.name, files_complete=False)
    assert "The list of files is not complete: none of them is known here." in model_page(client, "org/checkpoints")
    facts = client.get("/api/v1/models/huggingface/org/checkpoints").json()["hub_facts"]
    assert (facts["files"], facts["files_complete"]) == ([], False)


def test_a_hub_that_gives_no_usable_answer_is_not_said_to_lack_the_model(client, hub):
    published(models=("org/alone",))
    look_up_due()
    before = model_page(client, "org/alone")
    hub.fail("org/alone", "unavailable")
    look_again()
    # Still the last answer, with its date.
    assert model_page(client, "org/alone") == before


def test_changes_say_what_came_after_which_record(client, hub):
    earlier = published(models=("org/alone",))
    look_up_due()
    assert "None up to " in section_of(model_page(client, "org/alone"), "Changes noticed", "Lineage")
    hub.put(
        example_model(
            "org/alone",
            cardData={"license": "mit"},
            gated="manual",
            siblings=[example_file("model.safetensors") | {"blobId": "0" * 40}],
        )
    )
    look_again()
    later = published(models=("org/alone",), title="A record of later on")
    # Records carry whole seconds; this test takes less than one.
    Incident.objects.filter(pk=later.pk).update(published_at=timezone.now() + timedelta(seconds=2))
    changes = section_of(model_page(client, "org/alone"), "Changes noticed", "Lineage")
    assert "Licence claimed: apache-2.0 , then → mit" in changes
    assert "Access: open , then → on request, decided by the publisher" in changes
    assert "Weights replaced: model.safetensors" in changes
    assert f"After the publication of {earlier.public_id}" in changes
    assert later.public_id not in changes


def test_record_page_shows_what_changed_since_the_first_report(client, hub):
    by = factories.moderator()
    case = factories.worded_case(by=by, reported=factories.report(models=("org/alone",)))
    look_up_due()
    hub.put(example_model("org/alone", cardData={"license": "mit"}))
    look_again()
    workflow.publish(case=case, by=by)
    case.refresh_from_db()
    response = client.get(f"/incidents/{case.incident.public_id}/")
    page = text_of(response)
    assert problems_of(response.content.decode()) == []
    assert "Changes noticed since the first report:" in page
    assert "Licence claimed: apache-2.0 , then → mit" in page
    assert "said (" in page


def test_lineage_is_a_chain_that_reads_as_text(client, hub):
    published(models=("org/quant",))
    look_up_due()
    look_up_due()
    lineage = section_of(model_page(client, "org/quant"), "What it derives from", "What derives from it")
    assert (
        "org/quant is quantized from org/chat no record concerns it fine-tuned from org/base no record concerns it"
        in lineage
    )
    below = section_of(model_page(client, "org/base"), "What derives from it", "Openness")
    assert "org/chat no record concerns it fine-tuned from this model" in below
    assert "org/quant 1 record quantized from org/chat" in below
    assert "No record names this model itself" in model_page(client, "org/base")


def test_records_on_bases_stand_apart_with_the_way_and_a_caution(client, hub):
    published(models=("org/base",), title="A record on the base")
    published(models=("org/quant",), title="A record on the model itself")
    look_up_due()
    page = model_page(client, "org/quant")
    direct = section_of(page, "Records", "Inherited from its bases")
    inherited = section_of(page, "Inherited from its bases", "Changes noticed")
    assert "A record on the model itself" in direct
    assert "A record on the base" not in direct
    assert "A record on the model itself" not in inherited
    assert "A record on the base" in inherited
    assert "a possibility, not a finding" in inherited
    assert (
        "This model is quantized from org/chat , which is fine-tuned from org/base , which this record names."
        in inherited
    )
    assert "Inherited from its bases" not in model_page(client, "org/base")


def test_a_record_that_names_model_and_base_is_not_said_to_be_inherited(client, hub):
    by = factories.moderator()
    case = factories.worded_case(by=by, reported=factories.report(models=("org/base", "org/quant")))
    case.models.filter(alias__name="org/quant").update(status="not_affected")
    workflow.publish(case=case, by=by)
    look_up_due()
    page = model_page(client, "org/quant")
    assert "This model: not affected" in page
    assert "Inherited from its bases" not in page


def test_a_derivative_that_only_a_pending_report_names_is_on_no_page(client, hub):
    published(models=("org/base",))
    factories.report(models=("org/quant",))
    look_up_due()
    page = client.get("/models/huggingface/org/base/").content.decode()
    assert "org/quant" not in page
    assert "org/chat" not in page
    assert "No record names a model that is known to derive from this one." in page


def test_a_long_chain_is_cut_and_counted(client, hub):
    for number in range(30):
        hub.put(example_model(f"long/m{number}", tags=[f"base_model:finetune:long/m{number + 1}"]))
    published(models=("long/m0",))
    for _ in range(31):
        look_up_due()
    lineage = section_of(model_page(client, "long/m0"), "What it derives from", "What derives from it")
    assert "long/m10" in lineage
    assert "long/m11" not in lineage
    assert "And 20 more, further up." in lineage


def test_openness_is_a_row_for_each_question_and_no_score(client, hub):
    published(models=("org/alone",))
    look_up_due()
    response = client.get("/models/huggingface/org/alone/")
    page = response.content.decode()
    for question in record_words.QUESTIONS.values():
        assert question in page
    rows = re.findall(r'<tr role="row".*?</tr>', page, re.DOTALL)
    cells = {re.search(r"<th[^>]*>(.*?)</th>", row).group(1): re.sub(r"<[^>]+>|\s+", " ", row) for row in rows}
    assert "Yes model.safetensors siblings File list High" in " ".join(cells["Are the weights published?"].split())
    assert "Not known" in cells["Is there code that trained it?"]
    text = text_of(response)
    assert "There is no score, on purpose" in text
    assert "Class III, Open Model Undetermined: nothing seen rules it out." in text
    assert "Undetermined." in section_of(text, "Open Source AI Definition", "Faultline The open register")


def test_a_class_out_of_reach_says_why(client, hub):
    hub.put(example_model("org/alone", cardData={"license": "cc-by-nc-4.0"}))
    published(models=("org/alone",))
    look_up_due()
    page = model_page(client, "org/alone")
    assert (
        "Class III, Open Model Cannot be reached. Model parameters (Final): the licence claimed, cc-by-nc-4.0" in page
    )
    assert "Class I, Open Science Cannot be reached. For the same reason as the class above." in page
    assert "Cannot be met. The licence claimed, cc-by-nc-4.0, restricts" in page


def test_what_a_hub_says_is_inert(client, hub):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    overrides = {
        "cardData": {"license": hostile, "datasets": [hostile]},
        "library_name": hostile,
        "author": hostile,
        "config": {"architectures": [hostile]},
        "tags": [f"base_model:finetune:{hostile}", f"arxiv:{hostile}", "base_model:made<b>up:org/base"],
        "siblings": [example_file(f"{hostile}.safetensors"), example_file("</code><b>x.bin")],
    }
    published(models=("org/alone",))
    look_up_due()
    hub.put(example_model("org/alone", **overrides))
    look_again()
    model = Model.objects.get(name="org/alone")
    Drift.objects.create(model=model, change=Change.RENAMED, before=hostile, after="<b>")
    response = client.get("/models/huggingface/org/alone/")
    page = response.content.decode()
    assert problems_of(page) == []
    assert "&lt;script&gt;" in page
    badge = "/models/huggingface/org/alone/badge.svg"
    seen = [(tag, attributes) for tag, attributes in elements(page) if attributes.get("src") != badge]
    assert not [tag for tag, _ in seen if tag in ("script", "img", "b")]


def test_what_was_found_in_files_is_said_in_words_and_inert(client, hub):
    hostile = "<script>x.bin"
    verdict = example_verdict("safe", avScan={"status": "unsafe", "message": "<b>bad</b>"}, jFrogScan={"status": "?"})
    published(models=("org/alone",))
    with StandInFiles(host="localhost") as files:
        hub.cdn = files
        hub.put_file("org/alone", "pytorch_model.bin", torch_zip(EVIL), verdict)
        hub.put_file("org/alone", hostile, torch_zip(EVIL))
        look_up_due()
        assert "What was looked at in the files" not in model_page(client, "org/alone")
        inspect_due()
    page = model_page(client, "org/alone")
    section = section_of(page, "What was looked at in the files", "Faultline The open register")
    for said in (
        f"at commit {example_model('org/alone')['sha']}",
        "pytorch_model.bin Format: torch zip",
        "av: issues reported",
        "jFrog: not known",
        "protectAi: no issues reported",
        "Dangerous: loading it calls what runs commands or code, or writes files posix.system , dangerous",
        "Looked at: the directory of 2 members",
        "Not looked at: ",
        "Pickles Files that are loaded by unpickling",
        "No file that can hold pickles, by its name, was left out of the scans here.",
        "does not mean that a file is safe",
        "&lt;script&gt;x.bin",
        "&lt;b&gt;bad&lt;/b&gt;",
    ):
        assert said in section
    assert len(re.findall(r"\b(?:safe|clean)\b", section)) == 1


def test_a_model_that_was_not_inspected_has_no_section_on_files(client, hub):
    published(models=("org/alone",))
    look_up_due()
    assert "looked at in the files" not in model_page(client, "org/alone")


def test_a_change_of_another_nodes_making_is_shown_by_its_code():
    assert record_words.change_words("chat_template_changed") == "Chat template changed"
    assert record_words.relation("cloned") == record_words.RELATIONS[""]


def test_model_page_costs_no_more_queries_with_more_relatives(client, hub, django_assert_max_num_queries):
    published(models=("org/base",))
    look_up_due()
    counts = []
    for number in (1, 20):
        for each in range(number):
            name = f"org/child{number}-{each}"
            hub.put(example_model(name, tags=["base_model:finetune:org/base"]))
            published(models=(name,), title=f"A record on {name}")
        look_up_due()
        with django_assert_max_num_queries(29) as captured:
            model_page(client, "org/base")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_model_under_another_spelling_redirects(client):
    published(models=("Example-Org/Tiny-Chat",))
    response = client.get("/models/huggingface/example-org/TINY-chat/")
    assert response["Location"] == "/models/huggingface/Example-Org/Tiny-Chat/"


# --- Method, API, errors -------------------------------------------------------------------------------------------
def test_method_page_defines_every_category(client):
    page = client.get("/about/").content.decode()
    for anchor in ("kinds", "severity", "evidence", "categories", "publication", "corrections", "privacy", "log"):
        assert f'id="{anchor}"' in page
    assert 'id="category-backdoor.trigger"' in page


def test_api_page_has_every_operation_of_the_openapi_document(client):
    page = client.get("/api/docs").content.decode()
    document = client.get("/api/schema").json()
    operations = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert operations
    for operation in operations:
        assert f'id="{operation}"' in page


def test_api_page_submits_an_example_that_is_accepted(client):
    page = client.get("/api/docs").content.decode()
    example = re.search(r"-d &#x27;(\{.*?\})&#x27;</code>", page[page.index('id="submit_report"') :], re.DOTALL).group(
        1
    )
    body = example.replace("&quot;", '"').replace("&#x27;", "'")
    assert client.post("/api/v1/reports", body, content_type="application/json").status_code == 201


@pytest.mark.parametrize("name", ["400.html", "403.html", "500.html"])
def test_last_resort_pages_need_no_context(name):
    assert problems_of(get_template(name).render()) == []


def test_forged_form_is_a_403_page():
    response = Client(enforce_csrf_checks=True).post(reverse("website:report"), {"text": "x"})
    assert response.status_code == 403
    assert "Please send the form again" in response.content.decode()
    assert problems_of(response.content.decode()) == []


# --- Following a report ----------------------------------------------------------------------------------------------
def test_receipt_that_leads_nowhere_is_said_at_the_field(client):
    for typed in ("nonsense", "0000-0000-0000-0000-0000-0", "\u0130" * 40, ""):
        response = client.post("/report/status/", {"receipt": typed})
        assert response.status_code in (400, 404)
        assert 'href="#id_receipt"' in response.content.decode()
        assert problems_of(response.content.decode()) == []


def test_records_of_a_model_are_paged(client, monkeypatch):
    monkeypatch.setattr(model_pages, "RECORDS_PER_PAGE", 3)
    published(models=("org/base",), title="The first on record of them")
    for number in range(6):
        publish(
            factories.record(
                title=f"Record number {number}",
                affected=({"hub": "huggingface", "name": "org/base", "match": "repository"},),
            )
        )
    address, seen = "/models/huggingface/org/base/", []
    while address:
        page = client.get(address)
        assert "7 records name this model." in text_of(page)
        seen += page.context["rows"]
        following = page.context["next_url"]
        assert (f'href="{following}"' in page.content.decode().replace("&amp;", "&")) == bool(following)
        assert ("Newest records" in text_of(page)) == ("?" in address)
        address = f"/models/huggingface/org/base/{following}" if following else ""
    assert len({document["id"] for document, _ in seen}) == len(seen) == 7
    assert client.get("/models/huggingface/org/base/?cursor=zzz").status_code == 400
    assert client.get("/models/huggingface/org/base/?inherited=zzz").status_code == 400


@pytest.mark.usefixtures("hub")
def test_inherited_records_of_a_model_are_paged(client, monkeypatch):
    monkeypatch.setattr(model_pages, "RECORDS_PER_PAGE", 2)
    published(models=("org/chat",), title="A record on the model itself")
    look_up_due()
    for number in range(3):
        publish(
            factories.record(
                title=f"Record number {number}",
                affected=({"hub": "huggingface", "name": "org/base", "match": "repository"},),
            )
        )
    first = client.get("/models/huggingface/org/chat/")
    second = client.get(f"/models/huggingface/org/chat/{first.context['inherited_next_url']}")
    titles = [record["title"] for page in (first, second) for record, _ in page.context["inherited"]]
    assert titles == ["Record number 2", "Record number 1", "Record number 0"]
    assert "Older inherited records" in text_of(first)
    assert "Older inherited records" not in text_of(second)
