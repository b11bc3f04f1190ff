"""Papers as data, one folder each: published numbers, how they were selected, and protocols."""

from collections.abc import Mapping
from typing import Any

from benchmark.paper import deep_residual_learning, identity_mappings
from benchmark.paper.departures import Departure, told
from benchmark.paper.number import Number
from benchmark.paper.paper import Paper
from benchmark.paper.published import FIRST, Published, Shown
from benchmark.paper.reproductions import Reproduced

PAPERS = {each.PAPER.name: each.PAPER for each in (deep_residual_learning, identity_mappings)}

PUBLISHED = {key: number for each in PAPERS.values() for key, number in each.published.items()}
"""Key -> number, of all papers."""

SHOWN = tuple(shown for each in PAPERS.values() for shown in each.shown)
"""What the papers' figures show."""

REPRODUCTIONS = tuple(number for each in PAPERS.values() for number in each.reproductions)
"""Numbers that others reported, separate from the papers' own."""


_NO_PAPER = Paper("", title="", authors="", arxiv="", families=(), protocols={}, rows=lambda _: ())
"""The paper of nets that are in no paper here: it covers no data set."""


def paper_of(spec: Mapping[str, Any]) -> Paper:
    """Return the paper that a run is compared with, by its net; ``spec`` is nested plain data."""
    family = spec["model"].get("family", "resnet")
    found = (paper for paper in PAPERS.values() if family in paper.families)
    return next(found, _NO_PAPER)


def departures(spec: Mapping[str, Any]) -> list[Departure]:
    """Return a run's departures from its paper's protocol for its data set; empty if the paper does
    not cover the data set: see ``section``."""
    return paper_of(spec).departures(spec)


def section(spec: Mapping[str, Any]) -> str | None:
    """Return the section of the paper with the protocol for a run; None if the paper does not cover
    the data set, so that a claim about it is judged on its own terms."""
    protocol = paper_of(spec).protocol(spec)
    return protocol.section if protocol else None


def left_open(spec: Mapping[str, Any]) -> list[str]:
    """Return what a run has in the fields that its paper's protocol leaves open, in words."""
    protocol = paper_of(spec).protocol(spec)
    return protocol.choices(spec) if protocol else []


def published_for(spec: Mapping[str, Any]) -> Published | None:
    """Return the number published for a run: see ``Paper.published_for``."""
    return paper_of(spec).published_for(spec)


__all__ = [
    "FIRST",
    "PAPERS",
    "PUBLISHED",
    "REPRODUCTIONS",
    "SHOWN",
    "Departure",
    "Number",
    "Paper",
    "Published",
    "Reproduced",
    "Shown",
    "departures",
    "left_open",
    "paper_of",
    "published_for",
    "section",
    "told",
]
