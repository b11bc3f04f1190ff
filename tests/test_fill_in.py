"""What runs that have ended lack of what a suite measures, and how it is filled in. A script stands
in for training, but in the last test."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from conftest import TINY_SUITE, bench

import benchmark
from benchmark.records import Store
from benchmark.records.comparison import compare_curves
from benchmark.records.files import read_json, write_json
from benchmark.records.journal import read_attempts
from benchmark.records.lacking import Lacking, lacking
from benchmark.records.problems import RecordsError
from benchmark.records.store import ASIDE, RunFolder
from benchmark.reproduction import fill_in as module
from benchmark.reproduction.fill_in import fill_in, lacking_of
from benchmark.scheduling.local import ThisMachine
from benchmark.scheduling.runner import run_plan
from benchmark.spec import RunSpec
from benchmark.suite import Plan, load_suite

SUITE = TINY_SUITE[: TINY_SUITE.index("    - {name: plain6")].replace(
    "iterations: 20", "iterations: 40"
)
"""Four epochs of ten iterations."""

TRAINS = """
import sys
from pathlib import Path
from benchmark.records.files import write_json
from benchmark.records.journal import Journal
from benchmark.records.provenance import provenance
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder
from benchmark.spec import RunSpec
from benchmark.spec.recipe import recipe

folder, here = RunFolder(Path(sys.argv[1])), Path(__file__).parent
with (here / "trained").open("a") as trained:
    print(folder.path.name, file=trained)
spec, bits = RunSpec.model_validate(folder.spec()), (here / "bits").read_text()
after = int((here / "after").read_text())  # Iteration from which it was resumed, as it were.
(here / "after").write_text("0")
made = provenance() | {"recipe": recipe(spec), "processor": (here / "processor").read_text()}
write_json(folder.path / "provenance.json", made)
journal, end = Journal(folder.journal), spec.schedule.iterations
for epoch in (1, 2, 3, 4):
    first, last = 10 * (epoch - 1), 10 * epoch
    row = {"event": "epoch", "epoch": epoch, "iteration": last, "train_loss": 1 / epoch}
    row |= {"weights_sha256": f"{bits}{epoch}", "images_per_s": 1.0, "train_time_s": 1.0}
    measured = [at for at in spec.measured_at if first <= at < last or at == last == end]
    measured = [at for at in measured if at >= after]
    row["layers"] = {str(at): {"response_stds": {"stem": at + 0.5}} for at in measured}
    if epoch % spec.evaluation.every_epochs == 0 or epoch == 4:
        row |= {"test_loss": 2 / epoch, "test_error_percent": 50.0 / epoch}
    journal.append(row)
