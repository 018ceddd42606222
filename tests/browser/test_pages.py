"""Every public page in a browser: it renders, keeps to the policy, asks nobody else, and its links lead somewhere."""

from collections.abc import Callable, Iterator
from itertools import cycle
from urllib.parse import quote, urldefrag, urljoin, urlsplit

import pytest
from django.test import override_settings
from django.utils import timezone
from lxml import html
from pytest_django.live_server_helper import LiveServer

from catalogue.lookups import look_up_due
from catalogue.models import Lookup
from incidents import publishing
from reports import webhooks, workflow
from tests import factories
from tests.browser.conftest import AXE, OF_LOOKS, Visit, tabs
from tests.conftest import empty_what_was_used
from tests.markup import problems
from tests.stand_ins.huggingface import StandInHub, example_model

# The tests themselves write nothing; what the node serves is committed once, by `site`.
pytestmark = pytest.mark.django_db

SHA = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
SIZES = {
    "wide": {"width": 1280, "height": 900},
    "smallest": {"width": 320, "height": 640},
}
# Of two pages that follow each other, which share most of what is on them, each has two of the four.
LOOKS = ((("wide", "light"), ("smallest", "dark")), (("smallest", "light"), ("wide", "dark")))
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STATUSES = {"erased record": 410, "not found": 404, "bad address": 400}
MOST_CRAWLED = 150


