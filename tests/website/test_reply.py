"""The right of reply, as a model's publisher and the moderators meet it."""

import json
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from config.logs import without_links
from incidents.models import Incident
from reports import embargo, reply, statements, workflow
from reports.actors import NotReadyError
from reports.models import Activity, ReplyLink, Statement
from tests import factories

pytestmark = pytest.mark.django_db


def offered(case, **more):
    """The address of a link a moderator made."""
    made = reply.make_link(case=case, by=factories.moderator(), publisher="Example Org", **more)
    return f"/reply/{made.token}/"


def answer(**changes):
    """What the form sends when the publisher disputes the first revision."""
    return {
        "text": "We have tested it. It **does not** do that.",
        "revisions-TOTAL_FORMS": "3",
        "revisions-INITIAL_FORMS": "1",
        "revisions-0-model": "0",
        "revisions-0-status": "disputed",
        "revisions-1-model": "0",
        "revisions-2-model": "0",
        **changes,
    }


@pytest.fixture
def publisher():
    return Client(enforce_csrf_checks=True)


class TestThePage:
    def test_shows_what_is_said_and_is_kept_by_nobody(self, publisher):
        page = publisher.get(offered(factories.published_case()))
        text = page.content.decode()
        assert "Chat model recommends one shop" in text
        assert "This is public as" in text
        assert "no-store" in page["Cache-Control"]
        assert page["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page["X-Robots-Tag"]
        assert not page.cookies

    def test_reading_it_changes_nothing(self, publisher):
        address = offered(factories.published_case())
        before = Activity.objects.count()
        publisher.get(address)
        publisher.head(address)
        assert Activity.objects.count() == before
        assert ReplyLink.objects.get().acknowledged_at is None

    def test_shows_the_wording_of_the_moment_it_was_offered_and_when_the_embargo_ends(self, publisher):
        case = factories.worded_case()
        until = timezone.now() + timedelta(days=9)
        embargo.set_embargo(case=case, by=factories.moderator(), until=until, reason="They fix it.")
        address = offered(case)
        type(case).objects.filter(pk=case.pk).update(title="A draft written later", summary="Nobody has read it.")
        text = publisher.get(address).content.decode()
        assert "A draft written later" not in text
        assert "It is not public" in text
        assert f"{until:%-d %B %Y, %H:%M} UTC" in text
        assert "They fix it." not in text

    def test_is_acknowledged_by_a_press_and_can_still_be_answered(self, publisher):
        address = offered(factories.published_case())
        publisher.post(address, {"acknowledge": "yes"})
        first = ReplyLink.objects.get().acknowledged_at
        publisher.post(address, {"acknowledge": "yes"})
        assert ReplyLink.objects.get().acknowledged_at == first
        assert Activity.objects.filter(verb="acknowledge").count() == 1
        assert "You confirmed on" in publisher.get(address).content.decode()

    @pytest.mark.parametrize("end", ["unknown", "expired", "revoked", "withdrawn"])
    def test_says_the_same_of_every_link_that_leads_nowhere(self, publisher, end):
        case = factories.published_case()
        address, row = offered(case), ReplyLink.objects.get()
        if end == "unknown":
            address = address[:-4] + "xyz/"
        if end == "expired":
            ReplyLink.objects.update(made_at=timezone.now() - timedelta(days=11), expires_at=timezone.now())
        if end == "revoked":
            reply.revoke(link=row, by=factories.second_moderator())
        if end == "withdrawn":
            workflow.withdraw(case=case, by=factories.senior_moderator(), notice="Another model.")
        got, posted = publisher.get(address), publisher.post(address, answer())
        assert got.status_code == posted.status_code == 404
        assert "This link leads nowhere" in got.content.decode()
        assert not Statement.objects.exists()


class TestTheAnswer:
    def test_is_sent_once_and_then_the_link_says_where_it_stands(self, publisher):
        address = offered(factories.published_case())
        page = publisher.post(address, answer(), follow=True)
        assert "Your answer has arrived" in page.content.decode()
        publisher.post(address, answer(text="Another."))
        assert Statement.objects.get().text.startswith("We have tested it.")
        assert Statement.objects.get().disputes

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"text": " ", "revisions-0-status": ""}, "Write a statement"),
            ({"text": "x" * 10_001}, "at most 10000 characters"),
            ({"revisions-0-status": "fixed"}, "Name the revision that fixed it"),
            ({"revisions-0-status": "affected", "revisions-0-fixed_in": "abc"}, "Name the revision that fixed it"),
            ({"revisions-0-revision": "two words"}, "one word"),
            ({"revisions-0-revision": "a\u202eb"}, "one word"),
            ({"revisions-0-model": "7"}, "valid choice"),
            ({"revisions-0-status": "perfect"}, "valid choice"),
            ({"revisions-TOTAL_FORMS": "999"}, "at most 20"),
            ({"revisions-TOTAL_FORMS": "x"}, "tampered"),
            ({"text": "x\x00"}, "Null characters"),
        ],
    )
    def test_that_cannot_be_read_is_explained_and_kept_in_the_form(self, publisher, changes, says):
        page = publisher.post(offered(factories.published_case()), answer(**changes))
        assert page.status_code == 400
        assert says in page.content.decode()
        assert not Statement.objects.exists()
        assert Incident.objects.get().status == "published"

    def test_never_changes_afterwards(self):
        case = factories.published_case()
        made = reply.make_link(case=case, by=factories.moderator(), publisher="Example Org")
        statements.give(link=made.link, text="Ours.", statuses=[])
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Statement.objects.update(text="Theirs.")

    def test_is_public_only_once_a_moderator_has_approved_it(self, publisher, signed_in):
        case = factories.published_case()
        publisher.post(
            offered(case),
            answer(
                text="Fixed, <script>alert(1)</script> **thank you**.",
                **{
                    "revisions-0-status": "fixed",
                    "revisions-0-fixed_in": "f" * 40,
                    "revisions-1-status": "not_affected",
                    "revisions-1-revision": "v0.9",
                },
            ),
        )
        record = f"/incidents/{case.incident.public_id}/"
        assert "What the publisher says" not in Client().get(record).content.decode()
        sami, statement = signed_in(factories.second_moderator()), Statement.objects.get()
        page = sami.get(f"/console/reports/case/{case.pk}/change/").content.decode()
        assert "Fixed, &lt;script&gt;" in page
        act = f"/console/reports/case/{case.pk}/reply"
        sami.post(f"{act}/approve/", {"number": statement.pk, "take_over": "on"})
        public = Client().get(record).content.decode()
        assert "<strong>thank you</strong>" in public
        assert "<script>alert" not in public
        document = json.loads(bytes(Incident.objects.get().document))
        assert (document["version"], document["status"]) == (2, "published")
        assert [said["status"] for said in document["statements"][0]["statuses"]] == ["fixed", "not_affected"]
        # What moderators took over waits for a correction, as every change of ours does.
        assert "fixed_in" not in document["affected"][0]
        workflow.correct(case=case, by=factories.second_moderator(), notice="Fixed revisions added.")
        corrected = json.loads(bytes(Incident.objects.get().document))["affected"][0]
        assert (corrected["fixed_in"], corrected["not_affected_in"]) == (["f" * 40], ["v0.9"])
        assert "f" * 40 in Client().get(record).content.decode()

    def test_is_declined_with_a_reason_and_stays_private(self, publisher, signed_in):
        case = factories.published_case()
        publisher.post(offered(case), answer(text="The reporter is Ana Example.", **{"revisions-0-status": ""}))
        sami, statement = signed_in(factories.second_moderator()), Statement.objects.get()
        address = f"/console/reports/case/{case.pk}/reply/decline/"
        assert "Say why." in sami.post(address, {"number": statement.pk}, follow=True).content.decode()
        sami.post(address, {"number": statement.pk, "note": "It names the reporter."})
        statement.refresh_from_db()
        assert statement.state == "declined"
        assert Incident.objects.get().version == 1