journal.append({"event": "end", "final_weights_sha256": bits})
folder.weights.write_text(bits)
folder.end(summarize(folder.events(), "finished"))
"""


@pytest.fixture
def trainer(tmp_path, worker, monkeypatch):
    """Stands in for training: the bits, and the processor, are what ``set`` says."""
    monkeypatch.setenv("PYTHONPATH", str(Path(benchmark.__file__).parents[1]))
    (tmp_path / "trains.py").write_text(TRAINS)
    trainer = Trainer(tmp_path)
    trainer.set(bits="a" * 64, after="0", processor=module.provenance()["processor"])
    worker(f'exec {sys.executable} {tmp_path / "trains.py"} "$last"')
    return trainer


class Trainer:
    def __init__(self, folder):
        self.folder, self.store = folder, Store(folder / "results")

    def set(self, **texts):
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    def trained(self):
        """How many runs were, so far."""
        return len((self.folder / "trained").read_text().splitlines())

    def plan(self, evaluation="{}", diagnostics="{}"):
        own = f"  evaluation: {evaluation}\n  diagnostics: {diagnostics}\nvary:"
        file = self.folder / "suite.yaml"
        file.write_text(f"{SUITE.replace('vary:', own)}seeds: [0]\n")
        return load_suite(file).plan

    def run(self, plan):
        return run_plan(plan, self.store, [], ThisMachine())

    def fill_in(self, plan):
        return fill_in(plan, self.store, [], lambda aside, cells: ThisMachine())


SELDOM, OFTEN = "{every_epochs: 3}", "{every_epochs: 2}"
MORE = "{iterations: [3, 17]}"


def files_of(folder):
    kept = ("spec.json", "provenance.json", "journal.jsonl", "result.json", "weights.safetensors")
    return {name: (folder.path / name).read_bytes() for name in kept}


def test_a_suite_that_measures_more_asks_for_the_same_run_which_lacks_it(trainer):
    first, more = trainer.plan(evaluation=SELDOM), trainer.plan(OFTEN, MORE)
    assert first.runs().keys() == more.runs().keys()
    trainer.run(first)
    assert lacking_of(first, trainer.store) == []
    ((_, lacks),) = lacking_of(more, trainer.store)
    assert lacks == Lacking(layers=(3, 17), scores=(2,))
    assert trainer.run(more).trained == 0


def test_it_is_filled_in_by_the_same_bits(trainer):
    first, more = trainer.plan(evaluation=SELDOM), trainer.plan(OFTEN, MORE)
    trainer.run(first)
    folder = trainer.store.run(first.cells[0])
    tested = folder.evaluations / "ten-crop" / "result.json"
    write_json(tested, {"images": 1})
    old, before = folder.events(), files_of(folder)
    filled = trainer.fill_in(more)
    assert filled.whole == [folder.run_id] and not (filled.others or filled.left)
    assert lacking_of(more, trainer.store) == lacking_of(first, trainer.store) == []
    rows = [event for event in folder.events() if event["event"] == "epoch"]
    assert {"3", "17"} <= {at for row in rows for at in row["layers"]}
    assert [row["epoch"] for row in rows if "test_loss" in row] == [1, 2, 3, 4]
    spec = RunSpec.model_validate(folder.spec())
    assert (spec.evaluation.every_epochs, spec.diagnostics.iterations) == (1, (3, 17))
    assert folder.result()["attempt"] == folder.attempts() == 2
    # The old attempt is in the journal still, and all else that hangs on the weights.
    assert folder.journal.read_bytes().startswith(before["journal.jsonl"])
    assert list(read_attempts(folder.journal))[-1] == old
    assert tested.exists() and folder.weights.read_bytes() == before["weights.safetensors"]
    assert not (trainer.store.root / ASIDE / "runs" / folder.run_id).exists()
    assert trainer.trained() == 2 and trainer.fill_in(more).whole == [] and trainer.trained() == 2


def test_the_old_record_stays_where_the_bits_are_others(trainer):
    first, more = trainer.plan(), trainer.plan(diagnostics=MORE)
    trainer.run(first)
    folder = trainer.store.run(first.cells[0])
    before = files_of(folder)
    trainer.set(bits="b" * 64)
    for _ in range(2):  # It is not trained a third time where it would be the same once more.
        filled = trainer.fill_in(more)
        assert filled.whole == [] and list(filled.others) == [folder.run_id]
        assert filled.others[folder.run_id].epoch == 1
        first_difference = filled.others[folder.run_id].first[0]
        assert first_difference.name == "weights_sha256"
        assert (first_difference.one, first_difference.other) == ("a" * 64 + "1", "b" * 64 + "1")
        assert files_of(folder) == before and trainer.trained() == 2
    # Trained on another kind of machine, and now on one like the first.
    aside = trainer.store.root / ASIDE / "runs" / folder.run_id / "provenance.json"
    write_json(aside, read_json(aside) | {"processor": "another"})
    trainer.set(bits="a" * 64)
    assert trainer.fill_in(more).whole == [folder.run_id] and trainer.trained() == 3


def test_on_another_processor_it_is_told_what_differs(trainer):
    first, more = trainer.plan(), trainer.plan(diagnostics=MORE)
    trainer.run(first)
    trainer.set(bits="b" * 64, processor="another")
    (other,) = trainer.fill_in(more).others.values()
    assert [(each.name, each.other) for each in other.environment] == [("processor", "another")]


@pytest.mark.parametrize("point", range(1, 6))
def test_what_is_cut_short_loses_nothing_and_goes_on(trainer, monkeypatch, point):
    """At each of the steps by which the new record takes the old one's place."""
    first, more = trainer.plan(), trainer.plan(diagnostics=MORE)
    trainer.run(first)
    folder = trainer.store.run(first.cells[0])
    old, steps = folder.events(), []

    def cut(where, name):
        real = getattr(where, name)

        def step(*arguments, **named):
            steps.append(name)
            if len(steps) == point:
                raise KeyboardInterrupt
            return real(*arguments, **named)

        monkeypatch.setattr(where, name, step)

    with monkeypatch.context() as patched:
        monkeypatch = patched
        cut(module.Journal, "restore")
        cut(module, "write_json")
        cut(RunFolder, "end")
        cut(module.shutil, "rmtree")
        with pytest.raises(KeyboardInterrupt):
            trainer.fill_in(more)
    assert len(steps) == point
    assert folder.status() == "finished"
    events = folder.events()
    measured = {at for row in events if row["event"] == "epoch" for at in row["layers"]}
    assert events == old or "17" in measured
    assert trainer.store.run(folder.run_id).spec() is not None
    trainer.fill_in(more)
    assert lacking_of(more, trainer.store) == [] and trainer.trained() == 2
    assert folder.result()["final_weights_sha256"] == "a" * 64


