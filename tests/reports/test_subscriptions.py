"""Subscriptions by mail, through a real SMTP server and the pages that its links lead to."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.publishing import publish
from lib.limits import Limit
from reports import subscriptions, workflow
from reports.abuse import limits
from reports.abuse.limits import Limits
from reports.models import Subscription
from tests import factories
from tests.reports.test_mail import server
from tests.website.test_pages import case_of, problems_of, published, text_of

pytestmark = pytest.mark.django_db

__all__ = ["server"]  # a fixture
ADDRESS = "ana.canary@example.org"
MODEL = "hub=huggingface&model=example-org%2Ftiny-chat"


def ask(query=MODEL, address=ADDRESS, days="1", client=None):
    client = client or Client(enforce_csrf_checks=True)
    return client.post(f"/subscribe/?{query}", {"address": address, "days": days})


def link_in(mail):
    return re.search(r"(/subscribe/\S+/)", mail.get_content()).group(1)


def confirmed(server, query=MODEL):
    ask(query)
    subscriptions.send_due()
    link = link_in(server.arrived[-1][1])
    assert "You are subscribed" in text_of(Client().post(link, {"action": "confirm"}))
    server.arrived.clear()
    return link


def pass_time(**time):
    for row in Subscription.objects.all():
        Subscription.objects.filter(pk=row.pk).update(due_at=row.due_at - timedelta(**time))


def test_an_address_is_asked_once_and_told_nothing_without_its_word(server):
    response = ask()
    assert "Look into your mail" in text_of(response)
    assert response.cookies == {}
    assert subscriptions.send_due() == 1
    ((to, mail),) = server.arrived
    assert to == [ADDRESS]
    assert "hub: huggingface; model: example-org/tiny-chat" in mail.get_content()
    published(models=("example-org/tiny-chat",))
    assert subscriptions.send_due() == 0
    pass_time(days=4)
    assert subscriptions.send_due() == 0
    assert not Subscription.objects.exists()


def test_the_address_is_stored_sealed_alone(server):
    ask()
    row = Subscription.objects.values().get()
    assert ADDRESS.encode() not in bytes(row.pop("sealed"))
    assert ADDRESS not in repr(row)


def test_looking_at_the_link_changes_nothing(server):
    ask()
    subscriptions.send_due()
    link = link_in(server.arrived[0][1])
    page = Client().get(link)
    assert problems_of(page.content.decode()) == []
    assert page["Cache-Control"] == "no-store"
    row = Subscription.objects.get()
    assert row.confirmed_at is None


def test_news_that_match_are_told_once_when_due(server):
    publish(factories.record(title="Published before anybody subscribed"))
    confirmed(server)
    one = published(models=("example-org/tiny-chat",), title="100 % of answers name one shop")
    published(models=("org/other",), title="Of another model")
    assert subscriptions.send_due() == 0
    pass_time(days=1)
    assert subscriptions.send_due() == 1
    text = server.arrived[0][1].get_content()
    assert "100 % of answers name one shop" in text
    assert f"/incidents/{one.public_id}/" in text
    assert "Of another model" not in text
    assert "before anybody subscribed" not in text
    pass_time(days=1)
    assert subscriptions.send_due() == 0


def test_a_correction_is_news_too(server):
    incident = published(models=("example-org/tiny-chat",))
    confirmed(server)
    workflow.dispute(case=case_of(incident), by=factories.moderator(), notice="The publisher disagrees.")
    pass_time(days=1)
    assert subscriptions.send_due() == 1
    assert "(disputed)" in server.arrived[0][1].get_content()


def test_weekly_is_weekly(server):
    ask(days="7")
    subscriptions.send_due()
    Client().post(link_in(server.arrived[0][1]), {"action": "confirm"})
    published(models=("example-org/tiny-chat",))
    pass_time(days=6)
    assert subscriptions.send_due() == 0
    pass_time(days=1)
    assert subscriptions.send_due() == 1


def test_one_click_of_a_mail_program_ends_it(server):
    confirmed(server)
    published(models=("example-org/tiny-chat",))
    pass_time(days=1)
    subscriptions.send_due()
    mail = server.arrived[0][1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<.*(/subscribe/.*/)>", mail["List-Unsubscribe"].replace("\n", "")).group(1)
    posted = Client(enforce_csrf_checks=True).post(link, {"List-Unsubscribe": "One-Click"})
    assert "your address is forgotten" in text_of(posted)
    assert not Subscription.objects.exists()
    assert Client().get(link).status_code == 404


def test_asking_again_is_answered_alike_and_asks_nobody_twice(server):
    first, again = ask(), ask(address=ADDRESS.upper())
    assert text_of(first) == text_of(again)
    assert subscriptions.send_due() == 1


def test_nobody_is_buried_in_questions(server):
    for category in ("backdoor", "misuse", "bias", "hidden_promotion"):
        ask(f"category={category}" if category != "bias" else "kind=hazard")
    assert subscriptions.send_due() == subscriptions.MOST_UNCONFIRMED


def test_a_mail_that_cannot_be_delivered_waits_and_one_that_is_refused_ends_it(server):
    ask()
    server.refusal = "451 not now"
    assert subscriptions.send_due() == 0
    row = Subscription.objects.get()
    assert row.asked_at is None
    assert ADDRESS not in row.last_error
    server.refusal = "550 no such user"
    Subscription.objects.update(due_at=timezone.now())
    subscriptions.send_due()
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("query", "address", "days", "sentence"),
    [
        (MODEL, "nobody", "1", "This is not a mail address"),
        (MODEL, "", "1", "Write your mail address"),
        (MODEL, "a@example.org\r\nBcc: b@example.org", "1", "This is not a mail address"),
        (MODEL, ADDRESS, "2", "Select a valid choice"),
        ("kind=nonsense", ADDRESS, "1", "kind"),
    ],
)
def test_what_is_not_taken_is_said(server, query, address, days, sentence):
    response = ask(query, address, days)
    assert response.status_code == 400
    assert sentence in text_of(response)
    assert not Subscription.objects.exists()


def test_a_node_without_mail_says_so(settings):
    settings.MAIL_ON = False
    assert "This node sends no mail" in text_of(Client().get("/subscribe/"))
    assert ask().status_code == 400


def test_a_network_that_asks_very_often_waits(server, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, limits.SUBSCRIBE, Limits(each=Limit(1, 3600)))
    client = Client(REMOTE_ADDR="203.0.113.77")
    assert [ask(f"kind={kind}", client=client).status_code for kind in ("incident", "hazard")] == [200, 429]


def test_a_made_up_link_confirms_nothing(server):
    ask()
    assert Client().post("/subscribe/made-up/", {"action": "confirm"}).status_code == 404
    assert Subscription.objects.get().confirmed_at is None
