"""Where runs are trained, by the options ``--jobs``, ``--on`` and ``--address``."""

from dataclasses import replace

from benchmark.commands.options import Where
from benchmark.commands.terminal import fail


def packed(loaded, jobs: str | None):
    """The suite with at most the threads that so many runs at once leave to each, and their shares
    of the machine; where there are too few cores or GPUs the command ends and says so."""
    from benchmark.execution.share import WHOLE, most_jobs, shares

    if jobs is None:
        return loaded, [WHOLE]
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
    cells = tuple(cell.with_threads_at_most(threads) for cell in loaded.plan.cells)
    return replace(loaded, plan=replace(loaded.plan, cells=cells)), parts


def place_of(on: Where, address: str | None, shares, loaded, store, *, retry_failed: bool):
    """What trains the runs. The command ends where a cluster is asked for that is not there."""
    if on is Where.RAY:
        return _cluster(store, address, retry_failed)
    if address is not None:
        fail(f"address belongs to --on ray. Received: {address}")
    from benchmark.execution.local import ThisMachine
    from benchmark.execution.memory import MemoryWatch

    return ThisMachine(shares, MemoryWatch.of(loaded.plan.runs().values(), store))


def _cluster(store, address: str | None, retry_failed: bool):
    from benchmark.execution.cluster import RayCluster
    from benchmark.records.problems import one_line

    try:
        return RayCluster(store, address, retry_failed=retry_failed)
    except ImportError:
        fail("--on ray needs Ray: pip install 'resnet-bench[ray]'")
    except (OSError, ValueError) as error:
        rule = "address must be of a Ray cluster that answers"
        fail(f"{rule}. Received: {address} ({one_line(error)})")
