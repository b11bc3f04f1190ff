"""A claim's place in the paper, derived from its published number, the figure's statement, or its
suite's source."""

import re
from dataclasses import dataclass

from benchmark.paper import SHOWN
from benchmark.suite import Claim
from benchmark.suite.claims import PublishedClaim

_ORDER = ("Table", "Figure", "Section", "")

_NAMED = re.compile(
    r"\b(Table|Figure|Section)s? (\d+(?:\.\d+)?)(?: and (\d+(?:\.\d+)?))?", re.IGNORECASE
)
_OWN = re.compile(r"^an extension|where the paper is silent", re.IGNORECASE)
"""Marks the source of a suite that asks what the paper does not."""


@dataclass(frozen=True)
class Place:
    """A table, figure or section; empty if a suite asks what the paper does not."""

    kind: str = ""
    number: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.number}" if self.kind else "Beyond the paper"

    @property
    def anchor(self) -> str:
        """The place in file names: ``table-6``."""
        return str(self).lower().replace(" ", "-").replace(".", "-")

    @property
    def order(self) -> tuple[int, float]:
        """Sort key: tables, figures, sections, then what is beyond the paper."""
        return _ORDER.index(self.kind), float(self.number or 0)


BEYOND = Place()


def place_of_source(source: str) -> Place:
    """Return the place named in a suite's source: the first, but for ``Figures 1 and 6`` the last,
    which shows in full what the first summarizes."""
    found = _NAMED.search(source)
    if found is None or _OWN.search(source):
        return BEYOND
    return Place(found.group(1).capitalize(), found.group(3) or found.group(2))


def place_of(claim: Claim, source: str) -> Place:
    """Return the place of a claim in a suite with that source."""
    own = place_of_source(source)
    if own == BEYOND:
        return own
    if isinstance(claim, PublishedClaim) and claim.number.table:
        return Place("Table", str(claim.number.table))
    figures = [shown.figure for shown in SHOWN if shown.statement == claim.statement]
    return Place("Figure", str(figures[0])) if figures else own
