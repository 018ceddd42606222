"""Statistics: counts by any two dimensions and over time, and rates; as JSON and as CSV."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from api.errors import RETRY_SECONDS, Problem
from api.reading import arguments, how_many, json_bytes, one_of, whole_number
from incidents import exposure, log, statistics
from incidents.exposure import Rate
from incidents.statistics import DIMENSIONS, FILTERS, MOST_VALUES, BadQueryError, Cell, Counts, Query, TooMuchWorkError
from lib.canonical import canonical_bytes, digest
from lib.tables import csv_bytes

_NOTES = (
    ("An event counts once, however many records are on it: records that share an id in another database are on one."),
    (
        "Only records of the kind incident are incidents. Hazards, exercises and measurements are counted where "
        "asked for."
    ),
    (
        "Counts are of what was reported and published here. They grow with attention, and are no measure of how "
        "often a model does harm: see /api/v1/statistics/rates, and what keeps rates from being compared."
    ),
    "Withdrawn records, and those merged into another, count only where asked for by status.",
    ("A record with several hubs, organisations, licences or models counts under each; null is where it has none."),
    (
        "Organisations and hubs are as the record names them; a licence is as it was claimed when the record was "
        "published; openness is as its models are now."
    ),
    ("Months are of the UTC calendar. A record that says only the year in which it occurred is under null by month."),
)


class CsvRenderer(BaseRenderer):
    """Says that an endpoint answers as CSV too; the view writes it."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, *_: Any) -> bytes:
        """Errors stay problem documents."""
        return JSONRenderer().render(data)


class ByArgumentOrAccept(DefaultContentNegotiation):
    """The argument `format` goes before the Accept header: a link in a page can name it."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer and its media type. Raises Problem for a format that there is not, NotAcceptable."""
        given = {"format": request.query_params.get("format", "")}
        asked = one_of(given, "format", [renderer.format for renderer in renderers])
        selected: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix or asked)
        return selected


class AskedFor(BaseModel):
    """The exact query, with what was left unsaid made explicit; `url` repeats it."""

    by: list[str]
    filters: dict[str, str]
    values: int
    url: str


class Total(BaseModel):
    """Of everything that the filters let through: no sum of cells, where a record stands in several."""

    events: int
    records: int


class StatisticsDocument(BaseModel):
    """Counts as of that entry of the log. Each cell has the dimensions of `by`, `events` and `records`.

    `omitted` says how many further values a dimension has, where it has more than were asked for.
    """

    query: AskedFor
    log_number: int
    total: Total
    cells: list[dict[str, str | int | None]]
    omitted: dict[str, int]
    notes: list[str]


_CSV_TYPE = "text/csv; charset=utf-8"
_FORMAT = OpenApiParameter("format", str, enum=["json", "csv"], description="Or by the Accept header.")
_CSV = OpenApiResponse(response={"type": "string"}, description="The same rows, each with the number of the log.")