@pytest.fixture(scope="module")
def hub() -> Iterator[StandInHub]:
    """A hub with a model, what it derives from in two steps, and long names."""
    base, between = "example-organisation-with-a-long-name/base-model-with-a-long-name-7B-v0.1-Instruct", "org/between"
    models = [
        example_model("example-org/tiny-chat", tags=[f"base_model:quantized:{between}", f"base_model:merge:{base}"]),
        example_model(between, tags=[f"base_model:finetune:{base}"]),
        example_model(base, cardData={"license": "cc-by-nc-4.0"}, gated="manual"),
    ]
    with StandInHub(models) as stand_in, override_settings(HUB_ENDPOINTS={"huggingface": stand_in.url}):
        yield stand_in


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker, hub) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a node, and one page of each type by name: all tests here only look at it."""
    server = None
    with django_db_blocker.unblock():
        try:
            pages = pages_on(hub)
            server = LiveServer("localhost")
            yield server.url, pages
        finally:
            if server:
                server.stop()
            empty_what_was_used()


@pytest.fixture
def visit(browser, site) -> Iterator[Callable[..., Visit]]:
    """Opens a tab on that node."""
    with tabs(browser, site[0]) as open_tab:
        yield open_tab


@pytest.fixture
def pages(site) -> dict[str, str]:
    """The paths of its pages by name."""
    return site[1]


def pages_on(hub: StandInHub) -> dict[str, str]:
    """Makes a few records, asks the hub, and changes a model there."""
    by = factories.senior_moderator()
    factories.published_case(
        by=by, reported=factories.report(models=(list(hub.models)[-1],)), title="On the base", severity="high"
    )
    named = (f"pkg:huggingface/example-org/tiny-chat@{SHA}", "example-org/other", "A model on no hub")
    case = factories.worded_case(by=by, reported=factories.report(models=named), other_ids=["AIID-313"])
    workflow.publish(case=case, by=by)
    case.refresh_from_db()
    look_up_due()
    hub.put(hub.models["example-org/tiny-chat"][0] | {"siblings": [], "gated": "auto", "cardData": {"license": "mit"}})
    Lookup.objects.update(due_at=timezone.now())
    look_up_due()
    workflow.dispute(case=case, by=by, notice="The publisher disagrees.")
    withdrawn = factories.published_case(by=by, title="A record soon withdrawn")
    workflow.withdraw(case=withdrawn, by=by, notice="It was another model.")
    erased = factories.published_case(by=by, title="A record soon erased")
    publishing.erase(erased.incident.public_id, reason=publishing.ErasureReason.PERSON)
    return {
        "home": "/",
        "list": "/incidents/?severity=low&q=shop",
        "table": "/incidents/?density=table",
        "compact": "/incidents/?density=compact&status=disputed&status=published",
        "nothing found": "/incidents/?q=nothing-has-this&severity=low",
        "statistics": "/statistics/",
        "one chart": "/statistics/?by=category&over=occurred_year",
        "organisations": "/organisations/",
        "organisation": "/organisations/huggingface/example-org/",
        "taxonomies": "/taxonomies/",
        "taxonomy": "/taxonomies/faultline/",
        "term": "/taxonomies/faultline/backdoor/",
        "family": f"/families/huggingface/{list(hub.models)[-1]}/",
        "comparison": f"/compare/?m=example-org%2Ftiny-chat&m={quote(list(hub.models)[-1], safe='')}&m=no%2Fsuch",
        "origins": "/origins/",
        "data": "/data/",
        "record": f"/incidents/{case.incident.public_id}/",
        "record's changes": f"/incidents/{case.incident.public_id}/changes/",
        "check": "/check/",
        "subscribe": "/subscribe/?kind=hazard",
        "subscribe by call": "/subscribe/webhook/?kind=hazard",
        "card of a record": f"/embed/incidents/{case.incident.public_id}/",
        "card of a model": "/embed/models/huggingface/example-org/tiny-chat/",
        "withdrawn record": f"/incidents/{withdrawn.incident.public_id}/",
        "model": "/models/huggingface/example-org/tiny-chat/",
        "base model": f"/models/huggingface/{list(hub.models)[-1]}/",
        "model between": "/models/huggingface/org/between/",
        "method": "/about/",
        "report": "/report/",
        "status": "/report/status/",
        "api": "/api/docs",
        "kinds of errors": "/api/problems/",
        "own webhook": f"/webhooks/{webhooks.ask(url='https://hooks.example.org/faultline', query='').token}/",
        "erased record": f"/incidents/{erased.incident.public_id}/",
        "not found": "/nothing/",
        "bad address": "/incidents/?kind=x",
    }


def test_every_page_is_within_the_policy_and_accessible_in_both_schemes_and_widths(visit, pages):
    """Each page is opened once, and looked at wide and narrow, light and dark; each type of page in one of two ways."""
    tab = visit(reduced_motion="reduce")  # else colours are read while they change
    for (name, path), looks in zip(pages.items(), cycle(LOOKS)):
        page = tab.go(path, status=STATUSES.get(name, 200))
        page.evaluate(AXE)
        for number, (size, scheme) in enumerate(looks):
            page.set_viewport_size(SIZES[size])
            page.emulate_media(color_scheme=scheme)
            assert _over(page) <= 0, f"{name} scrolls sideways, {size}"
            # What colours and widths change is all that has to be asked again.
            only = {"runOnly": TAGS} if number == 0 else {"runOnly": {"type": "rule", "values": OF_LOOKS}}
            found = page.evaluate("only => axe.run(document, {...only, resultTypes: ['violations']})", only)
            violations = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
            assert violations == [], f"{name}, {size}, {scheme}"


def test_every_page_is_whole_without_scripts(visit, pages):
    tab = visit(java_script_enabled=False, viewport=SIZES["smallest"], color_scheme="dark")
    for name, path in pages.items():
        page = tab.go(path, status=STATUSES.get(name, 200))
        assert page.locator("main h1").count() == 1
        assert page.locator("main h1").is_visible()
        assert _over(page) <= 0, f"{name} scrolls sideways"


def _over(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_every_page_is_sound_html(client, pages):
    for name, path in pages.items():
        response = client.get(path)
        response = client.get(response["Location"]) if "Location" in response else response
        assert problems(response.content.decode()) == [], name


def test_styles_and_fonts_are_really_loaded(visit, pages):
    page = visit().go(pages["home"])
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('600 20px \"Source Serif 4\"'))")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily").startswith('"Source Serif 4"')
    light = page.evaluate("getComputedStyle(document.body).color")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") != light


def test_the_keyboard_reaches_the_content_first(visit, pages):
    page = visit().go(pages["record"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_filters_work_without_scripts(visit, pages):
    tab = visit(java_script_enabled=False)
    page = tab.go("/incidents/")
    page.check("input[name=severity][value=low]")
    page.fill("#q", "shop")
    page.click(".filters button")
    assert "severity=low" in page.url
    assert page.locator(".row").count() == 1
    page.click(".chips a >> nth=0")
    assert page.input_value("#q") == ""
    assert page.locator("input[name=severity][value=low]").is_checked()


def test_no_internal_link_is_broken(client, pages):
    seen, todo = set(), [path for name, path in pages.items() if name not in STATUSES]
    while todo and len(seen) < MOST_CRAWLED:
        address = todo.pop(0)
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        while "Location" in answer:
            answer = client.get(answer["Location"])
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200, address
        if not answer["Content-Type"].startswith("text/html") or answer.request["PATH_INFO"].startswith("/console"):
            continue
        page = html.fromstring(body)
        for link in page.xpath("//a/@href"):
            target, fragment = urldefrag(urljoin(address, link))
            if urlsplit(target).scheme:
                continue
            assert not fragment or target != urldefrag(address)[0] or page.xpath("//*[@id=$id]", id=fragment), (
                f"{address}: #{fragment}"
            )
            todo.append(target)
    assert len(seen) > len(pages)


def test_single_keys_go_to_the_search_and_through_the_records_and_can_be_switched_off(visit, pages):
    page = visit().go("/incidents/")
    focused = "document.activeElement.textContent"
    titles = page.locator(".row-title a").all_text_contents()
    page.keyboard.press("j")
    assert page.evaluate(focused) == titles[0]
    page.keyboard.press("j")
    assert page.evaluate(focused) == titles[1]
    page.keyboard.press("k")
    assert page.evaluate(focused) == titles[0]
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("j?/k")
    assert page.input_value("#q") == "j?/k"
    page.locator("h1").click()
    page.keyboard.press("Control+j")
    page.keyboard.press("?")
    assert page.locator("#keys h2").is_visible()
    page.evaluate(AXE)
    assert page.evaluate("axe.run('#keys').then(found => found.violations.map(one => one.id))") == []
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.locator("#keys h2").is_visible()
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate(focused) not in titles
    assert page.evaluate("[document.cookie, Object.keys(localStorage).join()]") == ["", "faultline-keys"]
    page.click("#keys-open")
    page.check("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate(focused) == titles[0]
    assert page.evaluate("localStorage.length") == 0


def test_without_scripts_there_is_no_word_of_single_keys(visit, pages):
    page = visit(java_script_enabled=False).go("/incidents/")
    assert not page.locator("#keys-open").is_visible()
    assert not page.locator("#keys").is_visible()
