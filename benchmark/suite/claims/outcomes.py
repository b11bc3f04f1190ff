"""The possible verdicts."""

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
CONSISTENT = "consistent with one published run"
"""Of a published number from a single run, instead of ``reproduced``."""
INCONCLUSIVE, NOT_COMPARABLE = "inconclusive", "not comparable"

NOT_RUN = "not run"
"""Instead of a verdict: no run of one of the variants has ended."""
