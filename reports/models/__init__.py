"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity
from reports.models.case import LIVE, Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.embargo import Embargo, EmbargoChange
from reports.models.fingerprint import Fingerprint
from reports.models.handling import ConsoleMessage, ConsolePreference, Decision, SavedFilter, Skip
from reports.models.merge import Merge
from reports.models.redaction import LeaveReason, Redaction
from reports.models.release import OPEN_RELEASE, Release, ReleaseState, ReleaseVerb
from reports.models.reply import ReplyLink, Statement, StatementState
from reports.models.report import Contact, NamedModel, RejectReason, Report, ReportState

__all__ = [
    "LIVE",
    "OPEN_RELEASE",
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
    "Embargo",
    "EmbargoChange",
    "Fingerprint",
    "LeaveReason",
    "Merge",
    "NamedModel",
    "Redaction",
    "RejectReason",
    "Release",
    "ReleaseState",
    "ReleaseVerb",
    "ReplyLink",
    "Report",
    "ReportState",
    "SavedFilter",
    "Skip",
    "Statement",
    "StatementState",
]
