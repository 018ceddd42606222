"""The rules that every page is held to find what they are for; the pages themselves are in the tests of each."""

import pytest

from tests.markup import problems

PAGE = "<!doctype html><html lang='en'><head><title>A page</title></head><body><h1>A page</h1>{}</body></html>"


def test_a_sound_page_has_no_problems():
    body = """
    <h2 id="part">Part</h2><a href="#part">To the part</a><ul><li>one</li></ul>
    <form><label for="q">Words</label><input id="q" name="q"><label><input type="checkbox"> Yes</label>
    <button>Go</button></form>
    <dl><dt>Term</dt><dd>Meaning</dd></dl><dl><div><dt>Term</dt><dd>Meaning</dd></div></dl>
    <time datetime="2026-11-01T12:00:00Z">then</time><time datetime="2026-11">in November</time>
    <table><thead><tr><th scope="col">One</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
    <svg role="img" aria-labelledby="t"><title id="t">A chart</title></svg><script src="/static/a.js"></script>
    """
    assert problems(PAGE.format(body)) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<p>one <b>two</p>", "tag"),
        ("<p>an &unknown; letter</p>", "entity"),
        ("<div></span></div>", "span"),
        ("<table><p>outside</p></table>", "table"),
        ("<p id=a></p><p id=a></p>", "id a twice"),
        ("<h3>Too deep</h3>", "h3 follows h1"),
        ("<h1>Another</h1>", "not one h1"),
        ("<input name=q>", "has no label"),
        ("<label for=a>A</label><p id=a></p>", "is no control"),
        ("<p aria-describedby=nothing></p>", "names nothing"),
        ("<a href='#nowhere'>there</a>", "leads to #nowhere"),
        ("<a href='/'></a>", "says nothing"),
        ("<img src='/a.png'>", "has no alt"),
        ("<svg role=img></svg>", "has no name"),
        ("<a href='/'><button>Go</button></a>", "<button> in <a>"),
        ("<button><span tabindex=0>Go</span></button>", "<span> in <button>"),
        ("<ul><p>no item</p></ul>", "<p> in <ul>"),
        ("<span><div>block</div></span>", "<div> in <span>"),
        ("<dl><div><dt>a</dt><dd>b</dd><dt>c</dt><dd>d</dd></div></dl>", "a group of a definition list"),
        ("<time datetime='2026-11-21T12:22:57.200185+00:00'>then</time>", "no program reads the time"),
        ("<table><tr><th>Head</th></tr></table>", "does not say of what"),
        ("<center>middle</center>", "obsolete"),
        ("<p style='color: red'></p>", "inline style"),
        ("<p onclick='go()'></p>", "inline style or handler"),
        ("<script>go()</script>", "a script that is not a file of ours"),
    ],
)
def test_each_rule_finds_its_mistake(body, complaint):
    assert any(complaint in problem for problem in problems(PAGE.format(body))), problems(PAGE.format(body))


def test_a_page_says_its_language_and_its_title():
    assert {"the page has no language", "the page has no title, or several"} <= set(
        problems("<!doctype html><html><head></head><body><h1>A page</h1></body></html>")
    )
