"""What is measured inside the net while it trains."""

from collections.abc import Iterator

from pydantic import Field

from benchmark.spec.base import Ints, Spec


class DiagnosticsSpec(Spec):
    """Measurements of each layer of a classifier at some iterations: the standard deviation of its
    responses (figure 7) and the norm of its gradient in the following step, if there is one.

    The standard iterations are 0 (the initial weights), 1, 2, 5, 10, 20, 50 and so on, and the
    end. A suite may add more.
    """

    iterations: Ints = Field(default=(), max_length=1000)
    """The added iterations, as the number of steps done."""

    def measured_at(self, end: int) -> tuple[int, ...]:
        """Return all of them, in order, for training that takes ``end`` iterations."""
        return tuple(sorted({0, end, *self.iterations, *_standard(end)}))


def _standard(end: int) -> Iterator[int]:
    decade = 1
    while decade < end:
        yield from (step * decade for step in (1, 2, 5) if step * decade < end)
        decade *= 10
