"""Whether the runs that a claim compares are comparable with the paper."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.data.order import epoch_ends
from benchmark.paper import Departure, departures, section, told
from benchmark.spec import RunSpec
from benchmark.suite.claims import Claim, PublishedClaim

_HIDDEN = {
    ("imagenet", "test"): "the images are ImageNet's validation set, not its test server's",
    ("coco2014", "test-dev"): "the images are COCO's validation set, not its test server's",
    ("voc2012", "test"): "the images are not those of VOC 2012's test server",
}
"""Data set and split of published numbers whose labels are not public -> the departure's words."""

_UNKNOWN = "the paper does not cover this data set"


def departures_of(claim: Claim, specs: Mapping[str, Any]) -> list[str]:
    """Return the departures in fields in which every variant of the claim departs, even with
    different values. A field in which only some variants depart is what the claim compares, as long
    as one variant departs in nothing else; for an ensemble, every departure counts. What a schedule
    does after the last iteration that the claim is about is no departure. Also returned: that the
    published number is for images whose labels are not public, or for other images."""
    each = [_departures_until(claim, specs[name]) for name in claim.variants]
    fields = [{found.field for found in of_one} for of_one in each]
    compared: set[str] = set()
    if claim.compared == claim.variants:
        common = set.intersection(*fields)
        if any(common.issuperset(of_one) for of_one in fields):
            compared = set.union(*fields) - common
    found = list(
        dict.fromkeys(
            told(departure)
            for departure in itertools.chain(*each)
            if departure.field not in compared and not _stated(departure, claim.departs_in)
        )
    )
    if isinstance(claim, PublishedClaim):
        if any(section(specs[variant]) is None for variant in claim.variants):
            found.append(_UNKNOWN)
        elif hidden := _HIDDEN.get((claim.number.dataset, claim.number.split)):
            found.append(hidden)
    return found


def _departures_until(claim: Claim, spec: Mapping[str, Any]) -> list[Departure]:
    """Return a run's departures up to the last iteration that the claim is about. Up to the first
    drop of the learning rate, runs that end, or whose rates drop, at different iterations are the
    same, bit for bit."""
    found, schedule = departures(spec), spec["schedule"]
    last = claim.last_iteration
    if last is None or schedule["kind"] != "piecewise" or any(n <= last for n in schedule["drops"]):
        return found
    return [each for each in found if not _only_after(last, each, claim, spec)]


def _only_after(last: int, departure: Departure, claim: Claim, spec: Mapping[str, Any]) -> bool:
    """Return whether a departure in the schedule makes no difference up to an iteration."""
    if departure.field == "schedule.drops":
        return all(drop > last for drops in departure.agreed for drop in drops)
    if departure.field != "schedule.iterations":
        return False
    lengths = (departure.value, *departure.agreed)
    by_epoch = claim.measured.by_iteration == "epochs"
    ends = {_epoch_ends(spec, length, last) for length in lengths} if by_epoch else {()}
    return last <= min(lengths) and len(ends) == 1


def _epoch_ends(spec: Mapping[str, Any], iterations: int, last: int) -> tuple[int, ...]:
    """Return where epochs end, up to an iteration; a run's last epoch may be longer or shorter than
    the others."""
    images = RunSpec.model_validate(spec).dataset.train_images
    ends = epoch_ends(iterations, spec["optimizer"]["batch_size"], images)
    return tuple(end for end in ends if end <= last)


def _stated(departure: Departure, departs_in: Sequence[str]) -> bool:
    """Return whether a claim states a departure: its field, a part of the spec that it lies in, or
    the field with this value."""
    field = departure.field
    return any(
        f"{field}.".startswith(f"{stated}.") or stated == f"{field}={departure.value}"
        for stated in departs_in
    )


_FEW = 2
"""Maximum number of departures that are listed one by one; the report lists all."""


def in_short(found: Sequence[str]) -> str:
    """Return the departures one by one if they are few, otherwise their number."""
    count = f"{len(found)} departure{'s' if len(found) > 1 else ''} from the paper's protocol"
    return f"{count}: {'; '.join(found)}" if len(found) <= _FEW else count
