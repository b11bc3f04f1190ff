"""The data that a claim is judged by: one value per run, or that a run was lost."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """The finished runs of one variant or one ensemble."""

    values: tuple[float | None, ...]
    """None for a run without a value because it diverged or failed."""
    seeds: tuple[int, ...]

    @property
    def lost(self) -> int:
        """Runs without a value."""
        return self.values.count(None)

    def has(self, seeds: Collection[int]) -> bool:
        """Return whether the runs of all these seeds have finished."""
        return set(self.seeds).issuperset(seeds)

    def known(self) -> list[float]:
        """Return the values of runs that have one."""
        return [value for value in self.values if value is not None]

    def filled(self, end: float, seeds: frozenset[int] | None = None) -> np.ndarray:
        """Return the values in the order of the seeds, with ``end`` for lost runs; ``seeds``: only
        those of these seeds."""
        rows = sorted(zip(self.seeds, self.values, strict=True), key=lambda row: row[0])
        chosen = [value for seed, value in rows if seeds is None or seed in seeds]
        return np.array([end if value is None else value for value in chosen], float)


@dataclass(frozen=True)
class Setting:
    """What a test needs to know about the suite."""

    level: float
    """The level of this claim, such that its whole family has ``ALPHA``."""
    paired: tuple[bool, ...] = ()
    """For each two adjacent samples: whether runs with equal seeds share weights or a run that they
    start from, so that a pair of runs is one value."""
    as_published: bool = False
    """Whether the variant is a net with published weights, which depend on no seed."""
