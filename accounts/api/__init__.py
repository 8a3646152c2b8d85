"""The identity API, in Konnect's shapes: docs/konnect-shapes.md."""

from ninja import Router

from accounts.api import me, roles, system_accounts, teams, tokens, users
from accounts.api.calls import telling_refusals

router = Router()
router.add_decorator(telling_refusals)
for part in (me, users, teams, roles, system_accounts, tokens):  # `me` first: its path is as one of a person
    router.add_router("", part.router)
