"""Pages in another language, and written from the right, in a browser."""

import pytest

from tests.browser.conftest import AXE
from tests.browser.test_pages import SIZES, hub, pages, site, visit  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db

_OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Text that leaves the page to the left, where nobody can scroll to.
_CUT_OFF = """
[...document.querySelectorAll("main p, main h1, main h2, main li, main a")]
  .filter(e => e.checkVisibility() && !e.closest(".scroll, .lineage-scroll, pre, svg, .sr"))
  .filter(e => e.getBoundingClientRect().left < -1 || e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 120))
"""
_TYPES = ("home", "list", "table", "record", "model", "statistics", "family", "comparison", "method", "check", "api")


def test_no_page_scrolls_sideways_in_spanish_or_written_from_the_right(visit, pages):  # noqa: F811
    tab = visit(viewport=SIZES["smallest"])
    for name in _TYPES:
        page = tab.go(f"/es{pages[name]}")
        assert page.evaluate(_OVER) <= 0, name
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate(_OVER) <= 0, f"{name} from the right"
        assert page.evaluate(_CUT_OFF) == [], f"{name} from the right"


def test_the_switch_leads_to_the_same_view_in_the_other_language_and_back(visit, pages):  # noqa: F811
    page = visit().go("/incidents/?q=shop&severity=low")
    heading = page.locator("h1").inner_text()
    page.click(".languages a[hreflang=es]")
    assert page.url.endswith("/es/incidents/?q=shop&severity=low")
    assert page.locator("h1").inner_text() == "Incidentes"
    page.fill("#q", "")
    page.press("#q", "Enter")
    assert "/es/incidents/" in page.url
    page.click(".languages a[hreflang=en]")
    assert "/es/" not in page.url
    assert page.locator("h1").inner_text() == heading == "Incidents"


def test_axe_finds_nothing_on_spanish_pages(visit, pages):  # noqa: F811
    tab = visit(bypass_csp=True)
    for name in ("record", "statistics"):
        page = tab.go(f"/es{pages[name]}")
        page.evaluate(AXE)
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
        assert [violation["id"] for violation in found["violations"]] == [], name
