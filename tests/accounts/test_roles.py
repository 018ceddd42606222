"""Every address of the console, as every role meets it: the table in `accounts.roles` is what happens."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import Affiliation, Role
from accounts.roles import MEANINGS, ROLES
from catalogue.models import Alias, Concern, ConcernKind, Lookup
from catalogue.naming import name_model
from catalogue.references import read
from federation.models import Outcome, Peer, PulledEntry, PulledObject, Verdict
from lib.canonical import digest
from reports import erasure, evidence, release, workflow
from reports.models import Activity, ConsoleMessage, ErasureReason, Excerpt, ImportRun, NameMatch, SavedFilter
from tests import factories
from tests.stand_ins.node import Log

pytestmark = pytest.mark.django_db

ANY_ROLE = "any role"
NOBODY = "nobody"
# What an address of its own needs. An address of the admin's usual kind needs <app>.<view, add or delete>_<model>.
NEEDS = {
    "index": ANY_ROLE,
    "jsi18n": ANY_ROLE,
    "password_change": ANY_ROLE,
    "password_change_done": ANY_ROLE,
    "app_list": ANY_ROLE,
    "accounts_roles": ANY_ROLE,
    "autocomplete": NOBODY,
    "view_on_site": NOBODY,
    "auth_user_password_change": "accounts.change_user",
    "reports_report_next": "reports.decide",
    "reports_report_act": "reports.decide",
    "reports_report_preview": "reports.decide",
    "reports_report_contact": "reports.view_contact",
    "reports_evidence_file": "reports.view_evidence",
    "reports_evidence_delete": NOBODY,  # files go by their own button
    "reports_evidence_forget": "reports.delete_evidence",
    "reports_evidence_release": "reports.decide",
    "reports_evidence_take_back": "reports.decide",
    "reports_case_classify": "reports.classify",
    "reports_case_classify_list": "reports.classify",
    "reports_report_undo": "reports.decide",
    "reports_report_reject_several": "reports.decide",
    "reports_report_shortcuts": "reports.view_report",
    "reports_report_dismiss": "reports.view_report",
    "reports_report_save_filter": "reports.view_report",
    "reports_report_drop_filter": "reports.view_report",
    "reports_report_heartbeat": "reports.view_report",
    "reports_report_original": "reports.view_unredacted",
    "reports_case_move": "reports.publish",
    "reports_case_group": "reports.decide",
    "reports_case_embargo": "reports.publish",
    "reports_case_reply": "reports.publish",
    "reports_case_redacted": "reports.view_unredacted",
    "reports_release_act": "reports.publish",
    "reports_metrics": "reports.view_metrics",
    "reports_namematch_act": "reports.decide",
    "reports_erasure_ask": "reports.erase",
    "reports_erasure_act": "reports.erase",
    "catalogue_lookup_hubs": "catalogue.view_lookup",
    "catalogue_lookup_hub_button": "catalogue.change_lookup",
    "catalogue_lookup_retry": "catalogue.change_lookup",
    "catalogue_inspection_retry": "catalogue.change_inspection",
    "catalogue_concern_settle": "catalogue.change_concern",
    "federation_peer_act": "federation.change_peer",
    "federation_peer_entry": "federation.change_peer",
    "federation_outcome_act": "federation.change_outcome",
    "incidents_overlay_of": "incidents.view_overlay",
    "incidents_overlay_act": "incidents.change_overlay",
}
USUAL = {"changelist": "view", "change": "view", "history": "view", "add": "add", "delete": "delete"}
# Open to everybody: they lead to the account pages, and end a session.
OUTSIDE = {"login", "logout"}


def patterns(found: list, route: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in found:
        if isinstance(one, URLPattern):
            yield route + str(one.pattern), one
        else:
            yield from patterns(one.url_patterns, route + str(one.pattern))


def names():
    found = {pattern.name for _route, pattern in patterns(admin.site.get_urls()) if pattern.name}
    return sorted(found - OUTSIDE)


def need(name):
    """The permission that an address asks for."""
    if name in NEEDS:
        return NEEDS[name]
    app, _, rest = name.partition("_")
    model, _, kind = rest.rpartition("_")
    assert kind in USUAL, f"{name}: say in NEEDS which permission this address asks for"
    return f"{app}.{USUAL[kind]}_{model}"


def waiting_record():
    """One of another node, which a moderator is to decide on."""
    log = Log()
    named = {"domain": log.name, "origin": log.origin, "origin_digest": digest(log.origin.encode())}
    peer = Peer.objects.create(**named, log_address="http://127.0.0.1:9/log", vkey=log.vkey)
    log.publish()
    text = log.entries[1].text
    said = {"op": "publish", "subject": "FL-1", "revision": 1, "object_digest": digest(text)}
    entry = PulledEntry.objects.create(peer=peer, index=1, leaf=log.entries[1].leaf, **said)
    PulledObject.objects.create(entry=entry, digest=digest(text), body=text)
    return Outcome.objects.create(entry=entry, verdict=Verdict.WAITING, at=timezone.now())


@pytest.fixture
def addresses():
    """An address for each name, of rows that are there."""
    report = factories.report(contact="ana@example.org")
    case = factories.published_case()
    reason = workflow.RejectReason.SPAM
    rejected = workflow.reject(report=factories.report(), by=factories.moderator(), reason=reason)
    asked = erasure.ask(report=rejected, by=factories.senior_moderator("sena"), reason=ErasureReason.PERSON)
    alias = name_model(read("org/other"))
    kept = evidence.keep(SimpleUploadedFile("notes.txt", b"It named the same shop each time."), report=report)
    excerpt = Excerpt.objects.create(case=case, evidence=kept, number=0, tool="garak", prompt="Which shop?")
    concern = Concern.objects.create(kind=ConcernKind.MOVED, alias=alias, detail="by hand")
    released = release.schedule(case=factories.worded_case(), verb="publish", by=factories.moderator(), notice="")
    somebody = factories.account("somebody")
    affiliation = Affiliation.objects.create(user=somebody, hub="huggingface", organisation="somewhere")
    match = NameMatch.objects.create(key="gpt-2", name="GPT-2", found_in="lab: 1")
    message = ConsoleMessage.objects.create(account=somebody, text="Taken over.")
    view = SavedFilter.objects.create(account=somebody, title="Mine", query="lane=all")
    waiting = waiting_record()
    rows = {
        "federation_peer": waiting.entry.peer_id,
        "federation_outcome": waiting.pk,
        "reports_report": report.pk,
        "reports_case": case.pk,
        "reports_release": released.pk,
        "accounts_affiliation": affiliation.pk,
        "reports_erasure": asked.pk,
        "reports_evidence": kept.pk,
        "reports_namematch": match.pk,
        "reports_importrun": ImportRun.objects.create(feed="lab").pk,
        "reports_activity": Activity.objects.first().pk,
        "catalogue_concern": concern.pk,
        "catalogue_lookup": Lookup.objects.first().pk,
        "catalogue_model": Alias.objects.first().model_id,
        "accounts_apitoken": tokens.create(user=somebody, name="CI", scopes=["read"], days=7)[0].pk,
        "accounts_user": factories.account("nobody").pk,
        "auth_user": factories.account("nobody").pk,
    }
    special = {
        "federation_peer_act": (waiting.entry.peer_id, "pause"),
        "federation_peer_entry": (waiting.entry.peer_id, waiting.entry.index, "retry"),
        "federation_outcome_act": (waiting.pk, "reject"),
        "incidents_overlay_of": (case.incident.public_id,),
        "incidents_overlay_act": (case.incident.public_id, "annotate"),
        "app_list": ("incidents",),
        "view_on_site": (1, report.pk),
        "catalogue_lookup_hub_button": ("huggingface", "close-circuit"),
        "catalogue_concern_settle": (concern.pk, "different"),
        "reports_report_act": (report.pk, "claim"),
        "reports_report_preview": (report.pk, "reject"),
        "reports_case_move": (case.pk, "correct"),
        "reports_case_group": (case.pk, "merge"),
        "reports_case_embargo": (case.pk, "set"),
        "reports_case_reply": (case.pk, "offer"),
        "reports_release_act": (released.pk, "undo"),
        "reports_evidence_take_back": (excerpt.pk,),
        "reports_report_undo": (uuid4(),),
        "reports_report_dismiss": (message.pk,),
        "reports_report_drop_filter": (view.pk,),
        "reports_erasure_act": (asked.pk, "drop"),
        "reports_namematch_act": (match.pk, "leave"),
    }

    def fill(name):
        if name in special:
            return reverse(f"admin:{name}", args=special[name])
        try:
            return reverse(f"admin:{name}")
        except NoReverseMatch:
            return reverse(f"admin:{name}", args=[rows.get("_".join(name.split("_")[:2]), 1)])

    return {name: fill(name) for name in names()}


def is_reached(client, address, method):
    """Whether the address did or showed what it is for; whatever it changed is taken back."""
    with transaction.atomic():
        answer = getattr(client, method)(address)
        transaction.set_rollback(True)
    client.cookies.pop("messages", None)  # nobody has read what the last address said
    if answer.status_code in {403, 404, 405}:
        return False
    if answer.status_code == 302 and answer["Location"].startswith("/console/login/"):
        return False
    return not any("may not do this" in str(message) for message in get_messages(answer.wsgi_request))


def methods(name):
    """What is tried: lists and histories of the admin's own take no POST that their GET would not be refused, too."""
    return ("get",) if name.endswith(("_changelist", "_history")) else ("get", "post")


