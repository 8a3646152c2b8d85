"""Charts: what is drawn is what is said, whatever the names and however little there is."""

import re

import pytest

from konnect_portal.foundation.charts import Chart, Series
from konnect_portal.foundation.quantities import in_words, short


def chart(*values, **fields) -> Chart:
    series = [Series(f"<{n}>", of, n) for n, of in enumerate(values, 1)]
    return Chart(title="Requests", columns=["1 Nov", "2 Nov", "3 Nov"], series=series, **fields)


def test_bars_stand_on_each_other():
    drawn = chart([10, 0, 20], [30, 0, 0])

    assert re.findall('d="(.+?)"', drawn.shapes) == [
        "M1 1000V750h8V1000zM21 1000V500h8V1000z",
        "M1 750V0h8V750z",
    ]
    assert drawn.totals == [40, 0, 20]


def test_what_is_still_to_come_is_outlined_and_in_no_row():
    drawn = chart([10, 0, 0], expected=[None, 5, 0])

    assert drawn.outlook == "M11 1000V500h8V1000"
    assert re.findall("<title>(.+?)</title>", drawn.places) == [
        "1 Nov: 10",
        "2 Nov: about 5 expected",
        "3 Nov: still to come",
    ]
    assert drawn.rows == '<tr><th scope="row">1 Nov</th><td>10</td></tr>'


def test_names_are_escaped():
    drawn = chart([1, 1, 1], [2, 2, 2])

    assert "&lt;1&gt; 1\n&lt;2&gt; 2" in drawn.places


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (221_000, ["0", "50k", "100k", "150k", "200k", "250k"]),
        (6_100_000, ["0", "2M", "4M", "6M", "8M"]),
    ],
)
def test_ticks_are_round_numbers(highest, ticks):
    assert re.findall(">([^<]+)</text>", chart([highest, 0, 0], kind="lines").ticks) == ticks


def test_a_chart_of_nothing_is_drawn():
    drawn = chart()

    assert (drawn.shapes, drawn.outlook, drawn.totals) == ("", "", [0, 0, 0])
    assert chart([0, 2, 1], kind="lines").shapes == '<path class="chart-tone-1" d="M5 1000L15 0L25 500"/>'


@pytest.mark.parametrize(
    ("quantity", "words", "letters"),
    [(0, "0", "0"), (12_300, "12,300", "12.3k"), (1_999_999, "1.9 million", "1.9M"), (2 * 10**9, "2 billion", "2B")],
)
def test_quantities_are_cut_not_rounded(quantity, words, letters):
    assert (in_words(quantity), short(quantity)) == (words, letters)
