"""How the support admin writes moments and states."""

import re

from django import template
from django.utils.html import format_html, format_html_join

from accounts.words import State
from konnect_portal.foundation.moments import absolute, distance

register = template.Library()
TONES = {
    State.ACTIVE: "good",
    State.INACTIVE: "stopped",
    State.DELETING: "gone",
    State.DELETED: "gone",
    "decommissioning": "waiting",
    "decommissioned": "gone",
    "waiting": "waiting",
    "paused": "waiting",
    "failed": "stopped",
    "confirmed": "good",
    "running": "good",
    "deactivated": "stopped",
}


@register.filter
def moment(value):
    """ "20 Nov 2026, 03:00 UTC (in 3 days)", or a dash where there is none."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}">{} <small>({})</small></time>', value.isoformat(), absolute(value), distance(value)
    )


register.filter("absolute", absolute)


@register.filter
def ago(value):
    """Only how far off; the full moment on hovering."""
    if value is None:
        return "–"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), absolute(value), distance(value))


@register.filter
def tally(counts):
    """ "control planes 3, people 2" of an event's counts; what there was none of is left out."""
    return ", ".join(f"{what.replace('_', ' ')} {count}" for what, count in (counts or {}).items() if count)


@register.filter
def marked(text, term):
    """The text with what was searched for marked in it, on its own where it is written from right to left."""
    first, *pieces = re.split(f"({'|'.join(map(re.escape, term.forms))})", text, flags=re.IGNORECASE)
    others = format_html_join("", "<mark>{}</mark>{}", zip(pieces[::2], pieces[1::2], strict=True))
    return format_html("<bdi>{}{}</bdi>", first, others)


@register.simple_tag
def pill(value, text):
    """A state as a small coloured label; the text says it without the colour."""
    return format_html('<span class="desk-pill desk-pill-{}">{}</span>', TONES.get(value, "calm"), text)


@register.simple_tag(takes_context=True)
def place_here(context):
    """The entry of the side bar to which the page belongs, or None."""
    groups = context.get("sidebar_navigation", ())
    return next((place for group in groups for place in group["items"] if place["active"]), None)
