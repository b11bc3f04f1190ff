"""The evidence for each suite in the records: its runs, and the verdicts on its claims."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from benchmark.paper import FIRST, PAPERS, Paper, paper_of
from benchmark.records.ensembles import load_ensembles
from benchmark.records.frames import Frames, frames_of
from benchmark.records.store import Store
from benchmark.report.paper.locations import Place, place_of_source
from benchmark.report.values import with_values_at
from benchmark.report.verdicts import Verdict, judge
from benchmark.status import ENDED
from benchmark.suite import Cell, load_suite
from benchmark.suite.suite import LoadedSuite


@dataclass(frozen=True)
class Evidence:
    """A suite and the evidence in its records."""

    loaded: LoadedSuite
    source: str
    """Source of the full suite that it is shortened from, or its own."""
    shortened: str = ""
    """How far it is shortened: ``1/16 of the schedule``; empty if it has the paper's form."""
    share: float = 0.0
    """Share of the images in the paper's schedule that its longest run is trained on; 0 if there is
    no such schedule."""
    frames: Frames | None = None
    """Frames of the runs that have ended; None if none has."""
    samples: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The runs with all values that claims are judged by."""
    verdicts: tuple[Verdict | None, ...] = ()
    """Verdicts on the suite's claims, in order."""
    report: Path | None = None
    """The suite's report, if one was made from these records."""
    done: frozenset[str] = frozenset()
    """The ids of the runs that have ended."""

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.loaded.suite.name

    @property
    def paper(self) -> Paper:
        """The paper that the suite follows."""
        return paper_followed(self.loaded)

    @property
    def place(self) -> Place:
        """The suite's place in the paper."""
        return place_of_source(self.source)

    def cells(self, variants: Sequence[str]) -> list[Cell]:
        """Return the cells of some variants."""
        return [cell for cell in self.loaded.plan.cells if cell.variant in variants]

    def left(self, variants: Sequence[str]) -> list[Cell]:
        """Return the cells of some variants whose runs have not ended."""
        return self._not_ended(self.cells(variants))

    def to_train(self, variants: Sequence[str]) -> list[Cell]:
        """Return these, and those whose weights they start from."""
        return self._not_ended(self.loaded.plan.with_sources(self.left(variants)))

    def _not_ended(self, cells: Sequence[Cell]) -> list[Cell]:
        return [cell for cell in cells if cell.run_id not in self.done]


def gather(suites: Path, store: Store, paper: Paper = PAPERS[FIRST]) -> Iterator[Evidence]:
    """Yield each suite in a folder that follows ``paper``, those in the paper's form first. Suites
    in subfolders are shortened, and so are those on part of a data set; a subfolder with a paper's
    name holds that paper's suites."""
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
    """Return the paper that a suite's nets are compared with."""
    return paper_of(loaded.plan.cells[0].spec.model_dump(mode="json"))


def with_records(own: Evidence, store: Store) -> Evidence:
    """Return the evidence with frames, verdicts and report from the records."""
    suite = own.loaded.suite
    ended = [
        {
            **{"suite": suite.name, "variant": cell.variant, "seed": cell.seed},
            **{"run_id": cell.run_id, "spec": cell.spec.model_dump(mode="json")},
        }
        for cell in own.loaded.plan.cells
        if store.status(cell) in ENDED
    ]
    if not ended:
        return replace(own, verdicts=(None,) * len(suite.claims))
    frames = frames_of(ended, store)
    done = frozenset(frames.runs.loc[frames.runs["status"].isin(ENDED), "run_id"])
    specs = {cell.variant: cell.spec.model_dump(mode="json") for cell in own.loaded.plan.cells}
    samples = with_values_at(frames, suite.claims)
    recorded = suite.name in store.suites()
    if recorded and any(claim.compared != claim.variants for claim in suite.claims):
        samples = pd.concat([samples, load_ensembles(store, suite.name, suite.claims)])
    verdicts = tuple(judge(suite.claims, samples, specs, suite.looks))
    report = store.suite(suite.name).path / "report.md"
    reported = store.suite(suite.name).plan()["cells"] if recorded and report.exists() else []
    of_these = any(cell["run_id"] in done for cell in reported)
    return replace(
        own,
        frames=frames,
        samples=samples,
        verdicts=verdicts,
        report=report if of_these else None,
        done=done,
    )


def _of_a_part(loaded: LoadedSuite) -> bool:
    return all(cell.spec.dataset.name == "cifar10-subset" for cell in loaded.plan.cells)


def share_of_schedule(loaded: LoadedSuite) -> float:
    """Return the images that the longest run trains on, with repeats, as a share of the paper's; 0
    for detectors, which have other schedules. Runs that no claim compares do not count."""
    shares, compared = [0.0], {name for claim in loaded.suite.claims for name in claim.variants}
    for cell in loaded.plan.cells:
        spec = cell.spec
        if compared and cell.variant not in compared:
            continue
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
