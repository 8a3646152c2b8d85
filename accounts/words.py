"""The words that are stored: states, reasons, ways in, and what each says to a customer."""

from django.db import models


class State(models.TextChoices):
    """State of an organization, as in Konnect's API. People call `inactive` deactivated."""

    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Deactivated"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Deleted"


class Reason(models.TextChoices):
    """Why an organization was deactivated. `public_sentence` is all that a customer reads of it."""

    SUPPORT_REQUEST = "support_request", "Asked for by the customer"
    OWNER_REQUEST = "owner_request", "Deactivated by its owner"
    ACCOUNT_CLOSED = "account_closed", "Its owner closed their account"
    INACTIVITY = "inactivity", "Nobody used it"
    FRAUD = "fraud", "Fraud"
    SPAM = "spam", "Spam"
    NON_PAYMENT = "non_payment", "Unpaid invoices"
    DUPLICATE = "duplicate", "Duplicate of another organization"
    IMPORTED = "imported", "Deactivated before it was imported"

    @property
    def public_sentence(self) -> str:
        """The clause that completes "Acme was deactivated on 20 Nov 2026 because …"."""
        return PUBLIC_SENTENCES[self]


PUBLIC_SENTENCES = {
    Reason.SUPPORT_REQUEST: "someone responsible for it asked support to",
    Reason.OWNER_REQUEST: "its owner asked for it",
    Reason.ACCOUNT_CLOSED: "its owner closed their account",
    Reason.INACTIVITY: "nobody used it for 30 days",
    Reason.FRAUD: "its use did not agree with our terms of service",
    Reason.SPAM: "its use did not agree with our terms of service",
    Reason.NON_PAYMENT: "its invoices were not paid",
    Reason.DUPLICATE: "it was a duplicate of another organization",
    Reason.IMPORTED: "it was already deactivated before it moved here",
}

STAFF_REASONS = (
    Reason.SUPPORT_REQUEST,
    Reason.FRAUD,
    Reason.SPAM,
    Reason.NON_PAYMENT,
    Reason.DUPLICATE,
)
"""Those staff choose among; the others are set by their own act."""

REASONS_BY_REQUEST = (Reason.SUPPORT_REQUEST,)
"""Those that need a request by the customer and proof of identity (P73)."""


class Via(models.TextChoices):
    """Which door an act of the lifecycle came through (P39, P47)."""

    ADMIN = "admin", "Admin"
    COMMAND = "command", "Command line"
    SETTINGS = "settings", "Organization settings"
    ACCOUNT = "account", "My Account"
    BULK = "bulk", "Reviewed list"
    CHECK = "check", "Inactivity check"
    IMPORT = "import", "Import"
    SIGN_UP = "signup", "Sign-up"
    PAGES = "pages", "The organization's pages"
    INVITATION = "invitation", "Invitation"
    API = "api", "API"
    LINK = "link", "Link in a mail"
    WORKER = "worker", "Worker"


class Proof(models.TextChoices):
    """How it was shown that a request came from the customer (P73)."""

    SESSION = "session", "From the owner's session"
    CONTACT_LINK = "contact_link", "Confirmed by link from the contact e-mail"
    LEAD_WORD = "lead_word", "A lead's word, see the note"


class Wish(models.TextChoices):
    """What a customer asks support to do; completes "Support was asked to … Acme".

    A request proves the act that it asks for and no other (P73); one for help proves none.
    """

    DEACTIVATE = "deactivate", "Deactivate"
    REACTIVATE = "reactivate", "Reactivate"
    UNLOCK = "unlock", "Unlock the address of"
    NAME_OWNER = "name_owner", "Name another owner of"
    OTHER = "other", "Help with"


class RecoveryStopped(models.TextChoices):
    """Why a replacement that a lead asked for was not carried out; completes "Stopped: …"."""

    LINK = "link", "by the link in the mail to the present address"
    PERSON = "person", "by the person, signed in"
    STAFF = "staff", "by support"
    CHANGED = "changed", "the person changed the address themselves"
    TAKEN = "taken", "the new address has an account of its own"
    LOCKED = "locked", "the new address is locked"
    UNPROVEN = "unproven", "the new address was never proven"


