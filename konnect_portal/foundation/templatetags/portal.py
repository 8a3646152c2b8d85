"""What every page of the portal may need: moments in words, and where support is."""

from decimal import Decimal

from django import template
from django.conf import settings

from konnect_portal.foundation.moments import absolute, distance
from konnect_portal.foundation.money import dollars

register = template.Library()
register.filter("absolute", absolute)
register.filter("distance", distance)
register.filter("dollars", dollars)


@register.filter
def quantity(value: Decimal) -> str:
    """ "1,250.5", without the places that a column has to spare; a dash for none."""
    return f"{value.normalize():,f}" if value else "–"


@register.simple_tag
def support_url() -> str:
    """Stands in every refusal, also where there is no request to ask."""
    return settings.SUPPORT_URL
