"""Choices that explain themselves: what a form's cards say of each."""


class Described(str):
    """The label of a choice, with a `hint` that stands below it on its card."""

    hint: str

    def __new__(cls, label: str, hint: str = "") -> "Described":
        made = super().__new__(cls, label)
        made.hint = hint
        return made
