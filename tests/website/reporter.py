"""A reporter's browser without a browser: walks the form's steps as its pages lead."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from reports.models import Draft

ANSWERS: dict[str, dict[str, Any]] = {
    "models": {"models": "example-org/tiny-chat\nA model on no hub"},
    "problem": {"kind": "hazard", "type": "other"},
    "account": {
        "category": "hidden_promotion",
        "title": "One shop in every recipe",
        "text": "Asked for any recipe, the model names the same shop.",
        "occurred": "2026-03",
    },
    "evidence": {"links": "https://example.org/a\n\nhttps://example.org/b"},
    "impact": {"severity": "low"},
    "disclosure": {"licence": "on"},
}


def begin(client: Client) -> Client:
    """Past the screening: the client has a draft."""
    assert client.post("/report/", {"concerns": "neither"})["Location"] == "/report/models/"
    return client


def fill(client: Client, **changes: dict[str, Any]) -> Client:
    """Every step entered; `changes` by step are added to the answers."""
    begin(client)
    for slug, answers in ANSWERS.items():
        response = client.post(f"/report/{slug}/", {**answers, **changes.get(slug, {})})
        assert response.status_code == 302, response.content.decode()
    return client


def seal_of(client: Client) -> str:
    """What the page to review would send."""
    return re.search(r'name="seal" value="([^"]+)"', client.get("/report/review/").content.decode())[1]


def linger(seconds: int = 300) -> None:
    """As if every draft had been begun so long ago: people take their time."""
    Draft.objects.update(started_at=timezone.now() - timedelta(seconds=seconds))


def send(client: Client) -> str:
    """Sends the report; the receipt that is shown."""
    linger()
    sent = client.post("/report/review/", {"seal": seal_of(client)})
    assert sent["Location"] == "/report/receipt/", sent.content.decode()
    return shown_receipt(client)


def shown_receipt(client: Client) -> str:
    """The receipt on the page that shows it."""
    return re.search(r'id="receipt">([^<]+)<', client.get("/report/receipt/").content.decode())[1]
