"""What the paper published, as data: numbers with how they were selected, and its protocol."""

from benchmark.paper.protocol import departures
from benchmark.paper.published import (
    PUBLISHED,
    REPRODUCTIONS,
    Number,
    Published,
    Reproduced,
    published_error,
)

__all__ = [
    "PUBLISHED",
    "REPRODUCTIONS",
    "Number",
    "Published",
    "Reproduced",
    "departures",
    "published_error",
]
