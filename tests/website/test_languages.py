"""Pages in two languages: the path says which, and nothing else does."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from config import messages

pytestmark = pytest.mark.django_db


def test_the_path_says_the_language_and_neither_a_cookie_nor_a_header_does(client: Client) -> None:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    english = client.get("/about/", headers={"accept-language": "es"})
    spanish = client.get("/es/about/", headers={"accept-language": "en"})
    assert '<html lang="en" dir="ltr">' in english.content.decode()
    assert '<html lang="es" dir="ltr">' in spanish.content.decode()
    assert (english["Content-Language"], spanish["Content-Language"]) == ("en", "es")
    assert not any("language" in answer.get("Vary", "").lower() for answer in (english, spanish))
    assert [*english.cookies, *spanish.cookies] == []


def test_a_language_ends_with_its_request(client: Client) -> None:
    client.get("/es/about/")
    assert translation.get_language() == "en"
    assert client.get("/es/no-such-page/").status_code == 404
    assert translation.get_language() == "en"


def test_each_language_is_revalidated_by_itself(client: Client) -> None:
    english, spanish = client.get("/about/"), client.get("/es/about/")
    assert english["ETag"] != spanish["ETag"]
    assert client.get("/es/about/", headers={"if-none-match": spanish["ETag"]}).status_code == 304
    assert client.get("/es/about/", headers={"if-none-match": english["ETag"]}).status_code == 200


def test_a_page_names_its_editions_with_its_query(client: Client) -> None:
    for address in ("/incidents/?q=pickle&severity=high", "/es/incidents/?q=pickle&severity=high"):
        page = client.get(address).content.decode()
        for code, prefix in (("en", ""), ("es", "/es"), ("x-default", "")):
            link = f'hreflang="{code}" href="{settings.BASE_URL}{prefix}/incidents/?q=pickle&amp;severity=high"'
            assert link in page
        assert '<a href="/es/incidents/?q=pickle&amp;severity=high" lang="es" hreflang="es"' in page


def test_links_of_a_spanish_page_stay_spanish_but_for_what_has_one_edition(client: Client) -> None:
    page = client.get("/es/").content.decode()
    links = set(re.findall(r'href="(/[^"#?]*)', page))
    elsewhere = {link for link in links if not link.startswith(("/es/", "/static/", "/api/v1/", "/.well-known/"))}
    assert elsewhere == {"/", "/console/", "/incidents.atom", "/incidents.feed.json"}
    assert '<a href="/" lang="en"' in page


@pytest.mark.parametrize(
    "path", ["/incidents.csv?severity=high", "/statistics.csv", "/api/v1/incidents", "/console/", "/log/checkpoint"]
)
def test_what_has_one_edition_is_led_to(client: Client, path: str) -> None:
    answer = client.get(f"/es{path}")
    assert (answer.status_code, answer["Location"]) == (301, path)


@pytest.mark.parametrize("path", ["/es/es/about/", "/en/about/", "/es/no-such-page/", "/es//evil.example/", "/esx/"])
def test_no_other_prefix_is_a_language(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_an_address_without_its_last_slash_keeps_its_language(client: Client) -> None:
    for path in ("/es", "/es/about"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (301, f"{path}/")


def test_a_view_with_another_canonical_address_keeps_its_language(client: Client) -> None:
    answer = client.get("/es/incidents/?severity=high&nonsense=1")
    assert (answer.status_code, answer["Location"]) == (301, "/es/incidents/?severity=high")


def test_the_compiled_catalogue_is_what_its_source_says() -> None:
    for code in messages.languages():
        place = messages.catalogue_file(code)
        assert place.with_suffix(".mo").read_bytes() == messages.compiled(messages.read(code)), "run `make messages`"


def test_every_marked_message_is_in_the_catalogue_and_no_other() -> None:
    marked = {(message.context, message.id) for message in messages.marked() if message.id}
    for code in messages.languages():
        assert {(message.context, message.id) for message in messages.read(code) if message.id} == marked


def test_names_of_addresses_are_made_in_the_language_of_the_page() -> None:
    with translation.override("es"):
        assert reverse("website:about") == "/es/about/"
        assert reverse("files:incidents", args=["csv"]) == "/incidents.csv"
        assert reverse("api:incidents") == "/api/v1/incidents"
