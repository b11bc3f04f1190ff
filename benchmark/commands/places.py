"""Where runs are trained, by the options ``--jobs``, ``--on`` and ``--address``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from benchmark.commands.options import Where
from benchmark.commands.terminal import fail


def packed(loaded, jobs: str | None, on: Where, address: str | None):
    """The suite with at most the threads that so many runs at once leave to each, and their shares
    of the machine; where the options do not fit, each other or the machine, the command ends and
    says so."""
    from benchmark.execution.share import WHOLE, most_jobs, shares

    if on is Where.HERE and address is not None:
        fail(f"address belongs to --on ray. Received: {address}")
    if jobs is None:
        return loaded, [WHOLE]
    if on is Where.RAY:
        fail(f"jobs is for this machine; a cluster takes as many as fit. Received: {jobs}")
    runs = loaded.plan.runs().values()
    gpus_each = max(cell.spec.numerics.replicas for cell in runs)
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs)):
        fail(f"jobs must be a number above 0, or auto. Received: {jobs}")
    number = min(most_jobs(gpus_each), len(runs)) if jobs == "auto" else int(jobs)
    try:
        parts = shares(number, gpus_each)
    except ValueError as error:
        fail(str(error))
    threads = len(parts[0].cores)
    return replace(loaded, plan=loaded.plan.with_threads_at_most(threads)), parts


def place_of(on: Where, address: str | None, shares, loaded, store, *, retry_failed: bool):
    """What trains the runs. The command ends where a cluster is asked for that is not there."""
    if on is Where.RAY:
        return _cluster(store, address, retry_failed)
    from benchmark.execution.local import ThisMachine
    from benchmark.execution.memory import MemoryWatch

    return ThisMachine(shares, MemoryWatch.of(loaded.plan.runs().values(), store))


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
