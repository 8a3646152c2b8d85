"""Asking the contact to confirm what a customer asked for (P73)."""

from django.conf import settings

from accounts.admin.acts import OrganizationAct
from accounts.admin.confirming import Shown, worded
from accounts.admin.forms import AskContactForm
from accounts.columns import Column, line
from accounts.services.requests import ask_contact
from accounts.words import State, Wish


class AskContact(OrganizationAct):
    """Mail the contact a link; nothing changes for the organization."""

    name = "ask-contact"
    permission = "accounts.ask_contact"
    title = "Ask the contact to confirm"
    done = "The contact of {} is asked by mail. Below you see when they have confirmed."
    form = AskContactForm

    def button(self, target):
        return f"Ask the contact of {target.name} to confirm"

    def applies(self, target):
        return target.state in (State.ACTIVE, State.INACTIVE)

    def refusal(self, target):
        return None

    def show(self, user, target):
        will = [
            line(
                f"Mail a link, good once and for {settings.CONTACT_LINK_DAYS} days, that confirms a request",
                [target.contact_email],
            )
        ]
        keeps = [line(f"Change anything of {target.name}"), line("Show the contact your note or the ticket")]
        return Shown([Column("This will", "keep", will), Column("This will not", "keep", keeps)], target.contact_email)

    def act(self, target, *, data, expected, **who):
        ask_contact(target.pk, wish=Wish(data["wish"]), text=data["text"], **worded(data), **who)


ACTS = [AskContact()]
