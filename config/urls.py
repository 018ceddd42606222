"""Every address of a node."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from config.metrics import metrics
from federation import views as federation
from federation.oai.views import oai
from federation.urls import log_urls, mirror_urls
from website import health

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

urlpatterns = [
    path("livez", health.live),
    path("readyz", health.ready),
    path("metrics", metrics),
    path(".well-known/faultline.json", federation.well_known),
    path("oai", oai, name="oai"),
    path("feeds/archive.atom", federation.archive_feed, name="archive-feed"),
    path("feeds/archive/<int:page>.atom", federation.archive_page, name="archive-page"),
    path("federation/notice", federation.notice),
    path("federation/cosignature", federation.cosignature),
    path("log/", include(log_urls)),
    path("mirror/", include(mirror_urls)),
    path("hooks/", include("api.hooks")),
    path("osv/", include("api.osv")),
    path("console/", admin.site.urls),
    path("account/", include("accounts.urls")),
    path("", include("website.data_urls")),
    *i18n_patterns(path("", include("website.urls")), prefix_default_language=False),
    path("api/", include("api.urls")),
]
