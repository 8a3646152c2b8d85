"""Charts as SVG from the server: bars that are stacked, or lines, over columns such as days or weeks.

`parts/chart.html` draws one and `parts/chart_table.html` says the same in numbers. A page that shows one has
`portal/chart.css` and `portal/chart.js`, which lets pointer and arrow keys go from column to column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from konnect_portal.foundation.quantities import short

STEP, BAR, GAP = 10, 8, 1
"""A column's width in the drawing, which is stretched to the width of the page, its bar's and the space before it."""
HEIGHT = 1000
TICKS_AT_MOST = 5
NAMED_COLUMNS = 5


@dataclass(frozen=True)
class Series:
    """One number for each column; `tone` is its colour, 1 to 8, the same wherever the same thing is drawn."""

    name: str
    values: Sequence[int]
    tone: int


@dataclass(frozen=True)
class Chart:
    """`columns` are their names; `expected` says of those still to come what they may be, and is None of others."""

    title: str
    columns: Sequence[str]
    series: Sequence[Series]
    expected: Sequence[int | None] = ()
    kind: Literal["bars", "lines"] = "bars"

    @cached_property
    def totals(self) -> list[int]:
        """Of all series, by column."""
        return self._heights[-1]

    @property
    def width(self) -> int:
        return STEP * len(self.columns)

    @cached_property
    def ticks(self) -> SafeString:
        """Lines across, each with its number."""
        values = range(0, self._top + 1, self._step)
        return _markup(
            f'<line class="chart-line" x1="0" x2="100%" y1="{percent}%" y2="{percent}%"/>'
            f'<text class="chart-tick" x="-8" y="{percent}%">{short(value)}</text>'
            for value, percent in ((value, f"{100 - value * 100 / self._top:.3f}") for value in values)
        )

    @cached_property
    def shapes(self) -> SafeString:
        """A path for each series, of bars the first at the bottom."""
        if self.kind == "lines":
            paths = [self._line(series.values) for series in self.series]
        else:
            paths = [self._bars(*edges) for edges in zip(self._heights, self._heights[1:], strict=False)]
        tones = [series.tone for series in self.series]
        return _markup(
            f'<path class="chart-tone-{tone}" d="{path}"/>' for tone, path in zip(tones, paths, strict=True)
        )

    @cached_property
    def outlook(self) -> SafeString:
        """The path of what is expected."""
        return _markup(
            f"M{n * STEP + GAP} {HEIGHT}V{self._y(value)}h{BAR}V{HEIGHT}"
            for n, value in enumerate(self.expected)
            if value
        )

    @cached_property
    def names(self) -> SafeString:
        """Some of the columns' names, evenly spread: all of them are too much for a phone."""
        every = -(-len(self.columns) // NAMED_COLUMNS)
        named = [(n, escape(self.columns[n])) for n in range(every // 2, len(self.columns), every)]
        return _markup(
            f'<text class="chart-name" x="{self._percent(n + 0.5)}" y="100%" dy="1.4em">{name}</text>'
            for n, name in named
        )

    @cached_property
    def places(self) -> SafeString:
        """The columns as what can be pointed at, each with what it says."""
        return _markup(
            f'<rect class="chart-column" x="{self._percent(n)}" width="{self._percent(1)}" height="100%">'
            f"<title>{escape(self._said(n))}</title></rect>"
            for n in range(len(self.columns))
        )

    @cached_property
    def rows(self) -> SafeString:
        """Of the table; columns that are still to come are left out."""
        passed = [(n, escape(name)) for n, name in enumerate(self.columns) if not self._is_ahead(n)]
        return _markup(
            f'<tr><th scope="row">{name}</th>{"".join(f"<td>{number:,}</td>" for number in self._numbers(n))}</tr>'
            for n, name in passed
        )

    @cached_property
    def _heights(self) -> list[list[int]]:
        """How high the bars of each column are after none, one, two and so on of the series."""
        nothing = [0] * len(self.columns)
        return list(accumulate((series.values for series in self.series), _add, initial=nothing))

    @cached_property
    def _highest(self) -> int:
        tops = self.totals if self.kind == "bars" else [value for series in self.series for value in series.values]
        return max(*tops, *(value or 0 for value in self.expected), 1)

    @cached_property
    def _top(self) -> int:
        """Where the drawing ends: the first tick that nothing is above."""
        return -(-self._highest // self._step) * self._step

    @cached_property
    def _step(self) -> int:
        """Between two ticks: 1, 2 or 5 and zeros."""
        least = -(-self._highest // TICKS_AT_MOST)
        size = 10 ** (len(str(least)) - 1)
        return next(size * times for times in (1, 2, 5, 10) if size * times >= least)

    def _is_ahead(self, n: int) -> bool:
        return n < len(self.expected) and self.expected[n] is not None

    def _said(self, n: int) -> str:
        if self._is_ahead(n):
            return (
                f"{self.columns[n]}: {f'about {self.expected[n]:,} expected' if self.expected[n] else 'still to come'}"
            )
        parts = [f"{series.name} {series.values[n]:,}" for series in self.series if series.values[n]]
        return "\n".join([f"{self.columns[n]}: {self.totals[n]:,}", *(parts if len(self.series) > 1 else ())])

    def _numbers(self, n: int) -> list[int]:
        """Of a column: each series', and together where there are several."""
        together = [self.totals[n]] if len(self.series) > 1 else []
        return [series.values[n] for series in self.series] + together

    def _percent(self, columns: float) -> str:
        return f"{columns * 100 / len(self.columns):.3f}%"

    def _y(self, value: int) -> int:
        return HEIGHT - value * HEIGHT // self._top

    def _bars(self, below: Sequence[int], above: Sequence[int]) -> str:
        return "".join(
            f"M{n * STEP + GAP} {self._y(low)}V{self._y(high)}h{BAR}V{self._y(low)}z"
            for n, (low, high) in enumerate(zip(below, above, strict=True))
            if high > low
        )

    def _line(self, values: Sequence[int]) -> str:
        return "M" + "L".join(f"{n * STEP + STEP // 2} {self._y(value)}" for n, value in enumerate(values))


def _add(below: Sequence[int], values: Sequence[int]) -> list[int]:
    return [low + value for low, value in zip(below, values, strict=True)]


def _markup(parts) -> SafeString:
    """Put together here, of numbers and of names that are escaped."""
    return mark_safe("".join(parts))  # noqa: S308
