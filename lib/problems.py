"""Every kind of error that the API answers with: the end of its `type` (RFC 9457), and what it means.

One table for the problem documents, the pages that their types lead to, and docs/api.md. A kind is never renamed:
programs compare it.
"""

from typing import NamedTuple

PREFIX = "/api/problems/"


class Kind(NamedTuple):
    """A status, a title that is the same each time, and what to do about it."""

    status: int
    title: str
    text: str


KINDS: dict[str, Kind] = {
    "bad-argument": Kind(
        400,
        "An argument has a value that it cannot have",
        "An argument of the query was given twice, is too long, or is none of the values that `detail` names.",
    ),
    "bad-cursor": Kind(
        400,
        "The cursor does not fit",
        "A `cursor` comes from `next` or the `Link` header of the page before, with the same arguments. Begin again"
        " without one.",
    ),
    "malformed": Kind(
        400,
        "The request is malformed",
        "The request could not be read: a host that this node does not answer to, a broken form, a lost connection.",
    ),
    "parse-error": Kind(
        400,
        "The body cannot be read",
        "The body is not JSON, or not of the media type it says it is, or nested too deeply.",
    ),
    "unknown-argument": Kind(
        400,
        "There is no such argument",
        "An argument that does not exist is an error and not ignored, so that no typing error widens an answer."
        " `detail` names those there are.",
    ),
    "malformed-token": Kind(
        401,
        "The token is mistyped",
        "`Authorization` is not `Bearer` with a token of the form `fl_…`, or the token's checksum is wrong: a character"
        " was lost or changed. Copy it again.",
    ),
    "unknown-token": Kind(
        401,
        "This node knows no such token",
        "The token is well formed, but it is another node's, or was deleted long ago.",
    ),
    "expired-token": Kind(
        401, "The token has expired", "Its time is over. Make a new one on the account's page of tokens."
    ),
    "revoked-token": Kind(
        401, "The token was revoked", "Its owner revoked it, or the account was closed. It will not come back."
    ),
    "forbidden": Kind(403, "This is not yours to do", "The request was understood and is not allowed."),
    "insufficient-scope": Kind(
        403,
        "The token may not do this",
        "The token lacks the scope that `detail` names. Make one that has it, or leave it out to report anonymously.",
    ),
    "wrong-secret": Kind(403, "The secret is wrong", "A webhook came with another secret than the node was given."),
    "not-found": Kind(
        404,
        "There is nothing public here",
        "Nothing has this address, or nothing public: what is not published is as if it were not there.",
    ),
    "unknown-receipt": Kind(
        404,
        "No report has this receipt",
        "The code is mistyped, has run out, or its report was withdrawn. These are not told apart, for anybody.",
    ),
    "method-not-allowed": Kind(
        405, "The method is not allowed", "The header `Allow` names the methods of this address."
    ),
    "not-acceptable": Kind(
        406,
        "There is no such representation",
        "None of the media types in `Accept` can be had here; leave it out for JSON.",
    ),
    "wrong-state": Kind(
        409, "Not in this state", "The report has moved on: it was decided on or withdrawn, or its one appeal was made."
    ),
    "erased": Kind(
        410,
        "The record was erased",
        "Every version of the record was taken away for good. `/api/v1/changes` has its entries, without documents, and"
        " the signed entry of the erasure says why. Delete your copies.",
    ),
    "hidden": Kind(
        410,
        "This node does not show the record",
        "It is another node's, and this node decided not to show it; `detail` says why. Its origin may say otherwise.",
    ),
    "too-large": Kind(
        413, "The body is too large", "The body is larger than this address takes. Send less, or in parts."
    ),
    "uri-too-long": Kind(
        414, "The address is too long", "Path and query together are too long. Send long lists to `POST /api/v1/check`."
    ),
    "unsupported-media-type": Kind(
        415, "The media type is not supported", "The body's `Content-Type` is none that this address takes."
    ),
    "invalid-question": Kind(
        422, "The question cannot be answered", "`errors` names each field and what is wrong with it."
    ),
    "invalid-submission": Kind(
        422, "The report was not stored", "`errors` names each field and what is wrong with it. Nothing was stored."
    ),
    "refused-file": Kind(
        422,
        "A file was refused",
        "`errors` names each file and why. Nothing was stored, not even the files that were in order.",
    ),
    "refused-message": Kind(
        422, "The message was not stored", "It is empty, too long, or one too many; `detail` says which."
    ),
    "unsatisfiable-range": Kind(
        416,
        "The range begins after the end",
        "`Content-Range` says how many bytes there are.",
    ),
    "unreadable-bom": Kind(
        422,
        "The document is no bill of materials",
        "Neither CycloneDX 1.4 to 1.7 nor SPDX 2.3 or 3.0; `detail` says more.",
    ),
    "throttled": Kind(
        429,
        "Too much at once",
        "A budget is used up: that of the token, or of the network that the request came from. `Retry-After` says in"
        " how many seconds it can be tried again; `RateLimit` and `RateLimit-Policy` say what there is.",
    ),
    "internal": Kind(500, "This is our fault", "It has been logged. Trying again may or may not help."),
    "busy": Kind(
        503,
        "The node is busy",
        "The database gave the question up, or as many exports are under way, or as many callers wait for changes, as"
        " the node serves at once. Ask for less (a narrower filter, a smaller page, no wait), or wait a little.",
    ),
    "not-signed-yet": Kind(
        503, "The proof cannot be given yet", "No signed checkpoint covers the entry yet. One will within a minute."
    ),
    "not-made-yet": Kind(503, "The file is being made", "A stored export is being made or replaced."),
    "unavailable": Kind(
        503, "The node cannot answer at present", "Its database is away. Try again after `Retry-After` seconds."
    ),
}
