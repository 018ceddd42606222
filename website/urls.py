"""The website's addresses."""

from django.urls import path

from website import api_docs, browse, reply, report

app_name = "website"

urlpatterns = [
    path("", browse.home, name="home"),
    path("incidents/", browse.incident_list, name="incidents"),
    path("incidents/<str:public_id>/", browse.incident_detail, name="incident"),
    path("models/<str:hub>/<path:name>/", browse.model_detail, name="model"),
    path("about/", browse.about, name="about"),
    path("report/", report.report, name="report"),
    path("report/status/", report.status, name="status"),
    path("reply/<str:token>/", reply.page, name="reply"),
    path("api/docs", api_docs.page, name="api-docs"),
]
