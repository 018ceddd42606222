"""Webhooks, through the pages that make and end them and a program that really takes the calls."""

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from incidents import log as public_log
from incidents.publishing import publish
from lib.limits import Limit
from reports import news, webhooks, workflow
from reports.abuse import limits
from reports.abuse.limits import Limits
from reports.models import Webhook
from tests import factories
from tests.stand_ins.receiver import Receiver
from tests.website.test_pages import case_of, problems_of, published, text_of

pytestmark = pytest.mark.django_db

MODEL = "hub=huggingface&model=example-org%2Ftiny-chat"


@pytest.fixture
def receiver(settings):
    settings.WEBHOOKS_LOCAL = True
    with Receiver() as stand_in:
        yield stand_in


def ask(url, query=MODEL, client=None):
    client = client or Client(enforce_csrf_checks=True)
    return client.post(f"/subscribe/webhook/?{query}", {"url": url})


def made(receiver, query=MODEL):
    """The page's address and the secret, as they are shown to whoever asked."""
    text = ask(receiver.url, query).content.decode()
    return re.search(r"/webhooks/[^/]+/", text).group(), re.search(r"whsec_[A-Za-z0-9+/=]+", text).group()


def confirmed(receiver, query=MODEL):
    page, secret = made(receiver, query)
    assert webhooks.deliver_due() == 1
    receiver.calls.clear()
    return page, secret


def pass_time(**time):
    for row in Webhook.objects.all():
        Webhook.objects.filter(pk=row.pk).update(due_at=row.due_at - timedelta(**time))


def test_an_address_is_called_once_and_told_nothing_unless_it_repeats_the_challenge(receiver):
    receiver.agrees = False
    response = ask(receiver.url)
    assert response.cookies == {}
    assert response["Cache-Control"] == "no-store"
    assert webhooks.deliver_due() == 0
    (call,) = receiver.calls
    assert call.content["type"] == "webhook.challenge"
    published(models=("example-org/tiny-chat",))
    webhooks.deliver_due()
    assert len(receiver.calls) == 1
    for _ in range(webhooks.CHALLENGES):
        pass_time(days=1)
        webhooks.deliver_due()
    assert {call.content["type"] for call in receiver.calls} == {"webhook.challenge"}
    assert len(receiver.calls) == webhooks.CHALLENGES
    pass_time(days=2)
    webhooks.deliver_due()
    assert not Webhook.objects.exists()


def test_records_that_match_are_told_soon_signed_and_once(receiver):
    publish(factories.record(title="Published before anybody asked"))
    _, secret = confirmed(receiver)
    one = published(models=("example-org/tiny-chat",), title="100 % of answers name one shop")
    published(models=("org/other",), title="Of another model")
    assert webhooks.deliver_due() == 1
    assert webhooks.deliver_due() == 0
    (call,) = receiver.calls
    assert call.headers["webhook-signature"] == webhooks.signature(
        secret, call.headers["webhook-id"], int(call.headers["webhook-timestamp"]), call.body
    )
    data = call.content["data"]
    assert [item["title"] for item in data["items"]] == ["100 % of answers name one shop"]
    assert data["items"][0]["url"].endswith(f"/incidents/{one.public_id}/")
    assert data["log_number"] == public_log.head().number
    feed = Client().get(f"/incidents.feed.json?{MODEL}").json()
    assert data["items"] == feed["items"][:1]


def test_the_snippet_of_the_documentation_takes_what_we_send_and_nothing_else(receiver):
    snippets = re.findall(r"```python\n(.*?)```", Path("docs/api.md").read_text("utf-8"), re.S)
    (snippet,) = [one for one in snippets if "def is_from_faultline" in one]
    place: dict = {}
    exec(snippet, place)  # noqa: S102 - what readers copy is what is tested
    verify = place["is_from_faultline"]
    _, secret = confirmed(receiver)
    published(models=("example-org/tiny-chat",))
    webhooks.deliver_due()
    (call,) = receiver.calls
    assert verify(secret, call.headers, call.body)
    assert not verify(secret, call.headers, call.body + b" ")
    assert not verify("whsec_" + "A" * 44, call.headers, call.body)
    late = call.headers | {"webhook-timestamp": str(int(call.headers["webhook-timestamp"]) - 3600)}
    assert not verify(secret, late, call.body)


def test_corrections_and_withdrawals_are_told_too(receiver):
    incident = published(models=("example-org/tiny-chat",))
    confirmed(receiver)
    workflow.withdraw(case=case_of(incident), by=factories.senior_moderator(), notice="It was another model.")
    assert webhooks.deliver_due() == 1
    assert receiver.calls[0].content["data"]["items"][0]["title"].startswith("[withdrawn]")


def test_a_call_that_fails_is_made_again_with_the_same_id_and_records(receiver):
    page, _ = confirmed(receiver)
    published(models=("example-org/tiny-chat",), title="The first")
    receiver.answers = [500]
    assert webhooks.deliver_due() == 0
    assert "It answered 500." in text_of(Client().get(page))
    published(models=("example-org/tiny-chat",), title="The second")
    assert webhooks.deliver_due() == 0  # it waits, whatever is new
    pass_time(hours=1)
    assert webhooks.deliver_due() >= 1
    first, again, following = receiver.calls
    assert first.headers["webhook-id"] == again.headers["webhook-id"] != following.headers["webhook-id"]
    assert first.content["data"] == again.content["data"]
    assert [item["title"] for item in following.content["data"]["items"]] == ["The second"]


