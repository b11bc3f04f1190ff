"""Two suite files with one name in a results folder: the second must not replace the first."""

from pathlib import Path

from benchmark.records.problems import RecordsError
from benchmark.records.store import Store
from benchmark.status import Status
from benchmark.suite.suite import LoadedSuite


def require_no_namesake(store: Store, loaded: LoadedSuite) -> None:
    """Raise RecordsError, which names both files, if the records under a suite's name belong to
    another file's suite.

    They do not if the file is the same, however it was edited; if it asks for all recorded runs;
    or if the other file is gone and the two share runs, as after the file was moved.
    """
    folder = store.suite(loaded.suite.name)
    try:
        plan = folder.plan()
    except (FileNotFoundError, RecordsError):  # Never run, or corrupt: it is written again.
        return
    known = plan.get("file")
    if known is None or Path(known) == loaded.path.resolve():
        return
    there, asked = {cell["run_id"] for cell in plan["cells"]}, set(loaded.plan.runs())
    lost = [run_id for run_id in there - asked if store.status(run_id) != Status.PLANNED]
    moved = bool(there & asked) and not Path(known).exists()
    if lost and not moved:
        rule = (
            f"name must be a suite's own in a results folder: {folder.path} has the records of "
            f"another file, {known}, and {len(lost)} of its runs would be in no report. Rename one "
            "of the suites, or name another folder by --results"
        )
        raise RecordsError(f"{loaded.path}: {rule}. Received: {loaded.suite.name}")
