"""Labels of things, as Konnect has them: what they may say, and how a form asks for them."""

import re
from collections.abc import Mapping

from django import forms
from django.core.exceptions import ValidationError

LABELS_AT_MOST = 50
KEY = re.compile(r"(?!kong|konnect|mesh|kic|_|\s)[^\x00-\x1f\x7f\ud800-\udfff]{1,63}(?<!\s)")
VALUE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?")


class LabelError(ValueError):
    """These can be no labels; the text says why, worded for people. `field` is `labels`, or `labels.` and the key."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise LabelError where nothing can have these labels."""
    if len(labels) > LABELS_AT_MOST:
        raise LabelError(f"There can be {LABELS_AT_MOST} labels at most; these are {len(labels)}.", "labels")
    for key, value in labels.items():
        if not KEY.fullmatch(key):
            raise LabelError(
                f"The key {key[:63]!r} does not do: it has 1 to 63 characters and does not start with kong, konnect, "
                "mesh, kic or _.",
                f"labels.{key[:63]}",
            )
        if not VALUE.fullmatch(value):
            raise LabelError(
                f"The value of {key!r} does not do: it has 1 to 63 letters, digits, dots, _ and -, and a letter or "
                "digit at either end.",
                f"labels.{key}",
            )


def merge_labels(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The labels with those of `changes`; one that is None there goes."""
    return {key: value for key, value in {**labels, **changes}.items() if value is not None}


class LabelsField(forms.CharField):
    """Labels as lines of `key: value`."""

    widget = forms.Textarea

    def prepare_value(self, value):
        return "\n".join(f"{key}: {text}" for key, text in value.items()) if isinstance(value, dict) else value

    def clean(self, value):
        labels: dict[str, str] = {}
        for number, line in enumerate(super().clean(value).splitlines(), 1):
            key, colon, text = (part.strip() for part in line.rpartition(":"))  # no value has a colon
            if line.strip() and not colon:
                raise ValidationError(f"Line {number} has no colon: write key: value.")
            if key in labels:
                raise ValidationError(f"Line {number} says “{key[:63]}” once more.")
            if line.strip():
                labels[key] = text
        try:
            check_labels(labels)
        except LabelError as error:
            raise ValidationError(str(error)) from None
        return labels
