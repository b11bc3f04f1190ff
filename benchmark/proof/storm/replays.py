"""Train runs, then train them again: are the bits the same?"""

from concurrent.futures import ThreadPoolExecutor

from benchmark.proof.storm.setting import Setting, Tries
from benchmark.proof.storm.small_runs import suite_file
from benchmark.records.store import Store
from benchmark.reproduction.replay import Recorded, Replayed, replay, scratch
from benchmark.scheduling.attempt import train_run
from benchmark.suite import Cell, load_suite

_AT_ONCE = 2


def replays(setting: Setting) -> Tries:
    """Replay every epoch of the quickstart's runs, two at a time; in the short form, the first
    epoch of two very small runs."""
    quickstart = setting.suites / "quickstart.yaml"
    suite = suite_file(setting.scratch, seeds=2) if setting.short else quickstart
    cells = load_suite(suite).plan.cells
    epochs = 1 if setting.short else None

    def twice(cell: Cell) -> Replayed:
        folder = Store(setting.scratch / "results").run(cell)
        status, reason = train_run(cell, folder, epochs=epochs)
        if status not in ("finished", "interrupted"):
            raise RuntimeError(f"{cell.name} must be trained first. Received: {status} ({reason})")
        recorded = Recorded(cell.spec, folder.events(), folder.provenance())
        with scratch() as aside:
            return replay(recorded, aside, [], epochs)

    tries, compared = Tries(), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for cell, again in zip(cells, pool.map(twice, cells), strict=True):
            compared += again.curves.epochs
            problem = f"{again.status} {again.reason}; {again.curves}"
            tries.add(cell.name, None if again.identical else problem)
            setting.say(f"{cell.name}: {'identical' if again.identical else problem}")
    tries.seen.append(f"{suite.name}, {compared} epochs compared")
    return tries
