"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity, ActivityLink
from reports.models.case import Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.draft import Draft
from reports.models.erasure import Erasure, ErasureReason
from reports.models.evidence import Evidence, EvidenceSweep
from reports.models.mail import MailAddress, MailDue
from reports.models.message import Appeal, AppealOutcome, Message, MessageKind
from reports.models.report import UNDECIDED, Contact, Credit, NamedModel, RejectReason, Report, ReportState

__all__ = [
    "UNDECIDED",
    "Activity",
    "ActivityLink",
    "Appeal",
    "AppealOutcome",
    "Case",
    "CaseClassification",
    "CaseModel",
    "CaseReference",
    "CaseState",
    "Contact",
    "Credit",
    "Draft",
    "Erasure",
    "ErasureReason",
    "Evidence",
    "EvidenceSweep",
    "MailAddress",
    "MailDue",
    "Message",
    "MessageKind",
    "NamedModel",
    "RejectReason",
    "Report",
    "ReportState",
]
