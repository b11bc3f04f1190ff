"""The page's figures: a suite's curves or responses if the paper has a figure, otherwise what its
claims are about: gradients by layer, or each run's error."""

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from benchmark.diagnostics import GRADIENTS
from benchmark.report.figures.drawn import draw_errors, draw_layers
from benchmark.report.figures.layers import draw_by_layer
from benchmark.report.figures.lines import key_of
from benchmark.report.figures.seeds import draw_seeds
from benchmark.report.figures.style import MAX_VARIANTS, looks
from benchmark.report.paper.evidence import Evidence
from benchmark.report.paper.rows import samples_in
from benchmark.report.published import published_levels
from benchmark.report.values import by_metric
from benchmark.suite.claims import ClaimAtIterations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RESPONSES = "mean_response_std"


def figures_of(own: Evidence) -> "Iterator[tuple[str, str, Figure]]":
    """Yield name, caption and figure for a suite's runs; nothing if no claim has runs on all its
    sides."""
    if own.frames is None or not _has_values(own):
        return
    runs, curves, layers = own.frames.runs, own.frames.curves, own.frames.layers
    first = list(dict.fromkeys(runs["variant"]))[:MAX_VARIANTS]
    runs = runs[runs["variant"].isin(first)]
    curves = curves[curves["variant"].isin(first)]
    at = f"{own.name}, {own.shortened}" if own.shortened else f"{own.name}, in the paper's form"
    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in own.loaded.plan.cells}
    look, levels = looks(runs["variant"]), published_levels(specs)
    if _shows(own, _RESPONSES):
        found = layers[layers["response_std"].notna() & layers["variant"].isin(first)]
        if len(found):
            caption = f"Responses by layer ({at}). {key_of(found)}"
            yield "responses", caption, draw_layers(runs, found, look)
    elif own.place.kind == "Figure" and (curves["epoch"] > 1).any():
        told = "Bold: test error; thin and dashed: training error"
        yield "curves", f"{told} ({at}). {key_of(curves)}", draw_errors(runs, curves, look, levels)
    elif own.place.kind != "Figure":
        at_iterations = layers.set_index(["variant", "iteration"]).index
        found = layers[at_iterations.isin(_gradients_at(own)) & layers["variant"].isin(first)]
        if len(found):
            caption = f"{GRADIENTS.label} by layer ({at}). {key_of(found)}"
            yield "gradients", caption, draw_by_layer(found, look, GRADIENTS)
        ended = runs[~runs["variant"].isin(_compared_early(own))]
        for metric, some in by_metric(ended) if len(ended) else ():
            name = "seeds-ap" if metric.of_detectors else "seeds"
            caption = f"The {metric.label} of each run ({at}); the bar is at the mean."
            yield name, caption, draw_seeds(some, look, levels, metric)


def _has_values(own: Evidence) -> bool:
    """Return whether every side of one of the claims has a run with a value."""
    claims = own.loaded.suite.claims
    return any(all(sample.known() for sample in samples_in(own, claim)) for claim in claims)


def _gradients_at(own: Evidence) -> set[tuple[str, int]]:
    """Return the variants and iterations whose gradients claims are about."""
    at_iterations = (c for c in own.loaded.suite.claims if isinstance(c, ClaimAtIterations))
    about = (claim for claim in at_iterations if claim.measured.by_iteration == "layers")
    return {pair for claim in about for pair in product(claim.variants, claim.at or ())}


def _compared_early(own: Evidence) -> set[str]:
    """Return the variants that claims are about, but none about the training's end."""
    early, late = set[str](), set[str]()
    for claim in own.loaded.suite.claims:
        (late if claim.last_iteration is None else early).update(claim.variants)
    return early - late


def _shows(own: Evidence, quantity: str) -> bool:
    """Return whether the suite's figure in the paper shows a quantity."""
    number = own.place.number if own.place.kind == "Figure" else ""
    shown = own.paper.shown
    return any(str(each.figure) == number and each.quantity == quantity for each in shown)