def test_a_run_that_ends_only_now_is_filled_in_too(trainer):
    """It was begun before the suite asked for its early measurements."""
    trainer.plan(OFTEN, MORE)
    trainer.set(after="20")
    words = ["run", trainer.folder / "suite.yaml", "--results", trainer.store.root, "--fill-in"]
    done = bench(*words, "--no-mlflow")
    assert done.returncode == 0, done.stderr
    assert trainer.trained() == 2 and lacking_of(trainer.plan(OFTEN, MORE), trainer.store) == []


def test_one_that_fails_is_left_as_it_was_and_tried_again(trainer, worker):
    first, more = trainer.plan(), trainer.plan(diagnostics=MORE)
    trainer.run(first)
    folder = trainer.store.run(first.cells[0])
    before = files_of(folder)
    trains = (trainer.folder / "worker").read_text()
    worker("exit 3")
    assert trainer.fill_in(more).left == {folder.run_id: "failed (error: exit code 3)"}
    assert files_of(folder) == before
    (trainer.folder / "worker").write_text(trains)
    assert trainer.fill_in(more).whole == [folder.run_id]


def test_cells_that_differ_in_what_is_measured_are_one_run_with_all_of_it(trainer):
    suite = trainer.plan().cells[0]
    cells = [suite] + [
        type(suite)(name, 0, RunSpec.model_validate(suite.spec.model_dump() | measured))
        for name, measured in (
            ("layers", {"diagnostics": {"iterations": (3, 17)}}),
            ("scores", {"evaluation": {"every_epochs": 6}}),
            ("both", {"diagnostics": {"iterations": (4,)}, "evaluation": {"every_epochs": 4}}),
        )
    ]
    ((_, run),) = Plan("tiny", tuple(cells[1:])).runs().items()
    assert run.name == "layers/seed0" and run.spec.diagnostics.iterations == (3, 4, 17)
    assert run.spec.evaluation.every_epochs == 1
    ((_, run),) = Plan("tiny", tuple(cells[2:])).runs().items()
    assert run.spec.evaluation.every_epochs == 2


def test_a_run_that_diverged_lacks_nothing_after_its_end():
    spec = load_spec()
    rows = [{"event": "epoch", "epoch": 1, "iteration": 5, "test_loss": None}]
    rows[0]["layers"] = {"0": {}, "1": {}, "2": {}}
    assert spec.measured_at[:4] == (0, 1, 2, 5) and not lacking(spec, rows)
    del rows[0]["layers"]["2"]
    assert lacking(spec, rows) == Lacking(layers=(2,))
    del rows[0]["test_loss"]
    assert lacking(spec, rows).scores == (1,)
    assert not lacking(spec, [])


def load_spec(**others):
    model = {"stem": "cifar", "depth": 8, "shortcut": "A"}
    data = {"dataset": {"name": "cifar10-subset"}, "model": model, "seed": 0}
    return RunSpec.model_validate(data | {"schedule": {"iterations": 40}} | others)


def test_where_images_are_held_out_their_scores_are_asked_for_too():
    spec = load_spec(dataset={"name": "cifar10-subset", "held_out_images": 500})
    row = {"event": "epoch", "epoch": 1, "iteration": 1, "test_loss": 1.0, "layers": {"0": {}}}
    assert lacking(spec, [row]).scores == (1,)
    assert not lacking(spec, [row | {"validation_loss": 1.0}])


def test_curves_are_compared_by_what_both_runs_measured():
    layers = {"0": {"response_stds": {"stem": 1.0}}, "2": {"response_stds": {"stem": 2.0}}}
    row = {"event": "epoch", "epoch": 1, "weights_sha256": "a", "train_loss": 1.0}
    whole = row | {"test_loss": 2.0, "validation_loss": 3.0, "layers": layers}
    part = row | {"test_loss": 2.0, "layers": {"2": layers["2"], "5": {}}}
    for other in (row, part, whole):
        assert compare_curves([whole], [other]).first == []
    changed = json.loads(json.dumps(part))
    changed["layers"]["2"]["response_stds"]["stem"] = 2.5
    (found,) = compare_curves([whole], [changed]).first
    assert found.name == "layers.2.response_stds.stem"
    for name in ("weights_sha256", "train_loss"):
        assert compare_curves([whole], [row | {name: 0}]).first[0].name == name
    (found,) = compare_curves([whole], [row | {"test_loss": 9.0}]).first
    assert (found.one, found.other) == (2.0, 9.0)