class Act(models.TextChoices):
    """What an event says has happened."""

    OPENED = "opened", "Opened"
    DEACTIVATED = "deactivated", "Deactivated"
    REACTIVATED = "reactivated", "Reactivated"
    EMAIL_UNLOCKED = "email_unlocked", "E-mail address unlocked"
    TAKE_DOWN_HASTENED = "take_down_hastened", "Taking down hastened"
    USAGE_CAME_LATE = "usage_came_late", "Usage came after the deactivation"
    TAKE_DOWN_RESUMED = "take_down_resumed", "Taking down goes on"
    HELD = "held", "Put on hold"
    RELEASED = "released", "Released from hold"
    OWNERSHIP_TRANSFERRED = "ownership_transferred", "Ownership transferred"
    ORGANIZATION_CHANGED = "organization_changed", "Settings changed"
    CONTACT_CHANGED = "contact_changed", "Contact e-mail changed"
    PEOPLE_INVITED = "people_invited", "People invited"
    INVITATION_RESENT = "invitation_resent", "Invitation sent again"
    INVITATION_REVOKED = "invitation_revoked", "Invitation revoked"
    JOINED = "joined", "Joined"
    MEMBER_LEFT = "member_left", "Left"
    MEMBER_REMOVED = "member_removed", "Removed"
    TEAM_CREATED = "team_created", "Team created"
    TEAM_CHANGED = "team_changed", "Team changed"
    TEAM_DELETED = "team_deleted", "Team deleted"
    TEAM_JOINED = "team_joined", "Added to a team"
    TEAM_LEFT = "team_left", "Taken out of a team"
    ROLE_ASSIGNED = "role_assigned", "Role given"
    ROLE_REMOVED = "role_removed", "Role taken away"
    SYSTEM_ACCOUNT_CREATED = "system_account_created", "System account made"
    SYSTEM_ACCOUNT_CHANGED = "system_account_changed", "System account changed"
    SYSTEM_ACCOUNT_DELETED = "system_account_deleted", "System account deleted"
    TOKEN_CREATED = "token_created", "Token made"
    TOKEN_CHANGED = "token_changed", "Token renamed"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    TOKEN_DELETED = "token_deleted", "Token deleted"
    ACCOUNT_CLOSED = "account_closed", "Account closed"
    ACCOUNT_REOPENED = "account_reopened", "Account reopened"
    RECOVERY_ASKED = "recovery_asked", "Replacement asked for"
    RECOVERY_STOPPED = "recovery_stopped", "Replacement stopped"
    RECOVERY_DONE = "recovery_done", "Replaced"
    CONTRACT_BEGUN = "contract_begun", "Enterprise contract begun"
    CONTRACT_CHANGED = "contract_changed", "Enterprise contract changed"
    CONTRACT_ENDED = "contract_ended", "Enterprise contract ended"
    SECOND_FACTOR_RESET = "second_factor_reset", "Second factor of staff reset"
    STAFF_MADE = "staff_made", "Staff account made"
    TIER_CHANGED = "tier_changed", "Tier of staff changed"
    STAFF_ENDED = "staff_ended", "Staff account ended"
    APPROVAL_ASKED = "approval_asked", "Second lead asked"
    APPROVAL_GIVEN = "approval_given", "Confirmed by a second lead"
    APPROVAL_DECLINED = "approval_declined", "Declined by a second lead"
    APPROVAL_WITHDRAWN = "approval_withdrawn", "Request to a second lead withdrawn"
    EXEMPTION_MADE = "exemption_made", "Marked “never deactivate”"
    EXEMPTION_ENDED = "exemption_ended", "No longer marked “never deactivate”"
    SUPPORT_ASKED = "support_asked", "Support asked by the owner"
    CONTACT_ASKED = "contact_asked", "Contact asked to confirm a request"
    OWNER_INVITED = "owner_invited", "Invited as owner"
    OWNER_INVITATION_REVOKED = "owner_invitation_revoked", "Invitation as owner revoked"
    CONTACT_CONFIRMED = "contact_confirmed", "Request confirmed from the contact e-mail"


class Tier(models.TextChoices):
    """Staff tiers of P70; each is the name of a group."""

    VIEWER = "viewer", "Viewer"
    AGENT = "agent", "Agent"
    LEAD = "lead", "Lead"
    ADMINISTRATOR = "administrator", "Administrator"


ORGANIZATION_ADMIN = "Organization Admin"

PREDEFINED_TEAMS = {
    "Analytics Admin": "Manages analytics dashboards and reports.",
    "Analytics Viewer": "Reads analytics dashboards and reports.",
    ORGANIZATION_ADMIN: "Manages everything in the organization.",
    "Organization Admin (Read Only)": "Reads everything in the organization.",
    "Portal Admin": "Manages Dev Portals.",
    "API Product Admin": "Manages API products.",
    "API Product Developer": "Creates and publishes API products.",
    "Control Plane Admin": "Manages control planes.",
}
"""The eight teams of every organization (P4), with what each is for."""


class HeldBy(models.TextChoices):
    """What keeps a due organization from being deactivated by the check; the first that applies is told."""

    PAUSED = "paused", "The check is paused"
    HOLD = "hold", "On hold"
    MISSING_USAGE = "missing_usage", "Usage of a geo is missing"
    NOTICE = "notice", "Not yet told long enough ago"
    DISMISSED = "dismissed", "Dismissed by a lead"
    LIMIT = "limit", "Over the limit"
