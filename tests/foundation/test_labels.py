"""Labels of teams and control planes (docs/konnect-shapes.md)."""

import pytest

from konnect_portal.foundation.labels import LabelError, check_labels


@pytest.mark.parametrize(
    "labels",
    [{}, {"a": "b"}, {"k" * 63: "v" * 63}, {"cost center": "a.b_c-d"}, {f"k{n}": "v" for n in range(50)}],
)
def test_these_do(labels):
    check_labels(labels)


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({f"k{n}": "v" for n in range(51)}, "labels"),
        ({"": "v"}, "labels."),
        ({"k" * 64: "v"}, "labels." + "k" * 63),
        *(({f"{start}x": "v"}, f"labels.{start}x") for start in ("kong", "konnect", "mesh", "kic", "_")),
        ({"a\nb": "v"}, "labels.a\nb"),
        ({"good": "v", "bad": ""}, "labels.bad"),
        ({"a": "v" * 64}, "labels.a"),
        ({"a": ".v"}, "labels.a"),
        ({"a": "v-"}, "labels.a"),
        ({"a": "v w"}, "labels.a"),
    ],
)
def test_these_do_not_and_it_is_said_which(labels, field):
    with pytest.raises(LabelError) as refused:
        check_labels(labels)

    assert refused.value.field == field
