"""Admin classes whose rows are shown on a page of our own instead of a form."""

from typing import Any, Generic, TypeVar

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.read_only import ReadOnly

Row = TypeVar("Row", bound=Model)


class OwnPage(ReadOnly, ModelAdmin, Generic[Row]):
    """Shows a row with `page_template`; what is done with it is done by buttons, whose addresses are own ones."""

    page_template: str

    def page_context(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """What the page shows of the row."""
        raise NotImplementedError

    def page(self, request: HttpRequest, row: Row, **more: Any) -> HttpResponse:
        """The page of one row, with `more` in its context."""
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "subtitle": None,
            "opts": self.opts,
            "media": self.media,
            "is_nav_sidebar_enabled": False,
            **self.page_context(request, row),
            **more,
        }
        return TemplateResponse(request, self.page_template, context)

    def change_view(
        self, request: HttpRequest, object_id: str, _form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one row, to look at."""
        self._require_view(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self.page(request, self.found(request, object_id), **(extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """On the page of the row."""
        self._require_view(request)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)

    def found(self, request: HttpRequest, object_id: str) -> Row:
        """The row, if the person looking may see it; raises PermissionDenied or Http404."""
        self._require_view(request)
        row: Row | None = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
