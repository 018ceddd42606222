"""The log's addresses; docs/federation.md promises them."""

from django.urls import path, re_path

from federation import tiles

app_name = "log"

urlpatterns = [
    path("checkpoint", tiles.checkpoint, name="checkpoint"),
    path("tile/entries/<path:place>", tiles.entries, name="entries"),
    path("tile/<str:level>/<path:place>", tiles.tile, name="tile"),
    re_path(r"^object/(?P<sha256>[0-9a-f]{64})$", tiles.signed_object, name="object"),
    path("objects/<path:place>", tiles.objects, name="objects"),
]
