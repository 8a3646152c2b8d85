"""Lists that are searched the way the one search box is (P72)."""

from django.contrib import messages

from accounts.services.finding import Term


class SearchedList:
    """A list of the admin; `matching` says which of its rows a term means."""

    def matching(self, queryset, term: Term):
        raise NotImplementedError

    def get_search_results(self, request, queryset, search_term):
        term = Term(search_term)
        if not term.text:
            return queryset, False
        if term.refusal:
            messages.info(request, term.refusal)
            return queryset.none(), False
        return self.matching(queryset, term), False
