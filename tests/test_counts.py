"""Numbers with their nouns."""

import pytest

from benchmark.counts import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("run",), "0 runs"),
        (1, ("run",), "1 run"),
        (2, ("run",), "2 runs"),
        (1281, ("image",), "1,281 images"),
        (1, ("run is", "runs are"), "1 run is"),
        (3, ("run is", "runs are"), "3 runs are"),
    ],
)
def test_one_is_singular(number, words, text):
    assert counted(number, *words) == text
