"""What exists in one geo only, in Konnect's shapes: docs/konnect-shapes.md. The geo is the host's (P11)."""

from ninja import Router

from geos.api import check_ins, consumers, control_planes, services

router = Router()
for part in (control_planes, services, consumers, check_ins):
    router.add_router("", part.router)
