"""Quantities as people read them. Cut, not rounded: nothing is said to be reached before it is."""

SCALES = [(10**9, "billion", "B"), (10**6, "million", "M"), (10**3, "thousand", "k")]
WRITTEN_OUT = 10**6


def in_words(quantity: int) -> str:
    """ "12,300", "1.2 million"."""
    if quantity < WRITTEN_OUT:
        return f"{quantity:,}"
    size, word, _ = next(scale for scale in SCALES if quantity >= scale[0])
    return f"{_cut(quantity, size)} {word}"


def short(quantity: int) -> str:
    """ "12.3k", "1.2M"."""
    for size, _, letter in SCALES:
        if quantity >= size:
            return f"{_cut(quantity, size)}{letter}"
    return str(quantity)


def _cut(quantity: int, size: int) -> str:
    tenths = quantity * 10 // size
    return f"{tenths // 10:,}" if tenths % 10 == 0 else f"{tenths // 10:,}.{tenths % 10}"
