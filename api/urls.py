"""The API's addresses."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from api import changes, check, errors, hub_models, incidents, proofs, reports, taxonomies, threads

app_name = "api"

urlpatterns = [
    path("v1/incidents", incidents.IncidentList.as_view(), name="incidents"),
    path("v1/incidents/<str:public_id>", incidents.IncidentDetail.as_view(), name="incident"),
    path("v1/incidents/<str:public_id>/proof", proofs.IncidentProof.as_view(), name="incident-proof"),
    path("v1/log/proof/consistency", proofs.ConsistencyProof.as_view(), name="consistency-proof"),
    path("v1/models/<str:hub>/<path:name>", hub_models.ModelDetail.as_view(), name="model"),
    path("v1/changes", changes.Changes.as_view(), name="changes"),
    path("v1/taxonomies", taxonomies.TaxonomyList.as_view(), name="taxonomies"),
    path("v1/taxonomies/<str:taxonomy>", taxonomies.TaxonomyDetail.as_view(), name="taxonomy"),
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
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    re_path(r"^.*$", errors.unknown_path),
]
