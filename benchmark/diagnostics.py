"""The quantities that are measured for each layer during training, each defined once: a new one
takes a row in this table and the function that measures it, in ``training.probes``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """The names of one quantity."""

    key: str
    """Key in an epoch's row of the journal: under ``layers`` and the iteration, layer -> value."""

    column: str
    """Column of ``load_layers``."""

    label: str
    """Label in figures."""

    figure: str
    """File name of its figure."""

    caption: str
    """What the figure shows."""


RESPONSES = Diagnostic(
    "response_stds",
    "response_std",
    "standard deviation of responses",
    "responses",
    "Standard deviation of each layer's responses, after batch normalization, if any, and before "
    "addition and nonlinearity (figure 7 of the paper); finished runs only.",
)
"""Standard deviation of a convolution's outputs (figure 7)."""

GRADIENTS = Diagnostic(
    "gradient_norms",
    "gradient_norm",
    "L2 norm of the gradient",
    "gradients",
    "Norm of the gradient of the loss with respect to each convolution's kernel, in order, of the "
    "runs that got there.",
)
"""Gradient norm with respect to a layer's kernel, in the next step."""

DIAGNOSTICS = (RESPONSES, GRADIENTS)
"""All diagnostics, in column order. The first one determines which layers are numbered, and has a
figure of its own."""
