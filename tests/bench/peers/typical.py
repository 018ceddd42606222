"""A typical project: the same records in tables of their own, nested serializers, prefetched, in numbered pages."""

from django.db import models
from django.urls import include, path
from rest_framework import pagination, routers, serializers, viewsets

TABLES = """
CREATE TABLE bench_incident AS
SELECT id, public_id, origin, version, status, kind, category, severity, evidence_grade, confidence, title, occurred,
       published_at, modified_at, d->>'summary' AS summary, d->>'description' AS description,
       d->>'notice' AS notice, d->>'licence' AS licence
FROM (SELECT *, convert_from(document, 'UTF8')::jsonb AS d FROM incidents_incident) AS documents;
CREATE TABLE bench_affected AS
SELECT row_number() OVER () AS id, incident.id AS incident_id, m->>'hub' AS hub, m->>'name' AS name,
       m->>'stable_id' AS stable_id, m->>'revision' AS revision, m->>'purl' AS purl, m->>'status' AS status,
       m->>'match' AS match, m->'observed'->>'licence' AS licence, m->'observed'->>'at' AS observed_at
FROM incidents_incident incident,
     jsonb_array_elements(convert_from(document, 'UTF8')::jsonb->'affected') AS m;
CREATE TABLE bench_reference AS
SELECT row_number() OVER () AS id, incident.id AS incident_id, m->>'title' AS title, m->>'publisher' AS publisher,
       m->>'url' AS url, m->>'date' AS date
FROM incidents_incident incident,
     jsonb_array_elements(convert_from(document, 'UTF8')::jsonb->'references') AS m;
CREATE TABLE bench_classification AS
SELECT row_number() OVER () AS id, incident.id AS incident_id, m->>'taxonomy' AS taxonomy, m->>'term' AS term
FROM incidents_incident incident,
     jsonb_array_elements(convert_from(document, 'UTF8')::jsonb->'classifications') AS m;
ALTER TABLE bench_incident ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON bench_incident (public_id);
CREATE INDEX ON bench_incident (published_at DESC, id DESC);
CREATE INDEX ON bench_incident (severity, evidence_grade);
CREATE INDEX ON bench_affected (incident_id);
CREATE INDEX ON bench_reference (incident_id);
CREATE INDEX ON bench_classification (incident_id);
ANALYZE bench_incident, bench_affected, bench_reference, bench_classification;
"""


class Incident(models.Model):
    public_id = models.TextField()
    origin = models.TextField()
    version = models.IntegerField()
    status = models.TextField()
    kind = models.TextField()
    category = models.TextField()
    severity = models.TextField()
    evidence_grade = models.TextField()
    confidence = models.TextField()
    title = models.TextField()
    occurred = models.TextField()
    published_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    summary = models.TextField()
    description = models.TextField()
    notice = models.TextField()
    licence = models.TextField()

    class Meta:
        app_label, db_table, managed = "bench", "bench_incident", False


class Affected(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    hub = models.TextField(null=True)  # noqa: DJ001
    name = models.TextField()
    stable_id = models.TextField(null=True)  # noqa: DJ001
    revision = models.TextField(null=True)  # noqa: DJ001
    purl = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField()
    match = models.TextField()
    licence = models.TextField(null=True)  # noqa: DJ001
    observed_at = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        app_label, db_table, managed = "bench", "bench_affected", False


class Reference(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="references")
    title = models.TextField()
    publisher = models.TextField()
    url = models.TextField()
    date = models.TextField()

    class Meta:
        app_label, db_table, managed = "bench", "bench_reference", False


class Classification(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="classifications")
    taxonomy = models.TextField()
    term = models.TextField()

    class Meta:
        app_label, db_table, managed = "bench", "bench_classification", False


def serializer(of, **nested):
    """A ModelSerializer of all fields but keys, with serializers for related rows."""
    meta = type("Meta", (), {"model": of, "exclude": ["id"] if of is Incident else ["id", "incident"]})
    return type(f"{of.__name__}Serializer", (serializers.ModelSerializer,), {**nested, "Meta": meta})


class Pages(pagination.PageNumberPagination):
    page_size = 50


class Incidents(viewsets.ReadOnlyModelViewSet):
    serializer_class = serializer(
        Incident,
        affected=serializer(Affected)(many=True),
        references=serializer(Reference)(many=True),
        classifications=serializer(Classification)(many=True),
    )
    pagination_class = Pages
    lookup_field = "public_id"

    def get_queryset(self):
        found = Incident.objects.exclude(status="withdrawn").order_by("-published_at", "-id")
        for name in ("severity", "evidence_grade"):
            if value := self.request.query_params.get(name):
                found = found.filter(**{name: value})
        return found.prefetch_related("affected", "references", "classifications")


router = routers.SimpleRouter(trailing_slash=False)
router.register("api/v1/incidents", Incidents, basename="incident")
urlpatterns = [path("", include(router.urls))]
