"""What people are told by mail about their organization. The rows are written in the act's own transaction (P49)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from accounts.inactivity import Standing
from accounts.models import InactivityNotice, LifecycleEvent, Organization, User
from accounts.scope import Scope
from accounts.services.teams import admins_of
from accounts.words import Reason
from konnect_portal.foundation.outbox import NewMail, queue_mails


def tell_of_deactivation(
    organizations: Iterable[Organization], scopes: dict[UUID, Scope], events: Iterable[LifecycleEvent]
) -> None:
    """One mail each to the owner and the admins as they were before they were let go (P49)."""
    queue_mails(
        mail
        for organization, event in zip(organizations, events, strict=True)
        for mail in _deactivation_mails(organization, scopes[organization.pk], event)
    )


def tell_of_reactivation(organization: Organization, event: LifecycleEvent, *, returned: int, gone: int) -> None:
    """One mail to the owner, who is back in Organization Admin (P50)."""
    context = {
        "organization_name": organization.name,
        "reactivated_at": event.at,
        "control_plane_count": returned,
        "gone_control_plane_count": gone,
    }
    queue_mails([_mail(organization.owner, "organization_reactivated", context, event)])


def tell_of_inactivity(notices: Iterable[tuple[Standing, InactivityNotice]]) -> None:
    """One mail for each notice to each address of the owner, the admins and the contact e-mail (P64)."""
    notices = list(notices)
    admins = admins_of(standing.id for standing, _ in notices)
    queue_mails(
        mail for standing, notice in notices for mail in _inactivity_mails(standing, notice, admins[standing.id])
    )


def _inactivity_mails(standing: Standing, notice: InactivityNotice, admins: Iterable[User]) -> Iterator[NewMail]:
    organization = standing.organization
    context = {
        "organization_name": organization.name,
        "announced_at": notice.announced_at,
        "created_at": organization.created_at,
        "last_login_at": organization.last_login_at,
        "last_api_request_at": standing.last_api_request_at,
    }
    people = {person.email: person.pk for person in (organization.owner, *admins) if person.is_active}
    for address, person_id in ({organization.contact_email: None} | people).items():
        yield NewMail(address, "inactivity_notice", context, organization.pk, notice.pk, person_id)


def _deactivation_mails(organization: Organization, scope: Scope, event: LifecycleEvent) -> list[NewMail]:
    context = {
        "organization_name": organization.name,
        "deactivated_at": event.at,
        "reason_sentence": organization.reason_sentence,
        "purge_at": organization.purge_at,
        "subscription_count": len(scope.billing.subscriptions),
        "control_plane_count": len(scope.control_planes),
        "node_count": scope.nodes,
        "zone_count": scope.zones,
        "locked_addresses": scope.addresses,
        "take_down_at": _until_when_control_planes_return(scope, event),
    }
    people = {user.pk: user for user in (organization.owner, *scope.admins) if user.is_active}
    closing = event.actor_id if event.reason == Reason.ACCOUNT_CLOSED else None
    return [
        _mail(person, "organization_deactivated", context | {"account_closed": person.pk == closing}, event)
        for person in people.values()
    ]


def _until_when_control_planes_return(scope: Scope, event: LifecycleEvent) -> datetime | None:
    """None where there are none, or where they are taken down at once (P51)."""
    begins_at = datetime.fromisoformat(event.details["take_down_at"])
    return begins_at if scope.control_planes and begins_at > event.at else None


def _mail(person: User, kind: str, context: dict, event: LifecycleEvent) -> NewMail:
    return NewMail(
        to=person.email,
        kind=kind,
        context=context,
        organization_id=event.organization_id,
        event_id=event.pk,
        person_id=person.pk,
    )