def test_what_fails_again_and_again_is_given_up_said_and_begins_again_where_it_stopped(receiver):
    page, _ = confirmed(receiver)
    published(models=("example-org/tiny-chat",), title="Missed")
    receiver.answers = [503] * len(webhooks.WAITS)
    for _ in webhooks.WAITS:
        webhooks.deliver_due()
        pass_time(days=2)
    assert webhooks.deliver_due() == 0
    assert len(receiver.calls) == len(webhooks.WAITS)
    shown = Client().get(page)
    assert problems_of(shown.content.decode()) == []
    assert "We have stopped calling" in text_of(shown)
    receiver.calls.clear()
    assert "It is called again now" in text_of(Client().post(page, {"action": "again"}))
    assert webhooks.deliver_due() == 1
    assert receiver.calls[0].content["data"]["items"][0]["title"] == "Missed"


def test_what_is_given_up_is_forgotten_after_a_month(receiver):
    page, _ = confirmed(receiver)
    published(models=("example-org/tiny-chat",))
    receiver.answers = [410]
    webhooks.deliver_due()
    assert "We have stopped calling" in text_of(Client().get(page))
    pass_time(days=31)
    webhooks.deliver_due()
    assert not Webhook.objects.exists()


def test_many_entries_are_told_in_several_calls_and_none_is_left_out(receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "MOST_ENTRIES", 2)
    confirmed(receiver, "kind=incident")
    titles = [f"Record {number}" for number in range(5)]
    for title in titles:
        publish(factories.record(title=title))
    assert webhooks.deliver_due() == 3
    told = [item["title"] for call in receiver.calls for item in call.content["data"]["items"]]
    assert told == titles


def test_one_post_to_the_link_in_every_body_ends_it(receiver):
    confirmed(receiver)
    published(models=("example-org/tiny-chat",))
    webhooks.deliver_due()
    link = re.search(r"/webhooks/.*", receiver.calls[0].content["data"]["unsubscribe_url"]).group()
    assert Client().get(link).status_code == 200
    assert "forgotten" in text_of(Client(enforce_csrf_checks=True).post(link))
    assert not Webhook.objects.exists()
    assert Client().get(link).status_code == 404


def test_nothing_of_the_address_or_the_secret_is_stored_open(receiver):
    page, secret = made(receiver)
    row = Webhook.objects.values().get()
    sealed = bytes(row.pop("sealed"))
    for hidden in (receiver.url, secret, page.split("/")[2]):
        assert hidden.encode() not in sealed
        assert hidden not in repr(row)
    assert secret not in text_of(Client().get(page))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Write the address"),
        ("hooks", "not an address that can be called"),
        ("ftp://example.org/", "not an address that can be called"),
        ("https://example.org:port/", "not an address that can be called"),
        ("https://exa mple.org/", "not an address that can be called"),
        ("http://example.org/hooks", "Only addresses with https"),
        ("https://user:word@example.org/hooks", "Leave the user and the password out"),
        ("https://127.0.0.1/", "not on the public internet"),
        ("https://10.0.0.1/", "not on the public internet"),
        ("https://169.254.169.254/latest/meta-data/", "not on the public internet"),
        ("https://[::ffff:10.0.0.1]/", "not on the public internet"),
    ],
)
def test_what_is_not_taken_is_said(url, sentence):
    response = ask(url)
    assert response.status_code == 400
    assert sentence in text_of(response)
    assert problems_of(response.content.decode()) == []
    assert not Webhook.objects.exists()


def test_a_name_that_leads_inside_is_never_called(receiver, settings):
    page, _ = made(receiver)
    settings.WEBHOOKS_LOCAL = False
    assert webhooks.deliver_due() == 0
    assert receiver.calls == []
    assert "not on the public internet" in text_of(Client().get(page))


def test_redirects_are_not_followed(receiver):
    page, _ = made(receiver)
    with Receiver() as elsewhere:
        receiver.answers, receiver.location = [307], elsewhere.url
        assert webhooks.deliver_due() == 0
        assert elsewhere.calls == []
    assert "It answered 307." in text_of(Client().get(page))


def test_no_host_is_buried_in_challenges(receiver):
    statuses = [ask(receiver.url, f"kind={kind}").status_code for kind in ("incident", "hazard", "exercise", "")]
    assert statuses == [200, 200, 200, 400]


def test_a_network_that_asks_very_often_waits(receiver, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, limits.SUBSCRIBE, Limits(each=Limit(1, 3600)))
    client = Client(REMOTE_ADDR="203.0.113.78")
    assert [ask(receiver.url, client=client).status_code for _ in range(2)] == [200, 429]


def test_pages_are_sound_and_bad_filters_are_said(receiver):
    assert problems_of(Client().get(f"/subscribe/webhook/?{MODEL}").content.decode()) == []
    assert Client().get("/subscribe/webhook/?kind=nonsense").status_code == 400
    shown = ask(receiver.url)
    assert problems_of(shown.content.decode()) == []
    page = re.search(r"/webhooks/[^/]+/", shown.content.decode()).group()
    assert "being asked" in text_of(Client().get(page))
    webhooks.deliver_due()
    assert "The address agreed" in text_of(Client().get(page))


def test_news_are_as_the_log_stood_then(receiver):
    incident = published(models=("example-org/tiny-chat",), title="As it was")
    until = public_log.head().number
    workflow.dispute(case=case_of(incident), by=factories.moderator(), notice="The publisher disagrees.")
    (document,) = news.changed(MODEL, after=0, until=until, most=10)
    assert document["status"] == "published"


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_make_each_call_once(receiver):
    confirmed(receiver)
    published(models=("example-org/tiny-chat",))
    Webhook.objects.update(due_at=timezone.now())

    def work():
        try:
            webhooks.deliver_due()
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(receiver.calls) == 1
