"""Measurements inside the net during training."""

from collections.abc import Iterator

from pydantic import Field

from benchmark.spec.base import Ints, Spec


class DiagnosticsSpec(Spec):
    """The iterations at which each layer of a classifier is measured: the standard deviation of its
    responses (figure 7), and the norm of its gradient in the next step, if there is one.

    By default: 0 (the initial weights), 1, 2, 5, 10, 20, 50 and so on, and the end. A suite may add
    others.
    """

    iterations: Ints = Field(default=(), max_length=1000)
    """Additional iterations, counted in steps done."""

    def measured_at(self, end: int) -> tuple[int, ...]:
        """Return all iterations to measure at, in order, for a training of ``end`` iterations."""
        return tuple(sorted({0, end, *self.iterations, *_standard(end)}))


def _standard(end: int) -> Iterator[int]:
    decade = 1
    while decade < end:
        yield from (step * decade for step in (1, 2, 5) if step * decade < end)
        decade *= 10