@extend_schema(tags=["statistics"])
class Statistics(APIView):
    """Counts."""

    content_negotiation_class = ByArgumentOrAccept
    renderer_classes = (JSONRenderer, CsvRenderer)

    @extend_schema(
        operation_id="count_incidents",
        parameters=[
            OpenApiParameter(
                "by", str, description=f"Up to two of these, by comma, and one period: {', '.join(DIMENSIONS)}."
            ),
            *(OpenApiParameter(name, str, description=text) for name, text in FILTERS.items()),
            how_many("values", default=50, most=MOST_VALUES, text="The most values of a dimension."),
            _FORMAT,
        ],
        responses={
            (200, "application/json"): StatisticsDocument,
            (200, "text/csv"): _CSV,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """How many events, by up to two dimensions and a period: only incidents, unless other kinds are asked for."""
        query = _query(request)
        as_csv = request.accepted_renderer.format == "csv"
        tag = _tag(query, as_csv=as_csv)
        if tag and get_conditional_response(request, etag=f'"{tag}"'):
            return json_bytes(request, b"", etag=tag)
        try:
            counts = statistics.count(query)
        except BadQueryError as error:
            raise Problem("bad-argument", f"{error}.") from error
        except TooMuchWorkError as error:
            raise Problem("busy", "This takes too long to count: filter it.", status=503, wait=RETRY_SECONDS) from error
        content = _csv(query, counts) if as_csv else _document(request, query, counts)
        return json_bytes(
            request, content, etag=tag or digest(content), content_type=_CSV_TYPE if as_csv else "application/json"
        )


class Interval(BaseModel):
    """A rate, and the limits between which it lies with 95 % confidence."""

    rate: float
    lower: float
    upper: float


class RateRow(BaseModel):
    """A group: its events, and the rates, null where `withheld` says why there is none.

    `exposed_events` are those published in a month for which the use of a model they concern is known; `model_months`
    counts those months, and `downloads` sums them. `per_model` is of all events, and null under the same rule.
    """

    hub: str
    name: str
    models: int
    events: int
    exposed_events: int
    model_months: int
    downloads: int
    per_million_downloads: Interval | None
    per_model: Interval | None
    withheld: str


class RatesDocument(BaseModel):
    """Rates as of that entry of the log, over the months `first_month` to `last_month`, with what they do not mean."""

    by: str
    log_number: int
    first_month: str
    last_month: str
    rows: list[RateRow]
    rule: str
    caveats: list[str]


@extend_schema(tags=["statistics"])
class Rates(APIView):
    """Rates."""

    content_negotiation_class = ByArgumentOrAccept
    renderer_classes = (JSONRenderer, CsvRenderer)

    @extend_schema(
        operation_id="incident_rates",
        parameters=[
            OpenApiParameter("by", str, enum=list(exposure.GROUPS), description="family, if it is not said."),
            how_many("limit", default=10, most=exposure.MOST_GROUPS, text="How many groups."),
            _FORMAT,
        ],
        responses={(200, "application/json"): RatesDocument, (200, "text/csv"): _CSV},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Incidents per downloads and per model, of the families, organisations or models with most of them."""
        given = arguments(request, {"by", "limit", "format"})
        by = one_of(given, "by", exposure.GROUPS) or "family"
        limit = whole_number(given, "limit", default=10, most=exposure.MOST_GROUPS, least=1)
        number = log.head().number
        rows = [_rate(rate) for rate in exposure.rates(by, limit=limit)]
        if request.accepted_renderer.format == "csv":
            content = _rates_csv(number, rows)
            return json_bytes(request, content, etag=digest(content), content_type=_CSV_TYPE)
        first, last = (f"{month // 100}-{month % 100:02d}" for month in exposure.window(timezone.now().date()))
        document = RatesDocument(
            by=by,
            log_number=number,
            first_month=first,
            last_month=last,
            rows=rows,
            rule=_RULE,
            caveats=list(_CAVEATS),
        )
        content = document.model_dump_json().encode()
        return json_bytes(request, content, etag=digest(content))


_RULE = (
    f"A rate is withheld with fewer than {exposure.FEWEST_EVENTS} events, or where its 95 % interval (exact, Garwood "
    f"1936) is wider than {exposure.WIDEST:.0%} of it: the rule of the National Center for Health Statistics for rates "
    "from vital statistics (Vital and Health Statistics 2(200), 2023). Counts are public, and never withheld."
)
_CAVEATS = (
    (
        "Use is known only of models that a record names, and since the first record on each: what is never "
        "reported is in neither number, and every rate is higher than that of all models would be."
    ),
    "Downloads are no uses: caches, mirrors, automatic tests and quantized copies make them more, or fewer.",
    (
        "Each month is the hub's count of 30 days as it last stood in that month; an incident counts in the month "
        "in which it was published, not in which it occurred."
    ),
    "More looked at means more reported. Rates of groups that are watched differently do not compare.",
    (
        "A family is a base with the public models that are known to derive from it, as their publishers claim; a "
        "merge is in every family it comes from. A record on a base counts once for its family, whatever inherits "
        "it."
    ),
    f"Only the {exposure.MOST_CONSIDERED} names that most records concern are looked at for the list of groups.",
)


def _query(request: Request) -> Query:
    given = arguments(request, {*FILTERS, "by", "values", "format"})
    values = whole_number(given, "values", default=50, most=MOST_VALUES, least=1)
    by = [name for name in given.get("by", "").split(",") if name]
    try:
        return statistics.query_of(by, {name: given[name] for name in FILTERS if name in given}, values=values)
    except BadQueryError as error:
        raise Problem("bad-argument", f"{error}.") from error


def _tag(query: Query, *, as_csv: bool) -> str:
    """The log decides what a count comes to, and with it the tag; "" for counts by openness, of which it does not."""
    if any(name.startswith("openness.") for name in query.by):
        return ""
    asked = {"by": list(query.by), "filters": dict(query.filters), "values": query.values, "csv": as_csv}
    return digest(canonical_bytes({"asked": asked, "head": log.head().object_digest}))


def _document(request: HttpRequest, query: Query, counts: Counts) -> bytes:
    asked = AskedFor(by=list(query.by), filters=dict(query.filters), values=query.values, url=_address(request, query))
    document = StatisticsDocument(
        query=asked,
        log_number=counts.log_number,
        total=Total(events=counts.events, records=counts.records),
        cells=[
            {**dict(zip(query.by, cell.values, strict=True)), "events": cell.events, "records": cell.records}
            for cell in counts.cells
        ],
        omitted=dict(counts.omitted),
        notes=list(_NOTES),
    )
    return document.model_dump_json().encode()


def _address(request: HttpRequest, query: Query) -> str:
    given = {"by": ",".join(query.by), **query.filters, "values": str(query.values)}
    return f"{settings.BASE_URL}{request.path}?{urlencode({name: value for name, value in given.items() if value})}"


def _csv(query: Query, counts: Counts) -> bytes:
    """The cells; without dimensions the total."""
    cells = counts.cells if query.by else (Cell((), counts.events, counts.records),)
    return csv_bytes(
        [*query.by, "events", "records", "log_number"],
        [[*cell.values, cell.events, cell.records, counts.log_number] for cell in cells],
    )


def _rate(rate: Rate) -> RateRow:
    return RateRow(
        hub=rate.hub,
        name=rate.name,
        models=rate.models,
        events=rate.events,
        exposed_events=rate.exposed_events,
        model_months=rate.months,
        downloads=rate.downloads,
        per_million_downloads=_interval(rate.downloads_rate),
        per_model=_interval(rate.models_rate),
        withheld=rate.withheld,
    )


def _interval(found: tuple[float, float, float] | None) -> Interval | None:
    return Interval(rate=found[0], lower=found[1], upper=found[2]) if found else None


def _rates_csv(number: int, rows: list[RateRow]) -> bytes:
    plain = [name for name in RateRow.model_fields if not name.startswith("per_")]
    measures = ("per_million_downloads", "per_model")
    limits = tuple(Interval.model_fields)
    return csv_bytes(
        [*plain, *(f"{measure}_{limit}" for measure in measures for limit in limits), "log_number"],
        [
            [
                *(getattr(row, name) for name in plain),
                *(getattr(getattr(row, measure), limit, None) for measure in measures for limit in limits),
                number,
            ]
            for row in rows
        ],
    )
