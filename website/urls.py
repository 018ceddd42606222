"""The website's addresses."""

from django.urls import path

from website import api_docs, browse, guard, report, status

app_name = "website"

urlpatterns = [
    path("", browse.home, name="home"),
    path("incidents/", browse.incident_list, name="incidents"),
    path("incidents/<str:public_id>/", browse.incident_detail, name="incident"),
    path("models/<str:hub>/<path:name>/", browse.model_detail, name="model"),
    path("about/", browse.about, name="about"),
    path("report/", report.report, name="report"),
    path("report/challenge", guard.challenge, name="challenge"),
    path("report/status/", status.status, name="status"),
    path("api/docs", api_docs.page, name="api-docs"),
]