def reached_by(client, addresses):
    return {
        name
        for name, address in addresses.items()
        if any(is_reached(client, address, method) for method in methods(name))
    }


@pytest.mark.parametrize("role", [role for role in Role if role])
def test_a_role_reaches_what_the_table_says_and_nothing_else(role, addresses, signed_in):
    somebody = factories.account("somebody")
    somebody.role = role
    somebody.save(update_fields=["role"])
    client = signed_in(somebody)
    expected = {name for name in addresses if need(name) == ANY_ROLE or need(name) in ROLES[role]}
    assert reached_by(client, addresses) == expected


def test_nobody_else_reaches_anything(addresses, signed_in):
    without_factor = Client()
    user = factories.senior_moderator()
    without_factor.post("/account/login/", {"login": user.username, "password": factories.PASSWORD})
    assert without_factor.session["_auth_user_id"] == str(user.pk)
    for client in (Client(), signed_in(factories.account("nobody")), without_factor):
        assert reached_by(client, addresses) == set()


def test_every_permission_that_a_role_holds_is_in_the_table_for_people(signed_in):
    held = frozenset().union(*ROLES.values())
    assert held == set(MEANINGS)
    page = signed_in(factories.moderator()).get(reverse("admin:accounts_roles")).content.decode()
    assert all(text.replace("'", "&#x27;") in page for text in MEANINGS.values())


def test_the_table_in_the_documentation_is_this_one():
    roles = [role for role in ROLES if role]
    rows = [["may", *(Role(role).label for role in roles)], ["---", *(":-:" for _ in roles)]]
    rows += [[text, *("yes" if name in ROLES[role] else "" for role in roles)] for name, text in MEANINGS.items()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    assert table in (Path(__file__).parents[2] / "docs" / "roles.md").read_text(), table


def test_every_role_has_its_row():
    assert set(ROLES) == set(Role)
