"""Locked addresses: which, for which organization, since when; and their release (P54)."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import lifecycle
from accounts.admin import columns
from accounts.admin.confirming import Act, Shown, confirm, digest_of_rows, said
from accounts.admin.proving import proofs_for
from accounts.models import EmailLock, StaffLookup
from accounts.rights import refusal_to_unlock
from accounts.services.locks import hold_live_locks, unlocked_at, with_unlockings
from accounts.services.trail import note_lookup
from accounts.templatetags.desk import moment
from accounts.words import Wish
from billing.models import TrialClaim
from konnect_portal.foundation.addresses import address_hash
from konnect_portal.foundation.admin import ReadOnlyAdmin, case_link


class UnlockEmail(Act):
    """Release every live lock on the address of a lock; organizations stay as they are."""

    name = "unlock"
    title = "Unlock e-mail address"
    done = "{} is unlocked. Its organizations are as they were."

    def button(self, target):
        return f"Unlock {target.address}"

    def typed(self, target):
        return target.address

    def back(self, target):
        return reverse("admin:accounts_organization_change", args=[target.organization_id])

    def show(self, user, target):
        locks = list(_locks_like(target).live())
        released = list(_locks_like(target).filter(released_at__isnull=False).order_by("-released_at"))
        trial = TrialClaim.objects.filter(address_hash=target.address_hash).first()
        options = {"proofs": proofs_for(user, Wish.UNLOCK, *(lock.organization_id for lock in locks))}
        unlocked = unlocked_at(target.address_hash, at=timezone.now())
        return Shown(
            columns.of_unlock(target.address, locks, released, trial, unlocked), digest_of_rows(locks), options
        )

    def refusal(self, user, target) -> str | None:
        """Why it needs a lead; None where this person may (P54)."""
        return refusal_to_unlock(user, unlocked_at(target.address_hash, at=timezone.now()))

    @transaction.atomic
    def act(self, target, *, data, expected, **who):
        if digest_of_rows(hold_live_locks(address_hash=target.address_hash)) != expected:
            raise lifecycle.PreviewChanged
        lifecycle.unlock_email(target.address, **said(data), **who)


class LiveFilter(admin.SimpleListFilter):
    title = "lock"
    parameter_name = "lock"

    def lookups(self, request, model_admin):
        return [("live", "Locked"), ("released", "Released")]

    def queryset(self, request, queryset):
        if self.value() in ("live", "released"):
            return queryset.filter(released_at__isnull=self.value() == "live")
        return queryset


@admin.register(EmailLock)
class EmailLockAdmin(ReadOnlyAdmin):
    list_display = ["shown_address", "shown_organization", "locked", "released"]
    list_display_links = None
    list_filter = [LiveFilter]
    list_select_related = ["organization"]
    search_fields = ["address"]
    search_help_text = "The whole e-mail address"

    def get_list_display(self, request):
        """With the act, for those who may; it is no link where that takes a lead (P54)."""
        if not _may_unlock(request):
            return self.list_display
        return [*self.list_display, "unlock" if request.user.has_perm("accounts.unlock_again") else "unlock_first"]

    def get_queryset(self, request):
        return with_unlockings(super().get_queryset(request), at=timezone.now())

    def get_search_results(self, request, queryset, search_term):
        if not search_term:
            return queryset, False
        note_lookup(request.user, StaffLookup.What.SEARCH)
        return queryset.filter(address_hash=address_hash(search_term)), False

    def unlock_view(self, request, id):
        if not _may_unlock(request):
            raise PermissionDenied
        lock = get_object_or_404(EmailLock.objects.select_related("organization"), pk=id)
        act = UnlockEmail()
        if lock.released_at or not lock.address:
            messages.info(request, f"{lock} is not locked for {lock.organization} any more.")
            return redirect(act.back(lock))
        if refusal := act.refusal(request.user, lock):
            messages.warning(request, refusal)
            return redirect(act.back(lock))
        return confirm(request, act, lock, {**self.admin_site.each_context(request), "opts": self.opts})

    def get_urls(self):
        view = self.admin_site.admin_view(self.unlock_view)
        return [path("<uuid:id>/unlock/", view, name="accounts_emaillock_unlock"), *super().get_urls()]

    @admin.display(description="address")
    def shown_address(self, lock):
        return str(lock)

    @admin.display(description="organization")
    def shown_organization(self, lock):
        return case_link(lock.organization_id, lock.organization)

    @admin.display(description="locked")
    def locked(self, lock):
        return moment(lock.locked_at)

    @admin.display(description="released")
    def released(self, lock):
        return moment(lock.released_at)

    @admin.display(description="act")
    def unlock(self, lock):
        if lock.released_at or not lock.address:
            return "–"
        page = reverse("admin:accounts_emaillock_unlock", args=[lock.pk])
        return format_html('<a class="desk-link" href="{}">Unlock</a>', page)

    @admin.display(description="act")
    def unlock_first(self, lock):
        return "A lead unlocks it" if lock.was_unlocked and not lock.released_at else self.unlock(lock)


def _may_unlock(request) -> bool:
    return request.user.has_perm("accounts.unlock_email")


def _locks_like(lock: EmailLock):
    """All locks on the same address, live and released."""
    return EmailLock.objects.filter(address_hash=lock.address_hash).select_related("organization")
