"""Lists that are searched the way the one search box is (P72)."""

from collections.abc import Callable

from django.contrib import messages
from django.db.models import QuerySet

from accounts.models import StaffLookup
from accounts.services.finding import Term
from accounts.services.trail import note_lookup


class SearchedList:
    """A list of the admin; `matching` says which rows a term means. Each search leaves a row in the staff trail."""

    matching: Callable[[QuerySet, Term], QuerySet]
    looked_up = StaffLookup.What.SEARCH

    def get_search_results(self, request, queryset, search_term):
        term = Term(search_term)
        if not term.text:
            return queryset, False
        note_lookup(request.user, self.looked_up)
        if term.refusal:
            messages.info(request, term.refusal)
            return queryset.none(), False
        return self.matching(queryset, term), False
