"""The addresses of data among the pages: files and feeds, the same in every language."""

from django.urls import path

from website import incident
from website.public import list_files, statistics

app_name = "files"

urlpatterns = [
    path("incidents.<str:form>", list_files.in_form, name="incidents"),
    path("incidents/<str:address>", incident.in_format, name="incident"),
    path("statistics.csv", statistics.as_csv, name="statistics"),
]
