"""Moments on pages."""

from django.template.loader import render_to_string
from django.utils import timezone


def test_nothing_stands_between_a_moment_and_the_full_stop_after_it():
    page = render_to_string("parts/moment.html", {"at": timezone.now()})

    assert page == page.strip()