class TestTheLink:
    def test_is_stored_nowhere_and_shown_once(self, signed_in):
        case = factories.published_case()
        mira = signed_in(factories.moderator())
        address = f"/console/reports/case/{case.pk}/reply/offer/"
        shown = mira.post(address, {"publisher": "Example Org", "days": "10"}).content.decode()
        token = re.search(r"/reply/([A-Za-z0-9_-]{32})/", shown)[1]
        assert Client().get(f"/reply/{token}/").status_code == 200
        assert token not in mira.get(f"/console/reports/case/{case.pk}/change/").content.decode()
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(r)::text FROM reports_replylink r")
            assert token not in cursor.fetchone()[0]
            cursor.execute("SELECT string_agg(row_to_json(r)::text, '') FROM reports_activity r")
            assert token not in cursor.fetchone()[0]

    def test_is_mailed_where_the_node_sends_mail_and_only_the_domain_is_kept(self, settings, signed_in):
        settings.MAIL_ON = True
        case = factories.published_case()
        answers = {"publisher": "Example Org", "address": "ana@example.org", "days": "3"}
        page = signed_in(factories.moderator()).post(
            f"/console/reports/case/{case.pk}/reply/offer/", answers, follow=True
        )
        assert "mailed to somebody at example.org" in page.content.decode()
        (sent,) = mail.outbox
        assert sent.to == ["ana@example.org"]
        path = re.search(r"http://testserver(/reply/\S+/)", sent.body)[1]
        assert Client().get(path).status_code == 200
        assert ReplyLink.objects.get().mailed_to == "example.org"
        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(row_to_json(r)::text, '') FROM reports_activity r")
            assert "ana@" not in cursor.fetchone()[0]

    def test_that_cannot_be_mailed_is_not_made(self, settings, signed_in):
        settings.MAIL_ON = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        case = factories.published_case()
        answers = {"publisher": "Example Org", "address": "ana@example.org", "days": "3"}
        page = signed_in(factories.moderator()).post(
            f"/console/reports/case/{case.pk}/reply/offer/", answers, follow=True
        )
        assert "could not be sent" in page.content.decode()
        assert not ReplyLink.objects.exists()

    def test_needs_something_to_read(self):
        case = factories.worded_case(summary="")
        with pytest.raises(NotReadyError, match="title and a summary"):
            offered(case)
        with pytest.raises(NotReadyError, match="1 to 90 days"):
            offered(factories.worded_case(), days=91)

    def test_leaves_no_trace_in_the_log_when_it_is_mistyped(self):
        event = without_links(None, "", {"event": "Not Found: /reply/abcDEF_-123/", "status": 404})
        assert event == {"event": "Not Found: /reply/.../", "status": 404}
