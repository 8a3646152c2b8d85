"""Customers in tests: signed in, and in an organization."""

from django.test import Client


def signed_in(user) -> Client:
    """A client with a session of this person that has entered no organization."""
    client = Client()
    client.force_login(user)
    return client


def entered(user, organization) -> Client:
    """A client with a session of this person that works in the organization."""
    client = signed_in(user)
    assert client.post(f"/organizations/{organization.pk}/enter/").status_code == 302
    return client


def words(response) -> str:
    """The text of a page, however its lines are broken."""
    return " ".join(response.text.split())
