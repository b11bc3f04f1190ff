"""The speed benchmark: contenders that do the same work, and honest ratios."""

from dataclasses import asdict

import keras
import numpy as np
import pandas as pd
import pytest
from photograph_files import make_tree

from benchmark.data import cache
from benchmark.data.photographs import registry
from benchmark.proof.speed import measure as measuring
from benchmark.proof.speed.case import NETS, Case, Net, images
from benchmark.proof.speed.contender import FLOOR, OURS, PACKED, WHOLE_RUN, XLA, contenders
from benchmark.proof.speed.input import write_input
from benchmark.proof.speed.measure import Measured, Turn, measure
from benchmark.proof.speed.record import run_cases, write_table
from benchmark.proof.speed.table import summary
from benchmark.records.files import read_json, write_json
from benchmark.spec import ResNetSpec

TINY = Net(
    ResNetSpec(
        stem="cifar", block="basic", stage_blocks=[1, 1], stage_widths=[8, 16], shortcut="A"
    ),
    *(32, 10, 50, 0.01, 200),
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Our contender on a tiny net, its weights' file, and its losses."""
    from benchmark.proof.speed.ours import Ours, write_weights

    keras.utils.set_random_seed(0)
    contender = Ours(TINY)
    weights = tmp_path_factory.mktemp("speed") / "weights.safetensors"
    write_weights(contender.model, weights)
    return contender, weights, contender.losses(10)


def does_the_same(contender, ours):
    reference, _, losses = ours
    assert contender.parameters == reference.parameters
    np.testing.assert_allclose(contender.losses(10), losses, rtol=2e-3)
    amount, seconds = contender.work(0.01)
    assert amount > 0 and amount % TINY.batch == 0 and seconds > 0


def test_stock_keras_does_the_same(ours):
    from benchmark.proof.speed.keras_fit import KerasFit

    contender = KerasFit(TINY, ours[1])
    kinds = {type(layer) for layer in contender.model.layers}
    assert keras.layers.BatchNormalization in kinds  # Its own, not the fused one.
    does_the_same(contender, ours)


@pytest.mark.parametrize("compiled", [False, True])
def test_pytorch_does_the_same(ours, compiled):
    pytest.importorskip("torch", reason="needs PyTorch: tox -e peers")
    from benchmark.proof.speed.torch_loop import TorchLoop

    does_the_same(TorchLoop(TINY, ours[1], bfloat16=False, compiled=compiled), ours)


@pytest.mark.parametrize("shortcut", ["none", "A", "B"])
@pytest.mark.parametrize("depth", [18, 50])
def test_the_pytorch_nets_have_the_names_and_parameters(shortcut, depth):
    torch = pytest.importorskip("torch", reason="needs PyTorch: tox -e peers")
    from benchmark.models.families import cost
    from benchmark.proof.speed.torch_net import TorchNet

    spec = ResNetSpec(stem="imagenet", depth=depth, shortcut=shortcut)
    net = TorchNet(spec, 1000)
    counted = sum(p.numel() for p in net.parameters())
    assert counted == cost(spec, (224, 224, 3), 1000).parameters
    assert net(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


def test_our_compiled_steps_do_the_same(ours):
    from benchmark.proof.speed.ours import Ours

    keras.utils.set_random_seed(0)
    does_the_same(Ours(TINY, xla=True), ours)


@pytest.mark.parametrize(("visible", "first"), [("", ""), ("3,1", "3"), (None, "0")])
def test_a_gpu_is_hidden_or_the_first_that_may_be_used(monkeypatch, visible, first):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    on_cpu, on_gpu = (Case("resnet8-A", "float32", 2, device) for device in ("cpu", "gpu"))
    assert measuring._devices(on_cpu)["CUDA_VISIBLE_DEVICES"] == "-1"
    assert measuring._devices(on_gpu)["CUDA_VISIBLE_DEVICES"] == first
    assert on_cpu.name == "resnet8-A float32 2" and on_gpu.name == "resnet8-A float32 2 gpu"


@pytest.mark.parametrize(("device", "said"), [("cpu", False), ("gpu", True)])
def test_the_table_says_which_device(tmp_path, device, said):
    case = Case("resnet110-A", "float32", 2, device)
    write_json(tmp_path / "cases" / "one.json", asdict(made_up(case)))
    markdown, csv = write_table(tmp_path)
    assert ("| resnet110-A | float32 | 2 (gpu) |" in markdown.read_text()) == said
    assert set(pd.read_csv(csv)["device"]) == {device}


def test_our_work_is_counted_in_images(ours):
    contender = ours[0]
    before = contender.iteration
    amount, seconds = contender.work(0.01)
    assert amount == (contender.iteration - before) * TINY.batch and seconds > 0


@pytest.mark.parametrize("name", [name for name, net in NETS.items() if net.size == 32])
def test_the_whole_run_trains_on_as_many_images(name):
    from benchmark.proof.speed.whole_run import spec_of

    spec = spec_of(Case(name, "mixed_bfloat16", 2))
    assert spec.dataset.train_images == NETS[name].images
    assert (spec.model, spec.optimizer.batch_size) == (NETS[name].spec, NETS[name].batch)
    assert (spec.numerics.precision, spec.numerics.threads) == ("mixed_bfloat16", 2)


def test_images_are_real_and_enlarged():
    net = NETS["resnet50-B"]
    small, labels = images(net, 32)
    large, same = images(net, 64)
    assert large.shape == (128, 64, 64, 3) and large.dtype == np.uint8
    assert len(set(labels.tolist())) == 10 and (labels == same).all()
    shrunk = large.reshape(128, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(shrunk - small).mean() < 6


def turns(round_, rates):
    return [
        Turn(round_, name, rate * 2.0, seconds=2.0, peak_memory_mib=100.0, others_percent=1.0)
        for name, rate in rates.items()
    ]


def made_up(case, **changes):
    """Rates that no machine gave, for the arithmetic of the table alone."""
    names = (FLOOR, OURS, WHOLE_RUN, "PyTorch eager")
    rates = [(1e11, 600.0, 540.0, 400.0), (1e11, 500.0, 490.0, 500.0), (2e11, 550.0, 550.0, 500.0)]
    fields = {
        "case": case,
        "seconds": 2.0,
        "turns": [
            t for i, r in enumerate(rates) for t in turns(i, dict(zip(names, r, strict=True)))
        ],
        "parameters": {name: None if name == FLOOR else 7 for name in names},
        "losses": {OURS: [2.0] * 50, "PyTorch eager": [3.0] * 40 + [1.0] * 10},
        "absent": {"PyTorch compile": "no compiler"},
        "environment": {
            "processor": "made-up",
            "cores": 2,
            "memory_gib": 8.0,
            "python": "3.11",
            "versions": {"keras": "3"},
            "git_commit": None,
            "git_dirty": None,
        },
    }
    return Measured(**{**fields, **changes})


def test_ratios_are_taken_within_a_round():
    table = summary([made_up(Case("resnet20-A", "float32", 2))]).set_index("contender")
    assert FLOOR not in table.index
    peer = table.loc["PyTorch eager"]
    assert (peer["ratio_min"], peer["ratio"], peer["ratio_max"]) == (1.0, 1.1, 1.5)
    assert table.loc[WHOLE_RUN, "ratio"] == pytest.approx(0.98)
    assert peer["mean_of_last_10_losses"] == 1.0 and peer["first_loss"] == 3.0
    forward = 40_813_184  # ResNet-20's multiply-adds.
    assert table.loc[OURS, "share_of_peak"] == pytest.approx(3 * forward * 500 / 1e11, rel=0.01)


def test_a_file_a_case_makes_the_table(tmp_path):
    case = Case("resnet20-A", "mixed_bfloat16", 1)
    data = asdict(made_up(case))
    assert Measured.of_json(data) == made_up(case)
    write_json(tmp_path / "cases" / "one.json", data)
    markdown, csv = write_table(tmp_path)
    text = markdown.read_text()
    assert "| resnet20-A | bfloat16 | 1 | PyTorch eager |" in text
    assert "1.10× (1.00–1.50)" in text and "this is 0.98× (0.90–1.00)" in text
    assert "PyTorch compile could not be measured: no compiler" in text
    assert csv.read_text().count("\n") == 4


def test_a_measured_case_is_not_measured_again(tmp_path, monkeypatch):
    asked = []

    def instead(case, rounds, seconds, steps, say):
        asked.append((case.name, steps))
        return made_up(case)

    monkeypatch.setattr("benchmark.proof.speed.record.measure", instead)
    some = [Case("resnet20-A", "float32", threads) for threads in (1, 2)]
    said = []
    how = {"rounds": 1, "seconds": 1.0, "say": said.append}
    run_cases(some, tmp_path, again=False, **how)
    assert asked == [("resnet20-A float32 2", 50), ("resnet20-A float32 1", 0)]
    run_cases(some, tmp_path, again=False, **how)
    assert len(asked) == 2 and "already measured" in said[-1]
    run_cases(some, tmp_path, again=True, **how)
    assert len(asked) == 4
    assert read_json(tmp_path / "cases" / "resnet20-A_float32_1.json")["case"]["threads"] == 1


def test_contenders_take_turns_for_real(monkeypatch):
    """The floor, our step, our whole run and a run a core, each in its process."""
    there = [FLOOR, OURS, WHOLE_RUN, PACKED]
    monkeypatch.setattr(measuring, "contenders", lambda case: [*there, "nobody"])
    said = []
    measured = measure(Case("resnet8-A", "float32", 2), 2, 0.1, 1, said.append)
    taken = [[t.contender for t in measured.turns if t.round == number] for number in (0, 1)]
    assert {*taken[0]} == {*taken[1]} == {*there}
    assert taken[0] != taken[1]  # In another order.
    assert {measured.parameters[name] for name in there[1:]} == {75_290}
    memory = {turn.contender: turn.peak_memory_mib for turn in measured.turns}
    assert memory[PACKED] > 1.5 * memory[OURS]  # Of all its processes.
    assert len(measured.losses[OURS]) == 1
    assert "nobody" in measured.absent
    assert all(turn.seconds > 0 and turn.peak_memory_mib > 100 for turn in measured.turns)


def test_who_does_other_work_is_left_out():
    def facts(parameters, losses):
        return {"parameters": parameters, "losses": losses}

    said = []
    measurement = measuring._Measurement(Case("resnet20-A", "float32", 1), [], said.append)
    found = measurement._other_work(
        {
            OURS: facts(7, [2.0, 1.9]),
            "same": facts(7, [2.001, 1.8]),
            "more parameters": facts(8, [2.0, 1.9]),
            "another first loss": facts(7, [2.01, 1.9]),
            "other losses": facts(7, [2.0, 1.6]),
            "own weights": facts(9, []),
        }
    )
    assert found.keys() == {"more parameters", "another first loss", "other losses"}
    assert "0.5%" in found["another first loss"] and "15.8%" in found["other losses"]
    with pytest.raises(RuntimeError, match="ours could not be measured"):
        measurement._leave_out(OURS, "out of memory")


def test_each_case_has_its_peers():
    assert WHOLE_RUN in contenders(Case("resnet20-A", "float32", 1))
    assert PACKED not in contenders(Case("resnet20-A", "float32", 1))
    assert PACKED in contenders(Case("resnet20-A", "float32", 2))
    assert "keras.applications fit" in contenders(Case("resnet50-B", "float32", 1))
    assert WHOLE_RUN not in contenders(Case("resnet50-B", "float32", 1))
    assert XLA in contenders(Case("resnet110-A", "float32", 1))
    assert XLA not in contenders(Case("resnet50-B", "float32", 2))
    on_gpu = contenders(Case("resnet50-B", "float32", 2, "gpu"))
    assert XLA in on_gpu and PACKED not in on_gpu
    assert PACKED not in contenders(Case("resnet50-B", "float32", 2))


def test_reading_photographs_is_measured_beside_tensorflow_datasets(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    added = registry.add("two", make_tree(tmp_path / "tree"))
    written = write_input(added, tmp_path / "speed", rounds=1, seconds=0.1)
    text, turns = written[0].read_text(), pd.read_csv(written[1])
    assert sorted(turns["contender"]) == ["ours", "tf.data on tfds.ImageFolder"]
    assert (turns["images_per_s"] > 0).all()
    ours, peer = turns.sort_values("contender")["images_per_s"]
    assert f"{ours / peer:.2f}×" in text and "two, 12 files" in text
    assert "Training ResNet-50" not in text  # It was not measured here.
