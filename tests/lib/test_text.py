"""Untrusted text on its way into the public document."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.text import clean_line, clean_text, markdown_html


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("  two\r\nlines  ", "two\nlines"),
        ("zero\u200bwidth", "zerowidth"),
        ("right\u202eto left", "rightto left"),
        ("tag\U000e0041\U000e0042 characters", "tag characters"),
        ("e\u0301", "é"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("tab\tstays", "tab\tstays"),
        ("नमस्\u200dते joiners matter to scripts", "नमस्\u200dते joiners matter to scripts"),
    ],
)
def test_what_a_reader_cannot_see_is_gone(given_text, cleaned):
    assert clean_text(given_text) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    assert "\n" not in clean_line(text)


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/tracker.png)",
        "[x](https://e.org' onmouseover='alert(1))",
        "<svg/onload=alert(1)>",
        '<a href="https://e.org" style="position:fixed">x</a>',
    ],
)
def test_markdown_makes_nothing_that_runs_or_loads(attack):
    for tag, attributes in elements(markdown_html(attack)):
        assert tag in {"p", "a"}
        assert set(attributes) <= {"href", "rel"}
        assert attributes.get("href", "https://").startswith("https://")


def elements(html):
    """Every element of the HTML, as a browser's parser sees it: name and attributes."""
    found = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Collector().feed(html)
    return found


def test_markdown_keeps_what_a_description_needs():
    html = markdown_html("## Part\n\n**bold** [link](https://example.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<h4>Part</h4>" in html
    assert "<strong>bold</strong>" in html
    assert 'href="https://example.org"' in html
    assert "nofollow" in html
    assert "<td>1</td>" in html


def test_fifty_thousand_characters_of_nesting_render_at_once():
    assert markdown_html("[" * 25_000 + "]" * 25_000)
    assert markdown_html("> " * 10_000 + "x")
