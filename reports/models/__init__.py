"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity
from reports.models.case import Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.fingerprint import Fingerprint
from reports.models.redaction import LeaveReason, Redaction
from reports.models.report import Contact, NamedModel, RejectReason, Report, ReportState

__all__ = [
    "Activity",
    "Case",
    "CaseClassification",
    "CaseModel",
    "CaseReference",
    "CaseState",
    "Contact",
    "Fingerprint",
    "LeaveReason",
    "NamedModel",
    "Redaction",
    "RejectReason",
    "Report",
    "ReportState",
]
