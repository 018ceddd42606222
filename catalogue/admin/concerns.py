"""Names to look at, in the console: read-only rows, and a verdict on each."""

import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.read_only import ReadOnly
from catalogue import concerns
from catalogue.models import Concern, Verdict

log = structlog.get_logger()


@admin.register(Concern)
class ConcernAdmin(ReadOnly, admin.ModelAdmin):
    """Names that look like others or lead elsewhere, newest first."""

    list_display = ("noted_at", "hub", "alias_name", "words", "settled", "verdict", "settled_by")
    list_filter = (("settled_at", admin.EmptyFieldListFilter), "kind", "verdict")
    list_select_related = ("alias", "other")
    search_fields = ("alias__name", "other__name", "detail")
    ordering = ("-noted_at", "-pk")
    show_full_result_count = False
    actions = ("settle_different", "settle_imitation", "settle_same_publisher")

    @admin.display(ordering="alias__hub")
    def hub(self, concern: Concern) -> str:
        """Where the name is."""
        return concern.alias.hub

    @admin.display(description="name", ordering="alias__name")
    def alias_name(self, concern: Concern) -> str:
        """The name to look at."""
        return concern.alias.name

    @admin.display(boolean=True, ordering="settled_at")
    def settled(self, concern: Concern) -> bool:
        """Whether somebody has found what it is."""
        return concern.settled_at is not None

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Moderators may."""
        return request.user.has_perm("catalogue.change_concern")

    @admin.action(description="Settle: different models, no imitation", permissions=["settle"])
    def settle_different(self, request: HttpRequest, chosen: QuerySet[Concern]) -> None:
        """Two models, each with a right to its name."""
        self._settle(request, chosen, Verdict.DIFFERENT)

    @admin.action(description="Settle: an imitation", permissions=["settle"])
    def settle_imitation(self, request: HttpRequest, chosen: QuerySet[Concern]) -> None:
        """Stays beside the model for whoever meets it next."""
        self._settle(request, chosen, Verdict.IMITATION)

    @admin.action(description="Settle: the same publisher's", permissions=["settle"])
    def settle_same_publisher(self, request: HttpRequest, chosen: QuerySet[Concern]) -> None:
        """One publisher under two names."""
        self._settle(request, chosen, Verdict.SAME_PUBLISHER)

    def _settle(self, request: HttpRequest, chosen: QuerySet[Concern], verdict: Verdict) -> None:
        if not isinstance(request.user, User):
            return
        rows = list(chosen.select_related("alias", "other"))
        by_name = request.user.get_username()
        done = [row for row in rows if concerns.settle(row, by_name=by_name, verdict=verdict)]
        if done:
            LogEntry.objects.log_actions(request.user.pk, done, CHANGE, f"Settled: {verdict}.")
            log.info("concerns settled", by=request.user.pk, verdict=str(verdict), concerns=[row.pk for row in done])
            self.message_user(request, f"Settled: {len(done)}.", messages.SUCCESS)
        if late := len(rows) - len(done):
            self.message_user(request, f"Settled before, and left as they were: {late}.", messages.WARNING)
