"""The rows of a list of the admin and what narrows it, each written in one go: a page has hundreds of cells."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django import template
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import label_for_field, lookup_field, quote
from django.urls import reverse
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.utils import display_for_field, display_for_value
from unfold.widgets import UnfoldBooleanWidget

register = template.Library()
TICK = "action_checkbox"

type Show = Callable[[Any], object]
"""What a column shows of a row."""
type Column = tuple[str, Callable[[Any], tuple]]
"""The format of its cells, and what of a row fills it."""


@register.simple_tag
def titles(cl) -> SafeString:
    """The heads of the columns."""
    return format_html_join("", '<th scope="col">{}</th>', ((_title(cl, name),) for name in cl.list_display))


@register.simple_tag
def rows(cl) -> SafeString:
    columns = [_column(cl, name) for name in cl.list_display]
    line = "".join(["<tr>", *(cell for cell, _ in columns), "</tr>"])
    filled = ([value for _, fill in columns for value in fill(row)] for row in cl.result_list)
    return format_html_join("", line, filled)


@register.simple_tag
def choices(cl, spec) -> SafeString:
    """What a filter offers, the one in force marked."""
    offered = (
        (each["query_string"], "true" if each["selected"] else "false", each["display"]) for each in spec.choices(cl)
    )
    return format_html_join("", '<li><a href="{}" aria-current="{}">{}</a></li>', offered)


def _title(cl, name: str) -> str:
    if name == TICK:
        return _tick("action-toggle", "Select all on this page", id="action-toggle")
    return capfirst(str(label_for_field(name, cl.model, model_admin=cl.model_admin)))


def _column(cl, name: str) -> Column:
    """Where its cells lead to the page of their row, they are the head of it."""
    if name == TICK:
        return f"<td>{_tick('action-select', 'Select {}', value='{}')}</td>", lambda row: (row.pk, row)
    show = _show(cl, name)
    if name in (cl.list_display_links or ()):
        before, after = map(escape, _page(cl))
        head = f'<th scope="row"><a href="{before}{{}}{after}">{{}}</a></th>'
        return head, lambda row: (quote(row.pk), show(row))
    return "<td>{}</td>", lambda row: (show(row),)


def _show(cl, name: str) -> Show:
    empty = cl.model_admin.get_empty_value_display()
    if name != "__str__" and hasattr(cl.model_admin, name):
        method = getattr(cl.model_admin, name)
        is_yes_or_no = getattr(method, "boolean", False)
        return lambda row: display_for_value(method(row), empty, is_yes_or_no)

    def show(row):
        field, _, value = lookup_field(name, row, cl.model_admin)
        if field is None:
            return display_for_value(value, empty)
        if field.many_to_one:
            return getattr(row, field.name) or empty
        return display_for_field(value, field, empty)

    return show


def _page(cl) -> tuple[str, str]:
    """What the address of a row's page has before its id and after it; it leads back to the list as it was asked."""
    page = reverse(f"admin:{cl.opts.app_label}_{cl.opts.model_name}_change", args=["_"])
    before, after = page.rsplit("_", 1)
    return before, f"{after}?{cl.preserved_filters}" if cl.preserved_filters else after


@cache
def _tick(kind: str, label: str, *, value: str = "", **more: str) -> SafeString:
    """A box to tick, drawn as unfold draws one."""
    box = UnfoldBooleanWidget({"class": kind, "aria-label": label, **more}, lambda ticked: False)
    return box.render(ACTION_CHECKBOX_NAME if value else kind, value)
