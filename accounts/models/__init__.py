from accounts.models.access import (
    AccessToken,
    Invitation,
    RoleAssignment,
    SystemAccount,
    Team,
    TeamMembership,
)
from accounts.models.alerts import Alert, DeskFigures
from accounts.models.approvals import Approval
from accounts.models.bulk import BulkDeactivation, BulkEntry
from accounts.models.cases import CaseNote, OwnerInvitation
from accounts.models.history import EmailLock, EventSubject, LifecycleEvent
from accounts.models.inactivity import (
    CheckEntry,
    CheckPause,
    CheckRun,
    Exemption,
    InactivityNotice,
)
from accounts.models.organizations import ContactChange, Membership, Organization
from accounts.models.people import AddressChange, PasswordHistory, Person, Recovery, SignUpRequest, User
from accounts.models.requests import SupportRequest
from accounts.models.sessions import Session
from accounts.models.trail import StaffLookup

__all__ = [
    "AccessToken",
    "AddressChange",
    "Alert",
    "Approval",
    "BulkDeactivation",
    "BulkEntry",
    "CaseNote",
    "CheckEntry",
    "CheckPause",
    "CheckRun",
    "ContactChange",
    "DeskFigures",
    "EmailLock",
    "EventSubject",
    "Exemption",
    "InactivityNotice",
    "Invitation",
    "LifecycleEvent",
    "Membership",
    "Organization",
    "OwnerInvitation",
    "PasswordHistory",
    "Person",
    "Recovery",
    "RoleAssignment",
    "Session",
    "SignUpRequest",
    "StaffLookup",
    "SupportRequest",
    "SystemAccount",
    "Team",
    "TeamMembership",
    "User",
]
