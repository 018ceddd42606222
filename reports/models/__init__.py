"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity, ActivityLink
from reports.models.case import Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.erasure import Erasure, ErasureReason
from reports.models.report import Contact, NamedModel, RejectReason, Report, ReportState

__all__ = [
    "Activity",
    "ActivityLink",
    "Case",
    "CaseClassification",
    "CaseModel",
    "CaseReference",
    "CaseState",
    "Contact",
    "Erasure",
    "ErasureReason",
    "NamedModel",
    "RejectReason",
    "Report",
    "ReportState",
]
