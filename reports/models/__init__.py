"""Private rows: reports as they came, the moderators' cases, and who did what."""

from reports.models.activity import Activity, ActivityLink
from reports.models.case import LIVE, Case, CaseClassification, CaseModel, CaseReference, CaseState
from reports.models.draft import Draft
from reports.models.embargo import Embargo, EmbargoChange
from reports.models.erasure import Erasure, ErasureReason
from reports.models.evidence import Evidence, EvidenceSweep
from reports.models.excerpt import Excerpt
from reports.models.fingerprint import Fingerprint
from reports.models.handling import ConsoleMessage, ConsolePreference, Decision, SavedFilter, Skip
from reports.models.imports import ImportedRecord, ImportFeed, ImportRun, NameMatch, RunState
from reports.models.mail import MailAddress, MailDue
from reports.models.merge import Merge
from reports.models.message import Appeal, AppealOutcome, Message, MessageKind
from reports.models.redaction import LeaveReason, Redaction
from reports.models.release import OPEN_RELEASE, Release, ReleaseState, ReleaseVerb
from reports.models.reply import ReplyLink, Statement, StatementState
from reports.models.report import UNDECIDED, Contact, Credit, NamedModel, RejectReason, Report, ReportState
from reports.models.subscription import Subscription
from reports.models.webhook import Webhook

__all__ = [
    "LIVE",
    "OPEN_RELEASE",
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
    "ConsoleMessage",
    "ConsolePreference",
    "Contact",
    "Credit",
    "Decision",
    "Draft",
    "Embargo",
    "EmbargoChange",
    "Erasure",
    "ErasureReason",
    "Evidence",
    "EvidenceSweep",
    "Excerpt",
    "Fingerprint",
    "ImportFeed",
    "ImportRun",
    "ImportedRecord",
    "LeaveReason",
    "MailAddress",
    "MailDue",
    "Merge",
    "Message",
    "MessageKind",
    "NameMatch",
    "NamedModel",
    "Redaction",
    "RejectReason",
    "Release",
    "ReleaseState",
    "ReleaseVerb",
    "ReplyLink",
    "Report",
    "ReportState",
    "RunState",
    "SavedFilter",
    "Skip",
    "Statement",
    "StatementState",
    "Subscription",
    "Webhook",
]
