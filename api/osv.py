"""The service of osv.dev (google.github.io/osv.dev/api), so that its clients work with another base address."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path, re_path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request

from api import osv_files
from api.osv_view import Erased, OsvView
from api.reading import json_bytes
from catalogue.hub import Reference, UnreadableReferenceError
from catalogue.references import at_revision, read
from incidents import osv_queries, search
from incidents.format import Published
from incidents.formats.osv import ECOSYSTEM, PREFIX, osv, public_id
from incidents.osv_queries import Asked, Match
from incidents.publishing import instant
from incidents.record import is_public_id
from incidents.this_node import this_node
from lib.canonical import digest

# As osv.dev: records in one page of a query, records in all pages of one batch, queries in a batch.
MOST_IN_PAGE, MOST_IN_BATCH, MOST_QUERIES = 1000, 3000, 1000
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PURL = re.compile(r"pkg:/*[a-z][a-z0-9.+-]*/+[^/]", re.IGNORECASE)
_VERSION_IN_PURL = re.compile(r"@[^/?#]+([?#]|$)")
_PROBLEM = OpenApiResponse(OpenApiTypes.OBJECT, description='{"code", "message"}: what is wrong')


Body = TypeVar("Body", bound=BaseModel)


class OsvPackage(BaseModel):
    """A package: by `purl`, or by `name` (an address or name of a model) in the ecosystem `GIT`."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field("", max_length=2000)
    ecosystem: str = Field("", max_length=200)
    purl: str = Field("", max_length=2000)


class OsvQuery(BaseModel):
    """A package, with a version (in the purl or beside it) or without; or a commit of whatever repository."""

    model_config = ConfigDict(extra="ignore")

    package: OsvPackage | None = Field(
        None, description="`purl` alone, or `name` (an address or name of a model) with the `ecosystem` `GIT`."
    )
    version: str = Field("", max_length=200, description="A commit, branch or tag, where the purl has none.")
    commit: str = Field("", max_length=64, description="Of whatever repository; alone.")
    page_token: str = Field("", max_length=100, description="`next_page_token` of the answer before.")


class OsvBatch(BaseModel):
    """Up to 1,000 queries."""

    model_config = ConfigDict(extra="ignore")

    queries: list[OsvQuery]


class OsvFound(BaseModel):
    """A record by its id alone."""

    id: str
    modified: str


class OsvPage(BaseModel):
    """The records found; `next_page_token` where there are more. Both are absent where there is nothing."""

    vulns: list[dict[str, Any]] = []
    next_page_token: str = ""


class OsvFoundPage(BaseModel):
    """As `OsvPage`, with ids alone."""

    vulns: list[OsvFound] = []
    next_page_token: str = ""


class OsvBatchAnswer(BaseModel):
    """One answer for each query, in their order."""

    results: list[OsvFoundPage]


@extend_schema(tags=["OSV"])
class Query(OsvView):
    """One query."""

    @extend_schema(operation_id="osv_query", request=OsvQuery, responses={200: OsvPage, 400: _PROBLEM})
    def post(self, request: Request) -> HttpResponse:
        """The records on a package, a version of it, or a commit, as OSV documents.

        With a version: the records that say of that version that it is affected. Without: all that name the package as
        affected or fixed. What is inherited or matches by name alone is `/api/v1/check`'s to answer.
        """
        query = _parsed(OsvQuery, request)
        (found,) = osv_queries.matches([_asked(query)])
        page, following = _page(found, query.page_token, MOST_IN_PAGE)
        stored = osv_queries.documents([one.incident for one in page])
        node = this_node()
        vulns = [osv(Published(stored[one.incident], node)) for one in page if one.incident in stored]
        return _unkept(_said(vulns, following))


@extend_schema(tags=["OSV"])
class QueryBatch(OsvView):
    """Many queries."""

    @extend_schema(operation_id="osv_query_batch", request=OsvBatch, responses={200: OsvBatchAnswer, 400: _PROBLEM})
    def post(self, request: Request) -> HttpResponse:
        """As for one query, with the ids alone, in the order of the queries. A fixed number of database queries."""
        queries = _parsed(OsvBatch, request).queries
        if len(queries) > MOST_QUERIES:
            raise ParseError("Too many queries.")
        found = osv_queries.matches([_asked(query) for query in queries])
        return _unkept({"results": list(_pages(queries, found))})


