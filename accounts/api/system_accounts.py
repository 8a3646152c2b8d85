"""System accounts (P5)."""

from uuid import UUID

from ninja import Router

from accounts.api.calls import MANAGE_SYSTEM_ACCOUNTS, READ_SYSTEM_ACCOUNTS, ApiRequest, acting
from accounts.api.kinds import SYSTEM_ACCOUNT, SystemAccountOut
from accounts.models import SystemAccount
from accounts.services.system_accounts import change_system_account, create_system_account, delete_system_account
from konnect_portal.foundation.bodies import Body, Name

router = Router()


class SystemAccountIn(Body):
    name: Name
    description: Name


class SystemAccountChangesIn(Body):
    name: Name = ""
    description: Name = ""


@router.get("/system-accounts", auth=READ_SYSTEM_ACCOUNTS, response=SYSTEM_ACCOUNT.page)
def list_system_accounts(request: ApiRequest) -> dict:
    return SYSTEM_ACCOUNT.listing.page(request, SYSTEM_ACCOUNT.of(request.auth.organization))


@router.post("/system-accounts", auth=MANAGE_SYSTEM_ACCOUNTS, response={201: SystemAccountOut})
def add_system_account(request: ApiRequest, body: SystemAccountIn) -> SystemAccount:
    return create_system_account(request.auth.organization.pk, **body.model_dump(), **acting(request))


@router.get("/system-accounts/{account_id}", auth=READ_SYSTEM_ACCOUNTS, response=SystemAccountOut)
def read_system_account(request: ApiRequest, account_id: UUID) -> SystemAccount:
    return SYSTEM_ACCOUNT.find(request, account_id)


@router.patch("/system-accounts/{account_id}", auth=MANAGE_SYSTEM_ACCOUNTS, response=SystemAccountOut)
def edit_system_account(request: ApiRequest, account_id: UUID, body: SystemAccountChangesIn) -> SystemAccount:
    changes = body.model_dump(exclude_unset=True)
    return change_system_account(request.auth.organization.pk, account_id, **changes, **acting(request))


@router.delete("/system-accounts/{account_id}", auth=MANAGE_SYSTEM_ACCOUNTS, response={204: None})
def end_system_account(request: ApiRequest, account_id: UUID) -> None:
    delete_system_account(request.auth.organization.pk, account_id, **acting(request))
