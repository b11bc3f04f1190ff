"""Which reference runs are trained again within a budget, and what that says."""

import pytest
import typer
from made_records import made_cell, made_suite, record

from benchmark.commands import verify as command
from benchmark.records.comparison import CurvesCompared, Difference
from benchmark.records.store import Store
from benchmark.reproduction import replay as again
from benchmark.reproduction import verify as execution
from benchmark.reproduction.replay import Replayed
from benchmark.reproduction.verify import (
    FAILED,
    OTHER,
    SAME,
    STOPPED,
    WEIGHTS,
    Verified,
    candidates,
    verify,
)


@pytest.fixture
def store(tmp_path):
    """Three runs, the last seed the cheapest."""
    store = Store(tmp_path)
    cells = [made_cell(seed=seed) for seed in range(3)]
    made_suite(store, "made", cells)
    for cell in cells:
        record(store, cell, train_time_s=30.0 - 10 * cell.seed)
    return store


def names(found):
    return [each.name for each in found]


def replayed(identical=True, status="finished", environment=(), same_weights=0):
    first = [] if identical else [Difference("test_loss", "a", "b")]
    epochs = 4 if status == "finished" else 2
    curves = CurvesCompared(epochs, (4, epochs), first, epochs if identical else same_weights)
    return Replayed(status, "", 4, curves, [Difference(name, 1, 2) for name in environment])


def test_the_cheapest_come_first(store):
    found, left = candidates(store, lambda spec: None)
    assert names(found) == [f"made/resnet20/seed{seed}" for seed in (2, 1, 0)]
    assert left == {}


def test_why_others_cannot_be_trained_again_is_counted(store, monkeypatch):
    monkeypatch.setattr(execution, "available_gpus", lambda: [])
    record(store, made_cell(seed=1), environments_mixed=True)
    record(store, made_cell(seed=5), device="NVIDIA H200")
    found, left = candidates(store, lambda spec: "no images" if spec.seed == 2 else None)
    assert names(found) == ["made/resnet20/seed0"]
    assert sorted(left.values()) == [1, 1, 1] and left["no images"] == 1
    monkeypatch.setattr(execution, "available_gpus", lambda: ["0"])
    assert len(candidates(store, lambda spec: None)[0]) == 3


@pytest.fixture
def chain(tmp_path):
    """A run, one that starts from its weights, and one that starts from that one's."""
    store, cells = Store(tmp_path), [made_cell("first")]
    for name in ("second", "third"):
        pretrained = {"source": "run", "name": cells[-1].run_id, "mode": "train-all"}
        cells.append(made_cell(name, pretrained=pretrained))
    made_suite(store, "made", cells)
    for cell, seconds in zip(cells, (30.0, 20.0, 10.0), strict=True):
        record(store, cell, train_time_s=seconds)
    return store, cells


def test_a_run_comes_after_those_whose_weights_it_starts_from(chain):
    store, cells = chain
    found, left = candidates(store, lambda spec: None)
    assert names(found) == [f"made/{cell.variant}/seed0" for cell in cells] and left == {}
    assert [each.cost_s for each in found] == [30, 50, 60]
    assert found[2].sources == [cell.run_id for cell in cells[:2]]


def test_no_run_starts_from_weights_that_cannot_be_had(chain):
    store, cells = chain
    record(store, cells[1], environments_mixed=True)
    found, left = candidates(store, lambda spec: None)
    assert names(found) == ["made/first/seed0"] and sum(left.values()) == 2
    assert "starts from a run that cannot be trained again here" in left


@pytest.mark.parametrize(
    ("outcome", "trained"),
    [
        (replayed(), 3),
        (replayed(identical=False, same_weights=4), 3),
        (replayed(identical=False), 1),
        (replayed(status="failed"), 1),
    ],
)
def test_no_run_starts_from_weights_that_are_different(chain, outcome, trained):
    found, _ = candidates(chain[0], lambda spec: None)
    assert len(list(verify(found, lambda run: outcome, 1e9, lambda: 0.0))) == trained


def test_runs_that_start_from_different_weights_are_counted(chain, monkeypatch, capsys):
    differs = iter([replayed(identical=False)])
    monkeypatch.setattr(command, "_missing", lambda spec: None)
    monkeypatch.setattr(again, "replay", lambda *_: next(differs))
    with pytest.raises(typer.Exit):
        command.verify("10m", chain[0].root)
    said = capsys.readouterr().out
    assert "0 of 1 reference run" in said and "not trained to the end" not in said
    assert "2 runs start from weights that are different here" in said


def test_runs_of_another_recipe_are_left_out(store, monkeypatch):
    monkeypatch.setitem(
        execution.RunSpec.stated.__globals__, "recipe", lambda spec: {"training": 9}
    )
    found, left = candidates(store, lambda spec: None)
    assert found == [] and sum(left.values()) == 3


class Clock:
    """Stands still but for training, which takes ``slower`` times as long as it did."""

    def __init__(self, slower):
        self.now, self.slower, self.trained = 0.0, slower, []

    def train(self, candidate):
        self.trained.append(candidate.name[-1])
        self.now += candidate.train_time_s * self.slower
        return replayed()

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("budget", "slower", "trained"),
    [
        (60, 1, "210"),
        (59, 1, "21"),
        (60, 2, "21"),
        (59, 2, "2"),
        (9, 1, ""),
        (40, 0.5, "210"),
    ],
)
def test_the_budget_is_kept_at_the_pace_of_this_machine(store, budget, slower, trained):
    clock = Clock(slower)
    found, _ = candidates(store, lambda spec: None)
    done = list(verify(found, clock.train, budget, clock))
    assert "".join(clock.trained) == trained and len(done) == len(trained)
    assert not trained or clock.now <= budget


@pytest.mark.parametrize(
    ("given", "outcome", "same_class"),
    [
        (replayed(), SAME, True),
        (replayed(identical=False), OTHER, True),
        (replayed(identical=False, same_weights=3), OTHER, True),
        (replayed(identical=False, same_weights=4, environment=["processor"]), WEIGHTS, False),
        (replayed(identical=False, environment=["processor"]), OTHER, False),
        (replayed(identical=False, environment=["device"]), OTHER, False),
        (replayed(identical=False, environment=["versions.keras"]), OTHER, True),
        (replayed(status="interrupted"), STOPPED, True),
        (replayed(identical=False, status="interrupted"), OTHER, True),
        (replayed(status="failed"), FAILED, True),
        (replayed(identical=False, status="failed"), OTHER, True),
    ],
)
def test_what_a_replay_says(given, outcome, same_class):
    verified = Verified(None, given, 1.0)
    assert (verified.outcome, verified.same_class) == (outcome, same_class)


def test_after_one_that_was_stopped_none_is_begun(store):
    found, _ = candidates(store, lambda spec: None)
    done = list(verify(found, lambda candidate: replayed(status="interrupted"), 1e9, lambda: 0.0))
    assert [each.outcome for each in done] == [STOPPED]


def test_a_run_that_the_budget_stopped_counts_as_not_trained(store, monkeypatch, capsys):
    def one_then_none(found, train, seconds):
        yield Verified(found[0], replayed(), 1.0)
        yield Verified(found[1], replayed(status="interrupted"), 1.0)

    monkeypatch.setattr(execution, "verify", one_then_none)
    monkeypatch.setattr(command, "_missing", lambda spec: None)
    command.verify("10m", store.root)
    said = capsys.readouterr().out
    assert "1 of 1 reference run" in said and "2 more" in said
