"""Getting the data: files of the whole collection, the API, and how to follow what is new."""

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from incidents import log
from incidents.exports import stored
from incidents.format import formats
from website.public import answers

_PACKED = {"zstd": ".zst", "gzip": ".gz", "": ""}


@require_safe
def data(request: HttpRequest) -> HttpResponseBase:
    """What can be taken, in which forms, and how to check that it is whole."""
    index = stored.read_index()
    files = [
        (name + _PACKED[coding], file, sheet, reverse("api:export", args=[name + _PACKED[coding]]))
        for name, sheet in (index.sheets.items() if index else ())
        for coding, file in sheet.files.items()
    ]
    context = {"index": index, "files": files, "formats": list(formats().values()), "head": log.head()}
    return answers.public_page(request, "website/data.html", context)
