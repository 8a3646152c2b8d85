"""What an organization is called, and the path of its single sign-on."""

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Organization
from accounts.services.events import Actor, record_event
from accounts.words import Act, Via


class SettingsError(Exception):
    """Nothing changed; the text says why, worded for people. `field` is what it is about."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@transaction.atomic
def change_organization(
    organization_id: UUID,
    *,
    name: str | None = None,
    login_path: str | None = None,
    actor: Actor,
    via: Via,
    address: str | None = None,
) -> list[str]:
    """Give an active organization another name or login path; returns which of them changed.

    None leaves one as it is, whatever somebody else has made of it meanwhile; an empty login path takes it away.
    Raises SettingsError where the path is another organization's, and Organization.DoesNotExist where this one is not
    active.
    """
    organization = Organization.objects.hold(organization_id)
    before = (organization.name, organization.login_path)
    organization.name = organization.name if name is None else name
    organization.login_path = organization.login_path if login_path is None else login_path or None
    after = (organization.name, organization.login_path)
    changed = [field for field, old, new in zip(("name", "login_path"), before, after, strict=True) if old != new]
    if changed:
        _save(organization, changed)
        record_event(
            Act.ORGANIZATION_CHANGED,
            organization_id=organization.pk,
            actor=actor,
            via=via,
            address=address,
            details={"fields": changed},
        )
    return changed


def _save(organization: Organization, changed: list[str]) -> None:
    """The database knows the paths of all organizations; who has this one is not told."""
    try:
        with transaction.atomic():
            organization.save(update_fields=[*changed, "updated_at"])
    except IntegrityError:
        raise SettingsError("This login path is taken. Please choose another one.", "login_path") from None
