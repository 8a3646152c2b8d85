"""Delete Account: the person ends their own account, and chooses for each organization that they own (P56)."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import SignedInRequest
from accounts.closing import close_account
from accounts.columns import later
from accounts.errors import LifecycleError
from accounts.forms.deleting import DeleteAccountForm, field_name
from accounts.models import User
from accounts.owners_preview import columns_of, columns_of_closing
from accounts.previews import closing_of, deactivations_of
from accounts.services.ownership import heirs_by_organization
from accounts.views.acting import acting
from accounts.views.stepping_up import step_up
from accounts.words import Via


@step_up
def delete(request: SignedInRequest) -> HttpResponse:
    """Show what it will change, ask, do it. The form brings back the digests of what was shown."""
    closing = closing_of(request.user)
    previews = deactivations_of(closing.owned, at=timezone.now())
    form = DeleteAccountForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        expected_name=request.user.email,
        previews=previews,
        heirs=heirs_by_organization(closing.owned),
    )
    if form.is_valid() and _close(request, form):
        logout(request)
        return redirect("account_deleted")
    when = f"{later()} or at once, as you choose"
    context = {
        "form": form,
        "columns": columns_of_closing(closing),
        "digest": closing.digest,
        "owned": [
            (preview, form[field_name(preview.organization)], columns_of(preview, when=when, closing_account=True))
            for preview in previews
        ],
    }
    return render(request, "accounts/account/delete.html", context)


@require_safe
@never_cache
def deleted(request: HttpRequest) -> HttpResponse:
    """Where whoever deleted their account ends up."""
    if request.user.is_authenticated:
        return redirect("account")
    return render(request, "accounts/account/deleted.html")


def _close(request: SignedInRequest, form: DeleteAccountForm) -> bool:
    """Whether the account is closed now; where it can't be, the form says why."""
    expected = request.POST.get("digest", "")
    try:
        close_account(choices=form.choices, expected=expected, **acting(request, Via.ACCOUNT))
    except User.DoesNotExist:  # the form was sent twice, and the other one was first
        return True
    except LifecycleError as problem:
        form.add_error(None, str(problem))
        return False
    return True
