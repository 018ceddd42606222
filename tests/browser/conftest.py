"""A real browser against a real server. Skipped where no Chromium is installed."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from accounts.models import User
from tests.stand_ins.huggingface import StandInHub, example_model
from tests.waiting import PATIENCE

# axe-core as a package brings it, with the version that the requirements pin.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
# Its rules whose answer follows from colours and widths.
OF_LOOKS = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
CHROMIUM = shutil.which("chromium", path=f"{os.environ.get('PATH', '')}:/usr/bin")
_ARGUMENTS = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TELLS = """
addEventListener("securitypolicyviolation", e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of a file."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    # Playwright's event loop runs in this thread; Django would refuse the tests' own queries beside it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*root, *_ARGUMENTS])
            yield chromium
            chromium.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def hub(settings: Any) -> Iterator[StandInHub]:
    """The hub that the form asks, with one model."""
    with StandInHub([example_model("example-org/tiny-chat")]) as hub:
        settings.HUB_ENDPOINTS = {"huggingface": hub.url}
        yield hub


@dataclass
class Visit:
    """A tab that keeps what went wrong in it. `base` is the server's address."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str, *, status: int = 200) -> Page:
        """Opens a page and expects its status."""
        response = self.page.goto(self.base + path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        return self.page

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps what the console says, but for a status we asked for and fonts a tab in the background cannot use."""
        expected = ("the server responded with a status of 4", "was preloaded using link preload but not used")
        if message.type in ("error", "warning") and not any(words in message.text for words in expected):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def watch(self, request: Request) -> None:
        """Keeps requests to anybody else."""
        if urlsplit(request.url).netloc != urlsplit(self.base).netloc and not request.url.startswith("data:"):
            self.complaints.append(f"{self.page.url} asked for {request.url}")


@contextmanager
def tabs(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Opens tabs on a server; at the end nothing may have gone wrong in them."""
    opened: list[tuple[BrowserContext, Visit]] = []

    def open_tab(**options: object) -> Visit:
        context = browser.new_context(**options)
        context.set_default_timeout(1000 * PATIENCE)
        tab = Visit(context.new_page(), address)
        if options.get("java_script_enabled", True):
            context.add_init_script(_TELLS)
        context.on("request", tab.watch)
        tab.page.on("console", tab.hear)
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        opened.append((context, tab))
        return tab

    try:
        yield open_tab
    finally:
        complaints = [complaint for _, tab in opened for complaint in tab.complaints]
        for context, _ in opened:
            context.close()
    assert complaints == []


def looks(page: Page, *widths: int) -> Iterator[str]:
    """The page at each width, light and dark; what to call it there."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            yield f"{page.url}, {width} wide, {scheme}"


@pytest.fixture
def visit(browser: Browser, live_server) -> Iterator[Callable[..., Visit]]:
    """Opens a tab on the node of this test."""
    with tabs(browser, live_server.url) as open_tab:
        yield open_tab


@pytest.fixture
def signed_in_tab(visit) -> Callable[..., Any]:
    """Opens a tab of a browser signed in as somebody."""

    def open_tab(user: User, **options: object) -> Any:
        client = Client()
        client.force_login(user)
        tab = visit(**options)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        tab.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": tab.base}])
        return tab

    return open_tab
