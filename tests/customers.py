"""Customers in tests: with a password, signed in, and having shown just now that it is them."""

import time

from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string
from post_office.models import Email

from konnect_portal.foundation.models import Mail
from konnect_portal.foundation.outbox import text_of
from tests.factories import PASSWORD

NEW_PASSWORD = "Another-Horse-8-Staple"


def with_password(user):
    user.set_password(PASSWORD)
    user.save()
    return user


def signed_in(user, *, stepped_up=True) -> Client:
    """A client with a session of this person, in which they have shown lately that it is them, as allauth records."""
    client = Client()
    client.force_login(user)
    if stepped_up:
        session = client.session
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time(), "reauthenticated": True}
        ]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


def link_to(person, kind) -> str:
    """The path of the link that the person's last mail of that kind gets when it is sent."""
    return link_of(Mail.objects.filter(person_id=person.pk, kind=kind).latest("email_id"))


def link_of(mail: Mail) -> str:
    """The path of the link that it gets when it is sent."""
    link = import_string(settings.MAIL_LINK_MAKERS[mail.kind])(mail)
    return link.removeprefix(settings.PUBLIC_URL)


def mails_to(address: str) -> list[Email]:
    """The mails to an address, with their text."""
    return [read(mail) for mail in Email.objects.order_by("pk") if mail.to == [address]]


def read(mail: Email) -> Email:
    """The mail with the text that it will be sent with."""
    mail.message = text_of(mail, mail.about.kind)
    return mail


def entered(user, organization) -> Client:
    """A client with a session of this person that works in the organization."""
    client = signed_in(user)
    assert client.post(f"/organizations/{organization.pk}/enter/").status_code == 302
    return client


def words(response) -> str:
    """The text of a page, however its lines are broken."""
    return " ".join(response.text.split())
