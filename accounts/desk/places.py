"""Where staff can go, and what waits there. What a person may not see is not named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS

from accounts.models import Approval, CheckPause, CheckRun, Organization
from billing.models import Invoice, ProviderMismatch, ProviderSubscription
from geos.models import ControlPlane
from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.paging import COUNT_CAP

PLACES = [
    ("Start", "home", "index", None),
    ("Organizations", "corporate_fare", "accounts_organization_changelist", "accounts.view_organization"),
    ("People", "group", "accounts_person_changelist", "accounts.view_person"),
    ("Locked addresses", "lock", "accounts_emaillock_changelist", "accounts.view_emaillock"),
    ("Control planes", "dns", "geos_controlplane_changelist", "geos.view_controlplane"),
    ("Second lead", "how_to_reg", "accounts_approval_changelist", "accounts.view_approval"),
    ("Inactivity check", "event_busy", "accounts_checkrun_changelist", "accounts.view_checkrun"),
    ("Lists of spam", "playlist_remove", "accounts_bulkdeactivation_changelist", "accounts.view_bulkdeactivation"),
    ("Subscriptions", "credit_card", "billing_subscription_changelist", "billing.view_subscription"),
    ("Credits", "savings", "billing_credit_changelist", "billing.view_credit"),
    ("At the provider", "sync_alt", "billing_providersubscription_changelist", "billing.view_providersubscription"),
    ("On one side only", "sync_problem", "billing_providermismatch_changelist", "billing.view_providermismatch"),
    ("Invoices", "receipt_long", "billing_invoice_changelist", "billing.view_invoice"),
    ("Usage kept apart", "inventory_2", "billing_usageapart_changelist", "billing.view_usageapart"),
    ("Rejected usage", "report", "billing_usagefault_changelist", "billing.view_usagefault"),
    ("Licenses", "verified", "licensing_license_changelist", "licensing.view_license"),
    ("Mails", "mail", "foundation_mail_changelist", "foundation.view_mail"),
    ("Staff", "badge", "accounts_user_changelist", "accounts.manage_staff"),
]


@dataclass(frozen=True)
class Waiting:
    """One thing that may wait for somebody: how many, what they are called, where their list is."""

    count: int
    title: str
    calm: str
    link: str
    icon: str

    @property
    def shown(self) -> str:
        return f"{COUNT_CAP}+" if self.count > COUNT_CAP else str(self.count)


def stylesheet(request):
    return static("accounts/admin.css")


def favicon(request):
    return static("portal/mark.svg")


def script(request):
    return static("accounts/admin.js")


def navigation(request):
    """unfold's sidebar: the places this person may go to."""
    items = [
        {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}
        for title, icon, name, perm in PLACES
        if perm is None or request.user.has_perm(perm)
    ]
    return [{"items": items}]


def start(user) -> dict:
    """What the start page shows."""
    return {"waiting": waiting(user), "title": "Start", **check_switch(user)}


def check_switch(user) -> dict:
    """Whether the inactivity check is paused, and for those who may, where to change it."""
    may = user.has_perm("accounts.decide_check")
    return {
        "pause": CheckPause.objects.filter(resumed_at=None).first(),
        "switch": reverse("admin:accounts_checkrun_switch") if may else None,
    }


def waiting(user) -> list[Waiting]:
    """What waits, each a number and its list."""
    asked: list[tuple[str, Callable[[], Waiting]]] = [
        ("accounts.approve_act", partial(_approvals, user)),
        ("accounts.view_checkrun", _runs),
        ("geos.view_controlplane", _stuck),
        ("billing.view_providersubscription", _stops),
        ("billing.view_providermismatch", _one_sided),
        ("foundation.view_mail", _mails),
        ("accounts.view_organization", _late),
        ("accounts.view_organization", _held),
        ("billing.view_invoice", _invoices),
    ]
    return [ask() for perm, ask in asked if user.has_perm(perm)]


def _approvals(user):
    return Waiting(
        _capped(Approval.objects.waiting(timezone.now()).exclude(asked_by_id=user.pk)),
        "Asked by a colleague, waiting for a second lead",
        "No colleague waits for a second lead",
        reverse("admin:accounts_approval_changelist") + "?state=waiting",
        "how_to_reg",
    )


def _runs():
    runs = CheckRun.objects.filter(outcome=CheckRun.Outcome.WAITING)
    return Waiting(
        _capped(runs),
        "Inactivity check waiting for a decision",
        "No run of the inactivity check waits for a decision",
        reverse("admin:accounts_checkrun_changelist") + "?outcome__exact=waiting",
        "event_busy",
    )


def _stuck():
    return Waiting(
        _capped(ControlPlane.objects.stuck(timezone.now())),
        "Take-downs not confirmed for a day",
        "Every take-down is on its way",
        reverse("admin:geos_controlplane_changelist") + "?progress=stuck",
        "dns",
    )


def _stops():
    return Waiting(
        _capped(ProviderSubscription.objects.not_confirmed()),
        "Billing stops not yet confirmed",
        "Every billing stop is confirmed",
        reverse("admin:billing_providersubscription_changelist") + "?stop=waiting",
        "credit_card_off",
    )


def _one_sided():
    return Waiting(
        _capped(ProviderMismatch.objects.filter(resolved_at=None)),
        "Subscriptions on one side only",
        "Both sides have the same subscriptions",
        reverse("admin:billing_providermismatch_changelist") + "?state=open",
        "sync_problem",
    )


def _mails():
    return Waiting(
        _capped(Mail.objects.filter(email__status=STATUS.failed)),
        "Mails that failed",
        "No mail has failed",
        reverse("admin:foundation_mail_changelist") + "?delivery=failed",
        "mail",
    )


def _late():
    return Waiting(
        _capped(Organization.objects.usage_came_late()),
        "Usage came after a deactivation",
        "No usage came after a deactivation by the check",
        reverse("admin:accounts_organization_changelist") + "?usage=late",
        "history",
    )


def _held():
    return Waiting(
        _capped(Organization.objects.on_hold(timezone.now())),
        "Organizations on hold",
        "No organization is on hold",
        reverse("admin:accounts_organization_changelist") + "?hold=yes",
        "front_hand",
    )


def _invoices():
    return Waiting(
        _capped(Invoice.objects.overdue(timezone.now())),
        "Invoices that could not be issued",
        "Every invoice is issued in time",
        reverse("admin:billing_invoice_changelist") + "?state=overdue",
        "receipt_long",
    )


def _capped(queryset) -> int:
    return queryset.order_by()[: COUNT_CAP + 1].count()
