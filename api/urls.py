"""The API's addresses."""

from django.urls import path, re_path

from api import (
    changes,
    check,
    errors,
    exports,
    hub_models,
    incident_list,
    incidents,
    model_lists,
    openapi,
    organisations,
    reports,
    statistics,
    taxonomies,
    threads,
)

app_name = "api"

urlpatterns = [
    path("v1/exports", exports.ExportList.as_view(), name="exports"),
    path("v1/exports/<str:name>", exports.Export.as_view(), name="export"),
    path("v1/incidents.csv", exports.CsvExport.as_view(), name="incidents-csv"),
    path("v1/incidents.jsonl", exports.JsonLinesExport.as_view(), name="incidents-jsonl"),
    path("v1/incidents.parquet", exports.ParquetExport.as_view(), name="incidents-parquet"),
    path("v1/incidents", incident_list.IncidentList.as_view(), name="incidents"),
    path("v1/incidents/<str:public_id>", incidents.IncidentDetail.as_view(), name="incident"),
    path("v1/models", model_lists.ModelList.as_view(), name="models"),
    path("v1/models/<str:hub>/<path:name>/incidents", model_lists.ModelIncidents.as_view(), name="model-incidents"),
    path("v1/models/<str:hub>/<path:name>/lineage", model_lists.ModelLineage.as_view(), name="model-lineage"),
    path("v1/models/<str:hub>/<path:name>/snapshots", model_lists.ModelSnapshots.as_view(), name="model-snapshots"),
    path("v1/models/<str:hub>/<path:name>/drift", model_lists.ModelDrift.as_view(), name="model-drift"),
    path("v1/models/<str:hub>/<path:name>", hub_models.ModelDetail.as_view(), name="model"),
    path("v1/changes", changes.Changes.as_view(), name="changes"),
    path("v1/taxonomies", taxonomies.TaxonomyList.as_view(), name="taxonomies"),
    path("v1/taxonomies/<str:taxonomy>", taxonomies.TaxonomyDetail.as_view(), name="taxonomy"),
    path("v1/taxonomies/<str:taxonomy>/terms/<str:code>", taxonomies.TermDetail.as_view(), name="term"),
    path("v1/organisations", organisations.OrganisationList.as_view(), name="organisations"),
    path("v1/organisations/<str:hub>/<str:name>", organisations.OrganisationDetail.as_view(), name="organisation"),
    path("v1/statistics", statistics.Statistics.as_view(), name="statistics"),
    path("v1/statistics/rates", statistics.Rates.as_view(), name="rates"),
    path("v1/schemas/incident", taxonomies.RecordSchema.as_view(), name="record-schema"),
    path("v1/check", check.Check.as_view(), name="check"),
    path("v1/check/bom", check.CheckBom.as_view(), name="check-bom"),
    path("v1/reports", reports.ReportList.as_view(), name="reports"),
    path("v1/reports/challenge", reports.ChallengeDetail.as_view(), name="report-challenge"),
    path("v1/reports/evidence", threads.ReportEvidence.as_view(), name="report-evidence"),
    path("v1/reports/from-results", reports.ReportFromResults.as_view(), name="report-from-results"),
    path("v1/reports/messages", threads.ReportMessages.as_view(), name="report-messages"),
    path("v1/reports/status", threads.ReportStatus.as_view(), name="report-status"),
    path("v1/reports/withdrawal", threads.ReportWithdrawal.as_view(), name="report-withdrawal"),
    path("schema", openapi.OpenApiDocument.as_view(), name="schema"),
    re_path(r"^.*$", errors.unknown_path),
]
