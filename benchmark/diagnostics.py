"""Every quantity that is measured of a net's layers while it is trained, once: a new one is a row
of this table, and the function that measures it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """What it is called where."""

    key: str
    """In an epoch's row of the journal: under ``layers`` and the iteration, layer -> value."""

    column: str
    """In ``load_layers``."""

    label: str
    """For people, in figures."""


RESPONSES = Diagnostic("response_stds", "response_std", "standard deviation of responses")
"""Of a convolution's outputs (figure 7)."""

GRADIENTS = Diagnostic("gradient_norms", "gradient_norm", "L2 norm of the gradient")
"""By a layer's kernel, in the step that follows."""

DIAGNOSTICS = (RESPONSES, GRADIENTS)
"""In the order of their columns. The first tells the layers' places."""
