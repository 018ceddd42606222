"""CycloneDX as a way to answer a check."""

from rest_framework.renderers import JSONRenderer

from incidents.checked_bom import CONTENT_TYPE


class Renderer(JSONRenderer):
    """What `incidents.checked_bom` gives, under its media type."""

    media_type = CONTENT_TYPE
    format = "cyclonedx"
