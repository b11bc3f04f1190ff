"""What is measured inside the net while it trains."""

from collections.abc import Iterator

from pydantic import Field

from benchmark.spec.base import Ints, Spec


class DiagnosticsSpec(Spec):
    """At some iterations each layer of a classifier is measured: the standard deviation of its
    responses (figure 7), and the norm of its gradient in the step that follows, if one does.

    These are the standard ones: 0 (the initial weights), 1, 2, 5, 10, 20, 50 and so on, and the
    end. A suite may add some.
    """

    iterations: Ints = Field(default=(), max_length=1000)
    """Those added, by the number of steps done."""

    def measured_at(self, end: int) -> tuple[int, ...]:
        """All of them, for a training of ``end`` iterations, in order."""
        return tuple(sorted({0, end, *self.iterations, *_standard(end)}))


def _standard(end: int) -> Iterator[int]:
    decade = 1
    while decade < end:
        yield from (step * decade for step in (1, 2, 5) if step * decade < end)
        decade *= 10
