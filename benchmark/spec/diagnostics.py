"""What is measured inside the net while it trains."""

from pydantic import Field

from benchmark.spec.base import Ints, Spec


class DiagnosticsSpec(Spec):
    """Measured by layer; nothing of it changes what is trained."""

    iterations: Ints = Field(default=(), max_length=1000)
    """At each of these many steps done (0: the initial weights; ``schedule.iterations``: the end)
    the standard deviation of each layer's responses (figure 7), and the norm of each layer's
    gradient in the step that follows, if one does."""
