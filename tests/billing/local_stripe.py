"""A Stripe of one's own over HTTP: localstripe, and what it lacks of what is asked of Stripe.

`python -m tests.billing.local_stripe PORT`. It keeps idempotency keys, finds payments by customer, knows the newer
name of allowed payment methods, and has a card set-up page that is left at once with the card `pm_card_visa`.
"""

import sys

from aiohttp import web
from localstripe import resources
from localstripe.server import api_create, api_retrieve, app

list_everybodys = resources.PaymentIntent._api_list_all
create_payment = resources.PaymentIntent._api_create
ANSWERED: dict[str, tuple[int, bytes]] = {}


def list_payments(url, customer=None, **page):
    found = list_everybodys(url, **page)
    found._list = [each for each in found._list if customer in (None, each.customer)]
    return found


def create_card_payment(allowed_payment_method_types, **given):
    return create_payment(payment_method_types=allowed_payment_method_types, **given)


class Session(resources.StripeObject):
    object = "checkout.session"
    _id_prefix = "cs_"

    def __init__(self, customer, mode, success_url, **given):
        super().__init__()
        self.customer = customer
        self.url = success_url
        intent = resources.SetupIntent(customer=customer)
        method = resources.PaymentMethod._api_retrieve("pm_card_visa")
        method.customer = customer
        intent._attach_pm(method)
        self.setup_intent = intent.id


@web.middleware
async def answer_once(request, handler):
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return await handler(request)
    if key not in ANSWERED:
        answer = await handler(request)
        ANSWERED[key] = (answer.status, answer.body)
    status, body = ANSWERED[key]
    return web.Response(status=status, body=body, content_type="application/json")


if __name__ == "__main__":
    resources.Store.dump_to_disk = lambda self: None
    resources.PaymentIntent._api_list_all = list_payments
    resources.PaymentIntent._api_create = create_card_payment
    app.middlewares.insert(0, answer_once)
    app.router.add_post("/v1/checkout/sessions", api_create(Session, ""))
    app.router.add_get("/v1/checkout/sessions/{id}", api_retrieve(Session, ""))
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
