"""Whether what a claim compares can be compared with the paper."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.paper import departures, section, told
from benchmark.suite.claims import Claim, PublishedClaim

_HIDDEN = {
    ("imagenet", "test"): "the images are ImageNet's validation set, not its test server's",
    ("coco2014", "test-dev"): "the images are COCO's validation set, not its test server's",
    ("voc2012", "test"): "the images are not those of VOC 2012's test server",
}
"""Data set and split of published numbers -> that nobody else has its labels."""

_UNKNOWN = "the paper says nothing of this data set"


def departures_of(claim: Claim, specs: Mapping[str, Any]) -> list[str]:
    """Those in fields in which every variant that the claim names departs, be it in other values.
    A field in which one variant alone departs is what the claim compares, as long as there is a
    variant that departs in nothing else; but each of an ensemble's counts. On top of them, that the
    published number is of images whose labels nobody else has, or of others altogether."""
    each = [departures(specs[variant]) for variant in claim.variants]
    fields = [{found.field for found in of_one} for of_one in each]
    compared: set[str] = set()
    if claim.compared == claim.variants:
        common = set.intersection(*fields)
        if any(common.issuperset(of_one) for of_one in fields):
            compared = set.union(*fields) - common
    own = tuple(f"{field}." for field in claim.departs_in)
    found = list(
        dict.fromkeys(
            told(departure)
            for departure in itertools.chain(*each)
            if departure.field not in compared and not f"{departure.field}.".startswith(own)
        )
    )
    if isinstance(claim, PublishedClaim):
        if any(section(specs[variant]) is None for variant in claim.variants):
            found.append(_UNKNOWN)
        elif hidden := _HIDDEN.get((claim.number.dataset, claim.number.split)):
            found.append(hidden)
    return found


_FEW = 2
"""Departures that are told one by one; the report has a list of all."""


def in_short(found: Sequence[str]) -> str:
    """One by one where they are few, else how many."""
    count = f"{len(found)} departure{'s' if len(found) > 1 else ''} from the paper's protocol"
    return f"{count}: {'; '.join(found)}" if len(found) <= _FEW else count
