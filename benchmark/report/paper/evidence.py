"""What the records tell of each suite: its runs, and how its claims stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.paper import FIRST, PAPERS, Paper, paper_of
from benchmark.records.ensembles import load_ensembles
from benchmark.records.frames import Frames, frames_of
from benchmark.records.store import Store
from benchmark.report.paper.locations import Place, place_of_source
from benchmark.report.values import with_values_at
from benchmark.report.verdicts import Verdict, judge
from benchmark.status import DONE
from benchmark.suite import Cell, load_suite
from benchmark.suite.suite import LoadedSuite


@dataclass(frozen=True)
class Evidence:
    """One suite, and what its records tell."""

    loaded: LoadedSuite
    source: str
    """Of the suite in the paper's form that it is cut down from, or its own."""
    shortened: str = ""
    """How much it is cut down: ``1/16 of the schedule``; empty of the paper's form."""
    share: float = 0.0
    """Of the images of the paper's schedule, those that its longest run is trained on; 0 where
    there is no such schedule to compare with."""
    frames: Frames | None = None
    """Of the runs that have ended, and of those that are planned; None where none has ended."""
    samples: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The runs with all that claims are judged by."""
    verdicts: tuple[Verdict | None, ...] = ()
    """Of the suite's claims, in their order."""
    report: Path | None = None
    """The suite's report, where there is one that was made from these records."""
    done: frozenset[str] = frozenset()
    """The ids of the runs that have ended."""

    @property
    def name(self) -> str:
        """The suite's."""
        return self.loaded.suite.name

    @property
    def paper(self) -> Paper:
        """Which the suite follows."""
        return paper_followed(self.loaded)

    @property
    def place(self) -> Place:
        """Where the suite stands in the paper."""
        return place_of_source(self.source)

    def cells(self, variants: Sequence[str]) -> list[Cell]:
        """Those of some variants."""
        return [cell for cell in self.loaded.plan.cells if cell.variant in variants]


def gather(suites: Path, store: Store, paper: Paper = PAPERS[FIRST]) -> Iterator[Evidence]:
    """Each suite of a folder that follows ``paper``, those in the paper's form first. Suites in
    folders within it are cut down, and so are those on a part of a data set; a folder of a paper's
    name is that paper's."""
    paths = sorted(suites.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    tops = (suites, *(suites / name for name in PAPERS))
    loaded = [each for each in map(load_suite, paths) if paper_followed(each) is paper]
    whole = {each.path.name: each.suite.source for each in loaded if each.path.parent in tops}
    for each in loaded:
        within = each.path.parent not in tops
        share = share_of_schedule(each)
        shortened = _shortened(each, share) if within or _of_a_part(each) else ""
        source = whole.get(each.path.name, each.suite.source) if within else each.suite.source
        yield with_records(Evidence(each, source, shortened, share), store)


def paper_followed(loaded: LoadedSuite) -> Paper:
    """The one that the nets of a suite are held to."""
    return paper_of(loaded.plan.cells[0].spec.model_dump(mode="json"))


def with_records(own: Evidence, store: Store) -> Evidence:
    """The same with what the records tell."""
    suite, read = own.loaded.suite, []
    for cell in own.loaded.plan.cells:
        folder = store.run(cell)
        result = folder.result() if folder.path.is_dir() else None
        ended = result if result and result["status"] in DONE else None
        row = {"suite": suite.name, "variant": cell.variant, "seed": cell.seed}
        spec = cell.spec.model_dump(mode="json") if ended else {}
        read.append((row | {"run_id": cell.run_id, "spec": spec}, folder, ended))
    done = frozenset(str(row["run_id"]) for row, _, ended in read if ended)
    if not done:
        return replace(own, verdicts=(None,) * len(suite.claims))
    ended_alone = [each for each in read if each[2]]
    frames = frames_of(ended_alone)
    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in own.loaded.plan.cells}
    samples = with_values_at(frames, suite.claims)
    recorded = suite.name in store.suites()
    if recorded and any(claim.compared != claim.variants for claim in suite.claims):
        samples = pd.concat([samples, load_ensembles(store, suite.name, suite.claims)])
    verdicts = tuple(judge(suite.claims, samples, specs, suite.looks))
    report = store.suite(suite.name).path / "report.md"
    of_these = recorded and _ids(store.suite(suite.name).plan()) & done and report.exists()
    return replace(
        own,
        frames=frames,
        samples=samples,
        verdicts=verdicts,
        report=report if of_these else None,
        done=done,
    )


def _ids(plan: Mapping[str, Any]) -> set[str]:
    return {cell["run_id"] for cell in plan["cells"]}


def _of_a_part(loaded: LoadedSuite) -> bool:
    return all(cell.spec.dataset.name == "cifar10-subset" for cell in loaded.plan.cells)


def share_of_schedule(loaded: LoadedSuite) -> float:
    """Of the images that the paper trains a net on, each as often as it comes, those of the longest
    run; detectors have other schedules."""
    shares = [0.0]
    for cell in loaded.plan.cells:
        spec = cell.spec
        protocol = paper_of(spec.model_dump(mode="json")).protocols.get(spec.dataset.name)
        if protocol and spec.dataset.kind != "boxes":
            agreed = protocol.fields
            images = agreed["schedule.iterations"][0] * agreed["optimizer.batch_size"][0]
            shares.append(spec.schedule.iterations * spec.optimizer.batch_size / images)
    return max(shares)


def _shortened(loaded: LoadedSuite, share: float) -> str:
    if not share:
        return "in short form"
    schedule = f"1/{1 / share:.0f} of the schedule" if share < 1 else "the whole schedule"
    return schedule + (", on a tenth of the images" if _of_a_part(loaded) else "")
