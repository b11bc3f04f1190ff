"""``resnet-bench list`` and ``plan``: show what suites will run, before anything is spent."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.options import (
    Address,
    Jobs,
    Machines,
    On,
    Only,
    Results,
    Seeds,
    Set,
    SuiteFile,
    where_of,
)
from benchmark.commands.terminal import fail, say
from benchmark.counts import counted, duration
from benchmark.shipped import suites_folder
from benchmark.status import DONE

if TYPE_CHECKING:
    from benchmark.records.lacking import Lacking
    from benchmark.records.store import Store
    from benchmark.suite import Cell
    from benchmark.suite.looks import Looks
    from benchmark.suite.suite import LoadedSuite


def list_suites(
    folder: Annotated[
        Path | None,
        typer.Argument(
            exists=True, file_okay=False, help="A folder of suite files.", show_default=False
        ),
    ] = None,
) -> None:
    """List the suites that come with the package, by name, or those in a folder and its subfolders,
    by path: runs, source and measured cost."""
    from benchmark.suite import SuiteError, load_suite

    names = folder is None
    folder = folder or suites_folder()
    paths = sorted(folder.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    if not paths:
        fail(f"folder must hold suite files (*.yaml). Received: {folder}")
    for path in paths:
        name = path.relative_to(folder).with_suffix("") if names else path
        try:
            loaded = load_suite(path)
        except SuiteError as error:
            say(f"{name}: not readable\n{error}")
            continue
        say(f"{name}: {counted(len(loaded.plan.runs()), 'run')}. {loaded.suite.source}.")
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# Cost:"):
                say(f"  Cost: {line.removeprefix('# Cost:').strip()}")


def plan(
    suite: SuiteFile,
    results: Results = Path("results"),
    set_: Set = None,
    only: Only = None,
    seeds: Seeds = None,
    jobs: Jobs = "auto",
    on: On = Machines.HERE,
    address: Address = None,
) -> None:
    """Show the runs of a suite, and which are done. Nothing is written."""
    from benchmark.records.store import Store
    from benchmark.reproduction.fill_in import lacking_of
    from benchmark.running.request import ask
    from benchmark.scheduling.estimate import tests
    from benchmark.scheduling.rates import TRAINING, work

    asked = ask(suite, set_ or (), only or (), seeds)
    whole, loaded = asked.whole, asked.part
    store = Store(results)
    cells, runs = loaded.plan.cells, loaded.plan.runs()
    statuses = {run_id: store.status(run_id) for run_id in runs}
    left = [cell for run_id, cell in runs.items() if statuses[run_id] not in DONE]
    where = where_of(jobs, on, address)
    where.shares(left)  # Raises here, as in `run`.
    width = max(len(cell.name) for cell in cells)
    for cell in cells:
        tera = TRAINING * work(cell) / 1e12
        status = statuses[cell.run_id]
        say(f"{cell.name:{width}}  {cell.run_id}  {status:11}  {tera:12,.1f} TMAC")
    different = counted(len(runs), "different run")
    say(f"{counted(len(cells), 'cell')}, {different}, {len(runs) - len(left)} done.")
    if whole.changes.words:
        say(f"--set makes another suite, with its own records: {whole.suite.name}")
    if len(cells) < len(whole.plan.cells):
        of = counted(len(whole.plan.cells), "cell")
        say(f"A selection from {of}, with the runs whose weights the selected ones start from.")
    _say_prospects(whole, store)
    if (looks := whole.suite.looks) and whole.suite.name in store.suites():
        _say_decided(whole, looks, store)
    say("One TMAC is 1e12 multiply-adds; training counts as three times the forward pass.")
    for protocol, count, tera in tests(loaded, store):
        runs_of = counted(count, "run")
        say(f"To be tested by {protocol}: {runs_of}, {tera:,.1f} TMAC (of square images).")
    if lacks := what_lacks(lacking_of(loaded.plan, store)):
        say(f"{lacks} run --fill-in trains them again.")
    if left:
        say(_expected(left, store, where.at_once(left)))


def _say_prospects(loaded: "LoadedSuite", store: "Store") -> None:
    """Print for each claim the chance that the suite's seeds decide it, and how many seeds, or what
    margin, would be enough; by each look, if the suite has looks. Runs are expected to differ as
    much as those that have ended, here or in the reference."""
    from benchmark.records.store import Store
    from benchmark.report.spread import spreads
    from benchmark.shipped import shipped_reference
    from benchmark.suite.claims.planning import WANTED, expected_runs, prospects

    looks, (first, *_) = loaded.suite.looks, loaded.suite.all_seeds
    seeds = len(loaded.suite.all_seeds)
    specs = {
        cell.variant: cell.spec.model_dump(mode="json")
        for cell in loaded.plan.cells
        if cell.seed == first
    }
    measured = spreads(loaded, [store, Store(shipped_reference())])
    found = prospects(loaded.suite.claims, seeds, specs, looks, measured)
    if looks:
        expected = expected_runs(found, looks, specs)
        _say_looks(looks, expected, [each.by_look for each in found], len(specs))
    if found:
        say(f"Chance that {counted(seeds, 'seed')} will decide each claim, if it is true:")
    for each in found:
        if each.spread.sd == 0:
            told = "takes one test of each net; nothing is random."
        elif each.chance is None:
            told = "Not known: nobody has reported how much runs differ in this."
        else:
            told = f"{100 * each.chance:3.0f} %"
            if looks:
                by_look = ", ".join(f"{100 * chance:.0f}" for chance in each.by_look)
                told += f" (by look: {by_look} %)"
            apart = f"at a margin of {each.claim.margin:g}"
            if each.claim.question == "how many runs":
                apart = "however much runs differ"
            elif each.spread.sd:
                apart += f", if runs differ by {each.spread.sd:.2g}"
                if each.spread.runs:
                    apart += f", as {each.spread.runs} that have ended do"
            enough = counted(each.seeds, "seed") if each.seeds else "more seeds than are practical"
            told += f" {apart}; {100 * WANTED:.0f} % takes {enough}"
            if each.chance < WANTED and each.margin:
                told += f", or a margin of {each.margin:.2g}"
            told += " without looks" * bool(looks)
        say(f"  {each.claim.statement} {told}")


def _say_decided(loaded: "LoadedSuite", looks: "Looks", store: "Store") -> None:
    """Print what each look has decided so far."""
    from benchmark.report.undecided import verdicts_now

    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in loaded.plan.cells}
    verdicts = verdicts_now(loaded, store, specs)
    for seeds in looks.looks:
        for each in verdicts:
            if each.decided_at == seeds:
                say(
                    f"Decided after {counted(seeds, 'seed')}: {each.claim.statement} {each.outcome}"
                )
    left = sum(each.decided_at is None for each in verdicts)
    say(f"Undecided so far: {left} of {counted(len(verdicts), 'claim')}.")


def _say_looks(
    looks: "Looks",
    expected: Sequence[float],
    chances: Sequence[Sequence[float]],
    variants: int,
) -> None:
    """Print when the suite looks, and what each look is expected to decide and cost."""
    say(f"Looks, at {100 * looks.level:g} % over all of them; expected if every claim is true:")
    for number, (seeds, runs) in enumerate(zip(looks.looks, expected, strict=True)):
        decided = sum(each[number] for each in chances)
        say(
            f"  {counted(seeds, 'seed')} each: {decided:.1f} of {counted(len(chances), 'claim')} "
            f"decided, after {runs:.1f} of {counted(seeds * variants, 'run')}"
        )


def _expected(cells: "Sequence[Cell]", store: "Store", jobs: float) -> str:
    """Describe what is still to be trained, and how long that takes."""
    from benchmark.records.store import Store
    from benchmark.scheduling.estimate import estimate
    from benchmark.scheduling.rates import images
    from benchmark.shipped import shipped_reference

    millions = sum(map(images, cells)) / 1e6
    text = f"To be trained: {counted(len(cells), 'run')}, {millions:,.1f} million images"
    found, judges, machines = estimate(cells, store), "earlier run", ""
    if found is None:
        found = estimate(cells, Store(shipped_reference()), any_machine=True)
        if found is None:
            unknown = "No earlier run (of that precision and threads) tells how long that takes."
            return f"{text}. {unknown}"
        judges, machines = "reference run", f" on {'; '.join(found.machines)}"
    where = "one at a time" if jobs == 1 else f"with {jobs:g} at once"
    return (
        f"{text}, about {duration(3600 * found.hours / jobs)} {where}, judging by "
        f"{counted(found.runs, judges)}{machines} "
        f"(up to {found.memory_mib / 1024:.1f} GiB of memory each)."
    )


def what_lacks(found: "Iterable[tuple[Cell, Lacking]]") -> str:
    """Describe in one line the measurements that ended runs lack; empty if they lack none."""
    layers = [lacks.layers for _, lacks in found if lacks.layers]
    scores = [lacks.scores for _, lacks in found if lacks.scores]
    lines = []
    for runs, what in ((layers, "the layers at iteration"), (scores, "the scores after epoch")):
        if runs:
            each = sorted({number for numbers in runs for number in numbers})
            told = ", ".join(map(str, each[:5])) + (f" and {len(each) - 5} more" * (len(each) > 5))
            ended = counted(len(runs), "run has ended", "runs have ended")
            lines.append(f"{ended} without {what} {told}.")
    return " ".join(lines)
