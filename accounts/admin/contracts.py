"""Enterprise contracts, for leads: begun, changed and ended on the organization's page (P30, P70)."""

from django.conf import settings
from django.http import Http404
from django.utils import timezone

from accounts.admin.acts import OrganizationAct
from accounts.admin.confirming import Shown, said
from accounts.admin.forms import ActForm
from accounts.columns import Column, Line, line
from accounts.forms.contracts import ContractFields, answers_of, contract_in, prices_in
from accounts.services import contracts
from accounts.services.contracts import digest_of, unended
from accounts.words import State
from billing.models import Plan, Subscription
from billing.services import agreed_prices, contract_of, costs_so_far
from konnect_portal.foundation.moments import absolute
from konnect_portal.foundation.money import dollars

NEEDED = ["note", "ticket", "proof", "name"]


class ContractForm(ContractFields, ActForm):
    field_order = [*ContractFields.base_fields, *NEEDED]


class ContractAct(OrganizationAct):
    permission = contracts.PERMISSION
    needs_contract: bool

    def applies(self, target):
        runs = contract_of(target.pk, at=timezone.now()) is not None
        return target.state == State.ACTIVE and runs == self.needs_contract

    def missed(self, target):
        if target.state != State.ACTIVE:
            return super().missed(target)
        runs = "has no contract" if self.needs_contract else "is on an Enterprise contract"
        return f"{target.name} {runs}: nothing was changed."


class BeginContract(ContractAct):
    name = "begin-contract"
    title = "Begin an Enterprise contract"
    done = "{} is on Enterprise."
    form = ContractForm
    needs_contract = False

    def button(self, target):
        return f"Put {target.name} on Enterprise"

    def show(self, user, target):
        at = timezone.now()
        ending = unended(target.pk, at=at)
        columns = [
            Column("This will", "stop", [*_ends(ending, target, at), *_puts(target)]),
            Column("This will not", "keep", _keeps(target)),
        ]
        return Shown(columns, digest_of(ending))

    def act(self, target, *, data, expected, **who):
        terms = {"prices": prices_in(data), "expected": expected}
        contracts.begin_contract(target.pk, contract_in(data), **terms, **said(data), **who)


class ChangeContract(ContractAct):
    name = "change-contract"
    title = "Change the contract"
    done = "The contract of {} is changed."
    form = ContractForm
    needs_contract = True

    def button(self, target):
        return f"Change the contract of {target.name}"

    def show(self, user, target):
        contract = _running(target)
        columns = [
            Column("This will", "stop", [line("Show its owner and admins what you enter, on the plan page")]),
            Column(
                "This will not",
                "keep",
                [
                    line("Change what earlier cycles cost: other prices hold for cycles that begin from now on"),
                    line("Charge anything: Enterprise is not invoiced here"),
                ],
            ),
        ]
        return Shown(columns, digest_of([contract]), initial=answers_of(contract, agreed_prices(contract)))

    def act(self, target, *, data, expected, **who):
        terms = {"prices": prices_in(data), "expected": expected}
        contracts.change_contract(target.pk, contract_in(data), **terms, **said(data), **who)


class EndContract(ContractAct):
    name = "end-contract"
    title = "End the contract"
    done = "{} is on Free."
    is_dangerous = True
    needs_contract = True

    def button(self, target):
        return f"End the contract of {target.name}"

    def show(self, user, target):
        contract = _running(target)
        number = contract.contract_number or "without number"
        columns = [
            Column(
                "This will",
                "stop",
                [
                    line(f"End the contract {number}, which began {absolute(contract.starts_at)}"),
                    line(f"Put {target.name} on Free at once, where nobody using it for 30 days deactivates it"),
                ],
            ),
            Column(
                "This will not",
                "keep",
                [
                    *_keeps(target),
                    line("Charge or refund anything"),
                    line(f"Let one lead deactivate it: for {settings.ENTERPRISE_REMEMBERED_DAYS} days that takes two"),
                ],
            ),
        ]
        return Shown(columns, digest_of([contract]))

    def act(self, target, *, data, expected, **who):
        contracts.end_contract(target.pk, expected=expected, **said(data), **who)


CONTRACT_ACTS = [BeginContract(), ChangeContract(), EndContract()]


def _running(target) -> Subscription:
    """The contract that runs; the page is gone where it has ended since it was asked for."""
    contract = contract_of(target.pk, at=timezone.now())
    if contract is None:
        raise Http404
    return contract


def _ends(ending: list[Subscription], target, at) -> list[Line]:
    """What of plans ends, and what of it will be invoiced."""
    return [line(_end_of(each, target, at)) for each in ending] or [line("End nothing: it is on Free")]


def _end_of(subscription: Subscription, target, at) -> str:
    if subscription.is_trial and subscription.ends_at:
        return f"End the trial, which would run until {absolute(subscription.ends_at)}; its credits lapse"
    if subscription.starts_at > at:
        return "Call off the Plus that was to follow the trial: it is never billed"
    cents = costs_so_far([target.pk], at=at)[target.pk].due_cents
    return f"End Plus now: {dollars(cents)} for this cycle will be invoiced, and what geos still report of it"


def _puts(target) -> list[Line]:
    return [
        line(f"Put {target.name} on {Plan.ENTERPRISE.label} now, on the terms below"),
        line("Show them to its owner and admins, on the plan page"),
    ]


def _keeps(target) -> list[Line]:
    return [
        line("Stop anything that runs"),
        line("Change people, licenses or control planes"),
        line("Change issued invoices, or forget its payment method"),
    ]
