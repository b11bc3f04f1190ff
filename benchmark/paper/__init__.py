"""What the paper published, as data: numbers with how they were selected, and its protocol."""

from benchmark.paper.protocol import Departure, departures, section, told
from benchmark.paper.published import (
    PUBLISHED,
    REPRODUCTIONS,
    SHOWN,
    Number,
    Published,
    Reproduced,
    Shown,
    published_for,
)

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
