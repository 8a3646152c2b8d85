"""System accounts: accounts for machines, each of one organization (P5)."""

from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import AccessToken, Organization, RoleAssignment, SystemAccount, TeamMembership
from accounts.services.events import Actor, record_event
from accounts.words import Act, Via


class SystemAccountError(Exception):
    """Nothing changed; the text says why, worded for people. `field` is what it is about."""

    def __init__(self, text: str, field: str = "name") -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def create_system_account(
    organization_id: UUID,
    *,
    name: str,
    description: str,
    actor: Actor,
    via: Via,
    address: str | None = None,
    id: UUID | None = None,
) -> SystemAccount:
    """Make an account for a machine in an active organization: no team, no role, no token yet.

    One form sent twice, told by `id`, gives the one it made. Raises SystemAccountError where the name is taken, and
    Organization.DoesNotExist where the organization is not active.
    """
    id = id or uuid4()
    organization = Organization.objects.hold(organization_id)
    namesake = SystemAccount.objects.filter(organization=organization, name=name).first()
    if namesake is not None and namesake.pk == id:
        return namesake
    if namesake is not None or SystemAccount.objects.filter(pk=id).exists():
        raise SystemAccountError(_taken(organization))
    made = SystemAccount.objects.create(id=id, organization=organization, name=name, description=description)
    _tell(Act.SYSTEM_ACCOUNT_CREATED, made, actor=actor, via=via, address=address)
    return made


@transaction.atomic
def change_system_account(
    organization_id: UUID,
    id: UUID,
    *,
    name: str | None = None,
    description: str | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> SystemAccount:
    """Give a system account another name or description; None leaves it as it is.

    Raises SystemAccountError, SystemAccount.DoesNotExist, Organization.DoesNotExist.
    """
    organization = Organization.objects.hold(organization_id)
    account = _find(organization, id)
    before = (account.name, account.description)
    account.name = account.name if name is None else name
    account.description = account.description if description is None else description
    if (account.name, account.description) == before:
        return account
    if SystemAccount.objects.filter(organization=organization, name=account.name).exclude(pk=id).exists():
        raise SystemAccountError(_taken(organization))
    account.save(update_fields=["name", "description", "updated_at"])
    _tell(Act.SYSTEM_ACCOUNT_CHANGED, account, actor=actor, via=via, address=address)
    return account


@transaction.atomic
def delete_system_account(
    organization_id: UUID, id: UUID, *, actor: Actor, via: Via, address: str | None = None
) -> None:
    """End a system account with its tokens, teams and roles; its tokens are refused from the commit on.

    Raises SystemAccountError, SystemAccount.DoesNotExist, Organization.DoesNotExist.
    """
    organization = Organization.objects.hold(organization_id)
    account = _find(organization, id)
    counts = {
        "tokens": AccessToken.objects.filter(system_account=account).delete()[0],
        "team_memberships": TeamMembership.objects.filter(system_account=account).delete()[0],
        "role_assignments": RoleAssignment.objects.filter(system_account=account).delete()[0],
    }
    _tell(Act.SYSTEM_ACCOUNT_DELETED, account, actor=actor, via=via, address=address, counts=counts)
    account.delete()


def _find(organization: Organization, id: UUID) -> SystemAccount:
    account = SystemAccount.objects.get(pk=id, organization=organization)
    if account.konnect_managed:
        raise SystemAccountError(f"{account.name} belongs to a mesh zone: it changes and goes with the zone.", "id")
    return account


def _taken(organization: Organization) -> str:
    return f"{organization.name} has a system account by this name already. Choose another name."


def _tell(
    act: Act, account: SystemAccount, *, actor: Actor, via: Via, address: str | None, counts: dict | None = None
) -> None:
    details = {"system_account": str(account.pk), **({"counts": counts} if counts else {})}
    record_event(
        act,
        organization_id=account.organization_id,
        actor=actor,
        via=via,
        address=address,
        about=[account],
        details=details,
    )
