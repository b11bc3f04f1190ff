"""What is noted about a data set when it is added, and reported with each of its runs: files that
are not read, duplicate images, and anything else its owner may not expect."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.data import not_read as left
from benchmark.data.detection.suspect import Odd
from benchmark.data.digests import Repeated
from benchmark.data.not_read import Counts

BY_CONTENT, BY_SIZE = "sha256", "size"

Noted = Mapping[str, Any]
"""``not_read``: split, or ``elsewhere`` -> kind -> files. ``repeated``: as in ``Repeated``.
``boxes``: split -> the counts in ``detection.suspect.Odd``."""


def of(not_read: Mapping[str, Counts] | None, repeated: Repeated) -> dict[str, Any]:
    """Return the notes as they are stored; ``not_read``: None if that was not examined."""
    found = {} if not_read is None else {"not_read": not_read}
    return found | {"repeated": repeated._asdict()}


def checked_by(columns: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Return what is checked when a file is read, from the splits' columns."""
    return BY_CONTENT if all("digest" in own for own in columns.values()) else BY_SIZE


def lines(noted: Noted, checked: str = BY_CONTENT) -> list[str]:
    """Return lines for people; none if there is nothing to report."""
    found = [
        f"not read ({part}): {left.told(counts)}"
        for part, counts in noted.get("not_read", {}).items()
        if counts
    ]
    if repeated := noted.get("repeated"):
        found += Repeated(**repeated).told()
    for split, odd in noted.get("boxes", {}).items():
        found += [f"{split}: {line}" for line in Odd(**odd).told()]
    if checked == BY_SIZE:
        found.append(
            "added by an earlier version: only the sizes of the files that are read are checked, "
            "until they are added again"
        )
    return found
