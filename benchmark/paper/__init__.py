"""What the paper published, as data: numbers with how they were selected, and its protocol."""

from benchmark.paper.number import Number
from benchmark.paper.protocol import Departure, departures, section, told
from benchmark.paper.published import PUBLISHED, SHOWN, Published, Shown, published_for
from benchmark.paper.reproductions import REPRODUCTIONS, Reproduced

__all__ = [
    "PUBLISHED",
    "REPRODUCTIONS",
    "SHOWN",
    "Departure",
    "Number",
    "Published",
    "Reproduced",
    "Shown",
    "departures",
    "published_for",
    "section",
    "told",
]
