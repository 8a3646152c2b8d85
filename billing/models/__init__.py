from billing.models.embedded_provider import EmbeddedCard, EmbeddedCharge, EmbeddedSubscription
from billing.models.invoices import CreditSpent, Invoice, InvoiceLine
from billing.models.payments import CardSetup, Charge, PaymentMethod, ProviderMismatch, ProviderSubscription
from billing.models.plans import BillingAccount, Credit, Subscription, TrialClaim
from billing.models.prices import Price, PriceList
from billing.models.usage import DailyUsage, GeoUsage, UsageApart, UsageBatch, UsageFault, UsageRecord
from billing.models.words import Metric, Plan

__all__ = [
    "BillingAccount",
    "CardSetup",
    "Charge",
    "Credit",
    "CreditSpent",
    "DailyUsage",
    "EmbeddedCard",
    "EmbeddedCharge",
    "EmbeddedSubscription",
    "GeoUsage",
    "Invoice",
    "InvoiceLine",
    "Metric",
    "PaymentMethod",
    "Plan",
    "Price",
    "PriceList",
    "ProviderMismatch",
    "ProviderSubscription",
    "Subscription",
    "TrialClaim",
    "UsageApart",
    "UsageBatch",
    "UsageFault",
    "UsageRecord",
]
