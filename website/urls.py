"""The addresses of pages, in every language; `website/data_urls.py` has those of data."""

from django.urls import path

from website import (
    api_docs,
    badge,
    check,
    embed,
    evidence,
    guard,
    incident,
    incident_card,
    model,
    problems,
    reply,
    status,
    subscribe,
)
from website.public import (
    about,
    compare,
    data,
    families,
    home,
    incident_list,
    organisations,
    origins,
    statistics,
    terms,
)
from website.reporting import results
from website.reporting import views as reporting

app_name = "website"

urlpatterns = [
    path("", home.home, name="home"),
    path("incidents/", incident_list.incident_list, name="incidents"),
    path("incidents/<str:public_id>/", incident.page, name="incident"),
    path("incidents/<str:public_id>/changes/", incident.changes, name="incident-changes"),
    path("incidents/<str:public_id>/card.png", incident_card.image, name="incident-card"),
    path("models/<str:hub>/<path:name>/badge.svg", badge.badge, name="badge"),
    path("models/<str:hub>/<path:name>/", model.page, name="model"),
    path("check/", check.page, name="check"),
    path("embed/incidents/<str:public_id>/", embed.incident, name="embed-incident"),
    path("embed/models/<str:hub>/<path:name>/", embed.model, name="embed-model"),
    path("subscribe/", subscribe.page, name="subscribe"),
    path("subscribe/<str:token>/", subscribe.subscription, name="subscription"),
    path("families/<str:hub>/<path:name>/", families.family, name="family"),
    path("compare/", compare.compare, name="compare"),
    path("organisations/", organisations.organisation_list, name="organisations"),
    path("organisations/<str:hub>/<str:name>/", organisations.organisation, name="organisation"),
    path("taxonomies/", terms.taxonomy_list, name="taxonomies"),
    path("taxonomies/<str:taxonomy>/", terms.taxonomy, name="taxonomy"),
    path("taxonomies/<str:taxonomy>/<str:code>/", terms.term, name="term"),
    path("statistics/", statistics.statistics, name="statistics"),
    path("origins/", origins.origins, name="origins"),
    path("data/", data.data, name="data"),
    path("about/", about.about, name="about"),
    path("report/", reporting.start, name="report"),
    path("report/from-results/", results.from_results, name="from-results"),
    path("report/challenge", guard.challenge, name="challenge"),
    path("report/status/", status.status, name="status"),
    path("report/status/evidence/", evidence.add, name="add-evidence"),
    path("report/help/", reporting.elsewhere, name="report-help"),
    path("report/review/", reporting.review, name="report-review"),
    path("report/receipt/", reporting.receipt, name="report-receipt"),
    path("report/delete/", reporting.discard, name="report-delete"),
    path("report/deleted/", reporting.deleted, name="report-deleted"),
    path("report/cards/", reporting.model_cards, name="report-cards"),
    path("report/alike/", reporting.alike, name="report-alike"),
    path("report/<slug:slug>/", reporting.step, name="report-step"),
    path("report/<slug:slug>/keep/", reporting.keep, name="report-keep"),
    path("reply/<str:token>/", reply.page, name="reply"),
    path("api/docs", api_docs.page, name="api-docs"),
    path("api/problems/", problems.every_kind, name="problems"),
    path("api/problems/<slug:kind>", problems.one_kind, name="problem"),
]
