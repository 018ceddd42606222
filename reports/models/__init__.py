"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity
from reports.models.case import LIVE, Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.handling import ConsoleMessage, ConsolePreference, Decision, SavedFilter, Skip
from reports.models.merge import Merge
from reports.models.report import Contact, NamedModel, RejectReason, Report, ReportState

__all__ = [
    "LIVE",
    "Activity",
    "Case",
    "CaseClassification",
    "CaseModel",
    "CaseReference",
    "CaseState",
    "ConsoleMessage",
    "ConsolePreference",
    "Contact",
    "Decision",
    "Merge",
    "NamedModel",
    "RejectReason",
    "Report",
    "ReportState",
    "SavedFilter",
    "Skip",
]
