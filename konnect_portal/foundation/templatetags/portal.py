"""What every page of the portal may need: moments in words, and where support is."""

from datetime import timedelta

from django import template
from django.conf import settings

from konnect_portal.foundation.moments import absolute, distance, span
from konnect_portal.foundation.money import dollars
from konnect_portal.foundation.quantities import in_words

register = template.Library()
register.filter("absolute", absolute)
register.filter("distance", distance)
register.filter("dollars", dollars)
register.filter("in_words", in_words)


@register.filter
def seconds(count: int) -> str:
    """So many of them, forwards or back, as people say it: "12 minutes"."""
    return span(timedelta(seconds=count))


@register.simple_tag
def support_url() -> str:
    """Stands in every refusal, also where there is no request to ask."""
    return settings.SUPPORT_URL