def test_epochs_that_differ_in_scored_losses_alone_have_the_same_weights():
    row = {"event": "epoch", "weights_sha256": "a", "test_loss": 1.0, "test_error_percent": 9.0}
    scored = [row | {"test_loss": 2.0}] * 3
    found = compare_curves([row] * 3, scored)
    assert (found.epochs, found.same_weights) == (1, 3)
    for other in ({"weights_sha256": "b"}, {"test_error_percent": 9.1}, {"train_loss": 1.0}):
        assert compare_curves([row] * 3, [scored[0], row | other, row]).same_weights == 1


@pytest.fixture
def recorded(trainer):
    """A finished run's folder."""
    plan = trainer.plan()
    trainer.run(plan)
    return trainer.store.run(plan.cells[0])


def test_a_folder_is_the_run_whose_id_is_its_name(recorded):
    recorded.require_own_id()
    copy = recorded.path.with_name("0" * 16)
    shutil.copytree(recorded.path, copy)
    for read in (RunFolder(copy).require_own_id, RunFolder(copy).events):
        with pytest.raises(RecordsError, match=recorded.run_id):
            read()
    named = recorded.path.with_name("mine")
    copy.rename(named)
    RunFolder(named).require_own_id()


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("spec.json", {"seed": 1}),
        ("provenance.json", {"recipe": {"training": 10_000}}),
    ],
)
def test_a_run_that_is_not_what_its_folder_says_is_told_and_not_used(
    recorded, trainer, file, change
):
    path = recorded.path / file
    write_json(path, read_json(path) | change)
    with pytest.raises(RecordsError, match=recorded.run_id):
        recorded.events()
    outcome = trainer.run(trainer.plan())
    assert outcome.statuses == {recorded.run_id: "failed"} and outcome.trained == 0
    assert "RecordsError" in outcome.reasons[recorded.run_id]
    assert lacking_of(trainer.plan(diagnostics=MORE), trainer.store) == []


def test_a_spec_of_another_version_is_warned_of(recorded, caplog):
    path = recorded.path / "spec.json"
    write_json(path, read_json(path) | {"model": {"layers": 20}})
    assert recorded.events()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text


def test_what_is_only_measured_is_no_part_of_it(recorded):
    path = recorded.path / "spec.json"
    write_json(path, read_json(path) | {"evaluation": {"every_epochs": 7, "batch_size": 3}})
    recorded.require_own_id()


def test_real_training_is_filled_in_by_the_command(tmp_path):
    suite, results = tmp_path / "suite.yaml", tmp_path / "results"
    text = f"{SUITE.replace('iterations: 40', 'iterations: 20')}seeds: [0]\n"
    suite.write_text(text.replace("vary:", "  evaluation: {every_epochs: 2}\nvary:"))
    done = bench("run", suite, "--results", results)
    assert done.returncode == 0 and "--fill-in" not in done.stdout, done.stdout + done.stderr
    suite.write_text(text.replace("vary:", "  diagnostics: {iterations: [3, 17]}\nvary:"))
    (cell,) = load_suite(suite).plan.cells
    folder = Store(results).run(cell)
    weights = folder.weights.read_bytes()
    told = bench("run", suite, "--results", results)
    assert told.returncode == 0 and "--fill-in" in told.stdout and "3, 17" in told.stdout
    assert "--fill-in" in bench("plan", suite, "--results", results).stdout
    filled = bench("run", suite, "--results", results, "--fill-in")
    assert filled.returncode == 0 and "1 run was filled in" in filled.stdout, filled.stdout
    rows = [event for event in folder.events() if event["event"] == "epoch"]
    layers = {at: found for row in rows for at, found in row["layers"].items()}
    assert list(layers) == ["0", "1", "2", "3", "5", "10", "17", "20"]
    assert all("test_error_percent" in row for row in rows) and len(rows) == 2
    assert folder.weights.read_bytes() == weights and folder.result()["attempt"] == 2
    assert "--fill-in" not in bench("plan", suite, "--results", results).stdout
