"""Where runs are trained, by the options ``--jobs``, ``--on`` and ``--address``."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmark.commands.options import Where
from benchmark.commands.terminal import fail


def shares_of(jobs: str, on: Where, address: str | None, cells):
    """The parts of this machine that the cells' runs are trained in, one at a time in each; where
    the options do not fit, each other or the machine, the command ends and says so."""
    from benchmark.execution.share import WHOLE, best_jobs, shares

    if on is Where.HERE and address is not None:
        fail(f"address belongs to --on ray. Received: {address}")
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        fail(f"jobs must be a number above 0, or auto. Received: {jobs}")
    if on is Where.RAY:
        if jobs != "auto":
            fail(f"jobs is for this machine; a cluster takes as many as fit. Received: {jobs}")
        return [WHOLE]
    numerics = [cell.spec.numerics for cell in cells]
    number = best_jobs(numerics) if jobs == "auto" else int(jobs)
    if jobs == "auto" and number == 1:
        return [WHOLE]
    try:
        return shares(number, max((each.replicas for each in numerics), default=1))
    except ValueError as error:
        fail(str(error))


def place_of(
    on: Where, address: str | None, shares, cells, store, *, retry_failed: bool, into=None
):
    """What trains the cells' runs in the results folder ``into``, by default that of ``store``,
    which knows what memory they need. The command ends where a cluster is asked for that is not
    there."""
    if on is Where.RAY:
        return _cluster(into or store, address, retry_failed)
    from benchmark.execution.local import ThisMachine
    from benchmark.execution.memory import MemoryWatch

    return ThisMachine(shares, MemoryWatch.of(cells, store))


def at_once(on: Where, address: str | None, shares, cells) -> float:
    """About how many of the cells' runs are trained at once."""
    if on is Where.HERE:
        return len(shares)
    from benchmark.execution.cluster import cpus

    with _answering(address):
        there = cpus(address)
    each = sum(cell.spec.numerics.threads for cell in cells) / len(cells)
    return max(1.0, there / each)


def _cluster(store, address: str | None, retry_failed: bool):
    with _answering(address):
        from benchmark.execution.cluster import RayCluster

        return RayCluster(store, address, retry_failed=retry_failed)


@contextmanager
def _answering(address: str | None) -> Iterator[None]:
    try:
        yield
    except ImportError:
        fail("--on ray needs Ray: pip install 'resnet-bench[ray]'")
    except ConnectionError as error:
        rule = "address must be of a Ray cluster that answers"
        fail(f"{rule}. Received: {address} ({error})")
