"""Pages of long lists: a million rows are never counted for one of them."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNT_CAP = 1000
"""Rows counted at most; a longer list says so and is narrowed by searching."""


class CappedPaginator(Paginator):
    """Counts up to `COUNT_CAP` rows, so that a list costs what it shows."""

    template_name = "admin/pagination_capped.html"
    object_list: QuerySet

    @cached_property
    def count(self):
        return self.object_list.order_by()[:COUNT_CAP].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= COUNT_CAP
