"""Where staff can go, and what waits there. What a person may not see is not named."""

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone

from accounts.desk.pulse import pulse
from accounts.desk.waiting import AHEAD, KINDS, waiting
from accounts.models import CheckPause

PLACES: dict[str, list[tuple[str, str, str, str | None]]] = {
    "": [("Start", "home", "index", None)],
    "Customers": [
        ("Organizations", "corporate_fare", "accounts_organization_changelist", "accounts.view_organization"),
        ("People", "group", "accounts_person_changelist", "accounts.view_person"),
        ("Control planes", "dns", "geos_controlplane_changelist", "geos.view_controlplane"),
        ("Licenses", "verified", "licensing_license_changelist", "licensing.view_license"),
        ("Locked addresses", "lock", "accounts_emaillock_changelist", "accounts.view_emaillock"),
    ],
    "Deactivations": [
        ("Inactivity", "event_busy", "accounts_inactivity_desk", "accounts.view_checkrun"),
        ("Second lead", "how_to_reg", "accounts_approval_changelist", "accounts.view_approval"),
        ("Lists of spam", "playlist_remove", "accounts_bulkdeactivation_changelist", "accounts.view_bulkdeactivation"),
    ],
    "Billing": [
        ("Subscriptions", "credit_card", "billing_subscription_changelist", "billing.view_subscription"),
        ("Invoices", "receipt_long", "billing_invoice_changelist", "billing.view_invoice"),
        ("Credits", "savings", "billing_credit_changelist", "billing.view_credit"),
        (
            "At the provider",
            "sync_alt",
            "billing_providersubscription_changelist",
            "billing.view_providersubscription",
        ),
        ("On one side only", "sync_problem", "billing_providermismatch_changelist", "billing.view_providermismatch"),
    ],
    "Usage": [
        ("Usage of geos", "public", "billing_geousage_changelist", "billing.view_geousage"),
        ("Usage kept apart", "inventory_2", "billing_usageapart_changelist", "billing.view_usageapart"),
        ("Rejected usage", "report", "billing_usagefault_changelist", "billing.view_usagefault"),
    ],
    "The desk": [
        ("Mails", "mail", "foundation_mail_changelist", "foundation.view_mail"),
        ("Staff", "badge", "accounts_user_changelist", "accounts.manage_staff"),
    ],
}


def stylesheet(request):
    return static("accounts/admin.css")


def favicon(request):
    return static("portal/mark.svg")


def script(request):
    return static("accounts/admin.js")


def search_script(request):
    return static("accounts/search.js")


def navigation(request):
    """The side bar: the places this person may go to, by group."""
    return [
        {
            "title": group,
            "items": [
                _item(title, icon, reverse(f"admin:{name}"), request)
                for title, icon, name, perm in places
                if perm is None or request.user.has_perm(perm)
            ],
        }
        for group, places in PLACES.items()
    ]


def _item(title: str, icon: str, link: str, request) -> dict:
    return {"title": title, "icon": icon, "link": link, "active": _list_of(link) == _list_of(request.path)}


def _list_of(path: str) -> str:
    """What the pages of one list and its rows begin with: the admin, the app and the model."""
    return "/".join(path.split("/")[:4])


def start(user) -> dict:
    """What the start page shows."""
    now = timezone.now()
    waits = waiting(KINDS, now, user=user)
    return {
        "waiting": waits,
        "busy": any(each.count for each in waits),
        "ahead": waiting(AHEAD, now, user=user),
        "pulse": pulse() if user.has_perm("accounts.view_organization") else None,
        "title": "Start",
        "has_own_box": True,
        **check_switch(user),
    }


def check_switch(user) -> dict:
    """Whether the inactivity check is paused, and for those who may, where to change it."""
    may = user.has_perm("accounts.decide_check")
    return {
        "pause": CheckPause.objects.filter(resumed_at=None).first(),
        "switch": reverse("admin:accounts_checkrun_switch") if may else None,
    }
