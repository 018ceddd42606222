"""The filters of the queue: each a value in the address, so that a view can be kept and shared."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from incidents.models import choices_of
from incidents.record import Kind
from incidents.taxonomy import OWN, taxonomies, with_descendants
from reports.admin.acting import actor
from reports.lanes import AWAITING, LANES, lane
from reports.leases import free, unheld
from reports.models import Report, ReportState
from reports.priority import WORDS


class OneOf(admin.SimpleListFilter):
    """A filter by one of a few values; any other value filters nothing."""

    def chosen(self) -> str:
        """The value chosen, if it is one of those offered."""
        value = self.value() or ""
        return value if value in {str(choice) for choice, _title in self.lookup_choices} else ""


class StateFilter(OneOf):
    """By state; what awaits a decision, or what the lane holds, unless asked otherwise."""

    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Each state, and all of them."""
        return [*((state.value, state.label) for state in ReportState), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """As usual, with a first choice that says what it means."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "What waits"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports in the state chosen."""
        if self.chosen():
            return queryset if self.chosen() == "all" else queryset.filter(state=self.chosen())
        return queryset.filter(state__in=AWAITING) if lane(request.GET.get("lane", "")).undecided else queryset


class CategoryFilter(OneOf):
    """By top category, its children included."""

    title = "category"
    parameter_name = "category"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The top terms of our own taxonomy."""
        return [(term.code, term.title) for term, _children in taxonomies()[OWN].tree()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports in the category chosen."""
        return queryset.filter(category__in=with_descendants(self.chosen())) if self.chosen() else queryset


class KindFilter(OneOf):
    """By kind."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Every kind."""
        return choices_of(Kind)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports of the kind chosen."""
        return queryset.filter(kind=self.chosen()) if self.chosen() else queryset


class SourceFilter(OneOf):
    """By the door the report came through."""

    title = "source"
    parameter_name = "source"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The doors that were used."""
        sources = Report.objects.order_by("source").values_list("source", flat=True).distinct()
        return [(source, source) for source in sources]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports from the source chosen."""
        return queryset.filter(source=self.chosen()) if self.chosen() else queryset


class OwnerFilter(OneOf):
    """By who holds the report."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Nobody, or the person looking."""
        return [("me", "Me"), ("nobody", "Nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports so held."""
        if self.chosen() == "me":
            return queryset.filter(owner=actor(request)).exclude(unheld())
        return queryset.filter(free()) if self.chosen() else queryset


class PriorityFilter(OneOf):
    """By the word that says how urgent it is."""

    title = "priority"
    parameter_name = "priority"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The words, the most urgent first."""
        return [(word, word.capitalize()) for word in WORDS.values()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports of that priority."""
        numbers = [number for number, word in WORDS.items() if word == self.chosen()]
        return queryset.filter(Q(priority__in=numbers)) if numbers else queryset


class LaneFilter(OneOf):
    """By lane; the tabs above the list choose it."""

    title = "lane"
    parameter_name = "lane"
    template = "admin/reports/report/no_filter.html"

    def lookups(self, _request: HttpRequest, _model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Every lane."""
        return [(one.slug, one.title) for one in LANES]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports of that lane."""
        return queryset.filter(lane(self.chosen()).of()) if self.chosen() else queryset


FILTERS = (LaneFilter, StateFilter, PriorityFilter, CategoryFilter, KindFilter, SourceFilter, OwnerFilter)
