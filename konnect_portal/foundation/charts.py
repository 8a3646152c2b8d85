"""Charts as SVG from the server: bars that are stacked, or lines, over columns such as days or weeks.

`parts/chart.html` draws one and `parts/chart_table.html` says the same in numbers. A page that shows one has
`portal/chart.css` and `portal/chart.js`, which lets pointer and arrow keys go from column to column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

from konnect_portal.foundation.quantities import short

STEP, BAR, GAP = 10, 8, 1
"""A column's width in the drawing, which is stretched to the width of the page, its bar's and the space before it."""
HEIGHT = 1000
TICKS = 4
NAMED_COLUMNS = 5


@dataclass(frozen=True)
class Series:
    """One number for each column; `tone` is its colour, 1 to 8, the same wherever the same thing is drawn."""

    name: str
    values: Sequence[int]
    tone: int

    @cached_property
    def total(self) -> int:
        return sum(self.values)


class Tick(NamedTuple):
    label: str
    percent: float


class Shape(NamedTuple):
    """A path of the drawing."""

    tone: int
    path: str


class Column(NamedTuple):
    """Where it begins and how wide it is, in percent of the whole, and what it says."""

    percent: str
    width: str
    said: str


class Row(NamedTuple):
    """A column as a row of the table."""

    label: str
    values: Sequence[int]
    total: int


@dataclass(frozen=True)
class Chart:
    """`columns` are the names of the columns; `expected` says of those still to come what they may be, None of others."""

    title: str
    columns: Sequence[str]
    series: Sequence[Series]
    expected: Sequence[int | None] = ()
    kind: Literal["bars", "lines"] = "bars"

    @cached_property
    def totals(self) -> list[int]:
        return [sum(values) for values in self._by_column]

    @cached_property
    def _by_column(self) -> list[tuple[int, ...]]:
        if not self.series:
            return [()] * len(self.columns)
        return list(zip(*(series.values for series in self.series), strict=True))

    @property
    def width(self) -> int:
        return STEP * len(self.columns)

    @cached_property
    def _step(self) -> int:
        """Between two ticks: 1, 2 or 5 and zeros."""
        tops = self.totals if self.kind == "bars" else [value for series in self.series for value in series.values]
        least = -(-max([*tops, *(value or 0 for value in self.expected), 1]) // TICKS)
        size = 10 ** (len(str(least)) - 1)
        return next(size * times for times in (1, 2, 5, 10) if size * times >= least)

    @cached_property
    def ticks(self) -> list[Tick]:
        return [Tick(short(n * self._step), 100 - n * 100 / TICKS) for n in range(TICKS + 1)]

    @cached_property
    def shapes(self) -> list[Shape]:
        """A path for each series, the first at the bottom."""
        if self.kind == "lines":
            return [Shape(series.tone, self._line(series.values)) for series in self.series]
        tops = accumulate((series.values for series in self.series), _add, initial=[0] * len(self.columns))
        bottoms = list(tops)
        return [
            Shape(series.tone, self._bars(below, above))
            for series, below, above in zip(self.series, bottoms, bottoms[1:], strict=False)
        ]

    @cached_property
    def outlook(self) -> str:
        """The path of what is expected."""
        return "".join(
            f"M{n * STEP + GAP} {HEIGHT}V{self._y(value)}h{BAR}V{HEIGHT}"
            for n, value in enumerate(self.expected)
            if value
        )

    @cached_property
    def names(self) -> list[Tick]:
        """The columns that are named below the drawing, evenly spread, where the whole of them is too much."""
        every = -(-len(self.columns) // NAMED_COLUMNS)
        width = 100 / max(len(self.columns), 1)
        return [Tick(self.columns[n], (n + 0.5) * width) for n in range(every // 2, len(self.columns), every)]

    @cached_property
    def places(self) -> list[Column]:
        width = 100 / max(len(self.columns), 1)
        return [Column(f"{n * width:.3f}", f"{width:.3f}", self._said(n)) for n in range(len(self.columns))]

    @cached_property
    def rows(self) -> list[Row]:
        """Of the columns that are not still to come."""
        rows = zip(self.columns, self._by_column, self.totals, strict=True)
        return [Row(*row) for n, row in enumerate(rows) if not self._is_ahead(n)]

    def _is_ahead(self, n: int) -> bool:
        return n < len(self.expected) and self.expected[n] is not None

    def _said(self, n: int) -> str:
        if self._is_ahead(n):
            return f"{self.columns[n]}: {f'about {self.expected[n]:,} expected' if self.expected[n] else 'still to come'}"
        parts = [f"{series.name} {series.values[n]:,}" for series in self.series if series.values[n]]
        return "\n".join([f"{self.columns[n]}: {self.totals[n]:,}", *(parts if len(self.series) > 1 else ())])

    def _y(self, value: int) -> int:
        return HEIGHT - value * HEIGHT // (self._step * TICKS)

    def _bars(self, below: Iterable[int], above: Iterable[int]) -> str:
        return "".join(
            f"M{n * STEP + GAP} {self._y(low)}V{self._y(high)}h{BAR}V{self._y(low)}z"
            for n, (low, high) in enumerate(zip(below, above, strict=True))
            if high > low
        )

    def _line(self, values: Sequence[int]) -> str:
        return "M" + "L".join(f"{n * STEP + STEP // 2} {self._y(value)}" for n, value in enumerate(values))


def _add(below: Sequence[int], values: Sequence[int]) -> list[int]:
    return [low + value for low, value in zip(below, values, strict=True)]
