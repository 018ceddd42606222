"""Untrusted text, cleaned once on its way into the public document, and its Markdown as safe HTML."""

import json
import re
import unicodedata
from typing import Any

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

# Characters a reader cannot see but a parser, a terminal or a language model obeys: C0 and C1 controls, zero-width
# and joiner marks, bidirectional overrides, interlinear anchors, tag characters, variation selectors' supplement,
# and what is not a character at all.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e01ef\ud800-\udfff]"
)
_ALLOWED_TAGS = {
    *("p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_IN_SCRIPTS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")


def clean_text(text: str) -> str:
    """`text` as NFC, with LF line ends and without invisible or control characters; keeps TAB and LF."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _INVISIBLE.sub("", text).strip()


def clean_line(text: str) -> str:
    """`text` as one clean line, runs of white space folded to a space."""
    return " ".join(clean_text(text).split())


def data_block(value: Any) -> SafeString:
    """A JSON value as it may stand in a <script> of HTML that is data and never runs (HTML, 4.12.1.3)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return SafeString(text.translate(_IN_SCRIPTS))


def markdown_html(text: str) -> SafeString:
    """CommonMark `text` as HTML from an allow-list: no raw HTML, no images, links to http(s) and mailto only."""
    html = _markdown.render(text).replace("<h1>", "<h3>").replace("</h1>", "</h3>")
    html = html.replace("<h2>", "<h4>").replace("</h2>", "</h4>")
    safe = nh3.clean(
        html,
        tags=_ALLOWED_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
    )
    return SafeString(safe)
