"""The place where a suite's runs are trained: this machine, several at once, or a Ray cluster."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.problems import InputError

if TYPE_CHECKING:
    from benchmark.records.store import Store
    from benchmark.scheduling.runner import Place
    from benchmark.scheduling.share import Share
    from benchmark.suite import Cell

OWN_CLUSTER = "own"
"""A Ray cluster that is started on this machine and ends with the suite."""


@dataclass(frozen=True)
class Where:
    """A choice of machines. It affects no run and no id."""

    jobs: int | None = None
    """Runs at once on this machine; None: one for each GPU or, without any, for each core or as
    many as a run states in ``numerics.threads``."""

    ray: str | None = None
    """The address of a Ray cluster (``auto``, ``HOST:PORT``), or ``OWN_CLUSTER``."""

    def shares(self, cells: Sequence["Cell"]) -> "list[Share]":
        """Return the shares of this machine that the cells' runs are trained in, one at a time in
        each. Raises InputError if there are not enough."""
        from benchmark.scheduling.share import WHOLE, best_jobs, shares

        if self.ray is not None:
            return [WHOLE]
        numerics = [cell.spec.numerics for cell in cells]
        number = self.jobs or best_jobs(numerics)
        if self.jobs is None and number == 1:
            return [WHOLE]
        try:
            return shares(number, max((each.replicas for each in numerics), default=1))
        except ValueError as error:
            raise InputError(str(error)) from error

    def place(
        self,
        cells: Sequence["Cell"],
        known: Iterable["Cell"],
        store: "Store",
        *,
        retry_failed: bool,
        into: "Store | None" = None,
    ) -> "Place":
        """Return the place that trains ``cells`` in the results folder ``into``, by default that of
        ``store``, whose records show how much memory the runs ``known`` need. Raises InputError if
        the cluster does not answer."""
        if self.ray is not None:
            with self._answering():
                from benchmark.scheduling.cluster import RayCluster

                return RayCluster(into or store, self._address, retry_failed=retry_failed)
        from benchmark.scheduling.local import ThisMachine
        from benchmark.scheduling.memory import MemoryWatch

        return ThisMachine(self.shares(cells), MemoryWatch.of(known, store))

    def at_once(self, cells: Sequence["Cell"]) -> float:
        """Return about how many of the cells' runs are trained at once."""
        if self.ray is None:
            return min(len(cells), len(self.shares(cells)))
        from benchmark.scheduling.cluster import cpus

        with self._answering():
            there = cpus(self._address)
        each = sum(cell.spec.numerics.threads for cell in cells) / len(cells)
        return min(len(cells), max(1.0, there / each))

    @property
    def _address(self) -> str | None:
        return None if self.ray == OWN_CLUSTER else self.ray

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise InputError("a Ray cluster needs Ray: pip install 'resnet-bench[ray]'") from error
        except ConnectionError as error:
            rule = "address must be that of a Ray cluster that answers"
            raise InputError(f"{rule}. Received: {self._address} ({error})") from error