@extend_schema(tags=["OSV"])
class Vulnerability(OsvView):
    """One record."""

    @extend_schema(
        operation_id="osv_get_vulnerability", responses={200: OpenApiTypes.OBJECT, 404: _PROBLEM, 410: _PROBLEM}
    )
    def get(self, request: HttpRequest, identifier: str) -> HttpResponseBase:
        """A record as an OSV document, by its OSV id (`x_FL-...`); a withdrawn one says since when it is."""
        known = public_id(identifier)
        incident = search.by_id(known) if is_public_id(known) else None
        if incident is None and search.tombstone(known):
            raise Erased
        if incident is None:
            raise NotFound("Vulnerability not found.")
        content = _json(osv(Published(bytes(incident.document), this_node())))
        return json_bytes(request, content, etag=digest(content))


def _parsed(kind: type[Body], request: Request) -> Body:
    try:
        return kind.model_validate(request.data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise ParseError(f"Invalid query: {place}: {first['msg']}.") from error


def _asked(query: OsvQuery) -> Asked:
    """What is asked for; nothing at all where it is well-formed and can be no model. Raises ParseError."""
    package = query.package or OsvPackage()
    if query.commit:
        if query.version or not _COMMIT.fullmatch(query.commit.lower()):
            raise ParseError("Invalid query: a commit is 40 or 64 hex digits, and has no version beside it.")
        return Asked(commit=query.commit.lower())
    if package.purl:
        _refuse_ambiguous(package, query.version)
        return Asked(_model(package.purl, query.version))
    if not package.name or not package.ecosystem:
        raise ParseError("Invalid query.")
    if package.ecosystem.partition(":")[0] != ECOSYSTEM:
        return Asked()
    return Asked(_model(package.name, query.version))


def _refuse_ambiguous(package: OsvPackage, version: str) -> None:
    if not _PURL.match(package.purl):
        raise ParseError("Invalid Package URL.")
    if package.name:
        raise ParseError("name specified in a PURL query")
    if package.ecosystem:
        raise ParseError("ecosystem specified in a PURL query")
    if version and _VERSION_IN_PURL.search(package.purl):
        raise ParseError("version specified in params and PURL query")


def _model(text: str, version: str) -> Reference | None:
    try:
        reference = read(text)
        return at_revision(reference, version) if version else reference
    except UnreadableReferenceError:
        return None


def _pages(queries: Sequence[OsvQuery], found: Iterable[Sequence[Match]]) -> Iterator[dict[str, Any]]:
    left = MOST_IN_BATCH
    for query, matches in zip(queries, found, strict=True):
        page, following = _page(matches, query.page_token, min(MOST_IN_PAGE, left))
        left -= len(page)
        yield _said([{"id": PREFIX + one.public_id, "modified": instant(one.modified)} for one in page], following)


def _page(matches: Sequence[Match], token: str, most: int) -> tuple[Sequence[Match], str]:
    """Up to `most` from just after the token, and the token of the page after; "" at the end. Raises ParseError."""
    after = _read_token(token)
    further = [one for one in matches if one.incident > after]
    page = further[:most]
    last = page[-1].incident if page else after
    return page, _token(last) if len(further) > len(page) else ""


def _token(incident: int) -> str:
    return base64.urlsafe_b64encode(f"after {incident}".encode()).decode()


def _read_token(token: str) -> int:
    if not token:
        return 0
    try:
        incident = int(base64.urlsafe_b64decode(token).decode().removeprefix("after "))
    except (ValueError, binascii.Error) as error:
        raise ParseError("Invalid page token.") from error
    if _token(incident) != token or incident < 0:
        raise ParseError("Invalid page token.")
    return incident


def _said(vulns: list[dict[str, Any]], following: str) -> dict[str, Any]:
    """As its gateway writes: what is empty is left out."""
    return {**({"vulns": vulns} if vulns else {}), **({"next_page_token": following} if following else {})}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _unkept(value: Any) -> HttpResponse:
    """What somebody runs is nobody else's business: no cache keeps the answer."""
    headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
    return HttpResponse(_json(value), content_type="application/json", headers=headers)


def unknown_path(_request: HttpRequest) -> HttpResponse:
    """A 404 for what the service does not have."""
    return JsonResponse({"code": 5, "message": "Not found."}, status=404)


urlpatterns = [
    path("v1/query", Query.as_view(), name="osv-query"),
    path("v1/querybatch", QueryBatch.as_view(), name="osv-query-batch"),
    path("v1/vulns/<str:identifier>", Vulnerability.as_view(), name="osv-vulnerability"),
    path("<str:file>", osv_files.StoredFile.as_view(), name="osv-file"),
    path("<str:folder>/<str:file>", osv_files.FolderFile.as_view(), name="osv-ecosystem-file"),
    re_path(r"^.*$", unknown_path),
]
