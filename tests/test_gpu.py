"""What only a GPU can show: ``tox -e gpu``. Without one each test is skipped, and ``tox -e gpu``
fails and says that it needs one.

Each case trains in processes of its own, as a run does: TensorFlow is set up once a process.
"""

import json
import os

import pytest
from conftest import bench_alone

from benchmark.records.gpus import visible_gpus
from benchmark.records.store import Store

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not visible_gpus(), reason="needs an NVIDIA GPU and its driver"),
]

CIFAR = """\
name: on-a-gpu
source: the tests' own
base:
  dataset: {name: cifar10-subset, train_per_class: 100}
  model: {stem: cifar, depth: 8, shortcut: A}
  optimizer: {batch_size: 100}
  schedule: {iterations: 40}
vary:
  variants:
    - {name: float32}
    - {name: again, numerics.threads: 2}
    - {name: projections, model.shortcut: B}
    - {name: tensorfloat32, numerics.precision: tensorfloat32}
    - {name: bfloat16, numerics.precision: mixed_bfloat16}
    - {name: float16, numerics.precision: mixed_float16}
    - {name: compiled, numerics.xla: true}
seeds: [0]
"""

DETECTOR = """\
name: on-a-gpu
source: the tests' own
base:
  dataset: {name: pasted-cifar, pasted: {side: 96, train_canvases: 8, test_canvases: 4}}
  model: {stem: cifar, block: basic, stage_blocks: [1, 1], stage_widths: [8, 16], shortcut: B}
  detector:
    anchors: {scales: [32], ratios: [1]}
    rpn: {channels: 8, batch: 32}
    proposals: {train_before_nms: 60, train_count: 20, test_before_nms: 60, test_count: 10}
    regions: {size: 4, batch: 8}
  optimizer: {batch_size: 2}
  schedule: {iterations: 8}
vary:
  variants:
    - {name: fixed, detector.batch_norm: fixed}
    - {name: pooled, detector.batch_norm: fixed, detector.regions.pooling: max}
    - {name: trained, detector.batch_norm: trained}
seeds: [0]
"""


def train(folder, text, *options, **environment):
    """The results of a suite, each run by its name."""
    suite = folder / "suite.yaml"
    suite.write_text(text)
    done = bench_alone("run", suite, "--results", folder / "results", *options, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(folder / "results")
    cells = store.suite("on-a-gpu").plan()["cells"]
    return {cell["variant"]: store.run(cell["run_id"]) for cell in cells}


def digests(runs):
    return {name: run.result()["final_weights_sha256"] for name, run in runs.items()}


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    return train(tmp_path_factory.mktemp("classifiers"), CIFAR)


def test_it_trains_there_and_says_so(classifiers):
    for name, run in classifiers.items():
        result, made = run.result(), run.provenance()
        assert result["status"] == "finished", name
        assert result["device"] in made["gpus"], name
        assert result["peak_gpu_memory_mib"] > 1, name
        assert made["driver"] and made["compute_capability"], name


def test_threads_of_the_host_change_no_bits(classifiers):
    found = digests(classifiers)
    assert found["float32"] == found["again"]


def test_each_precision_has_bits_of_its_own(classifiers):
    found = digests(classifiers)
    names = ("float32", "bfloat16", "float16", "compiled")
    assert len({found[name] for name in names}) == len(names)
    capability = float(classifiers["float32"].provenance()["compute_capability"][0])
    assert (found["tensorfloat32"] != found["float32"]) == (capability >= 8)


def test_two_trainings_have_one_digest(classifiers, tmp_path):
    assert digests(train(tmp_path, CIFAR)) == digests(classifiers)


def test_first_weights_are_those_of_a_cpu(classifiers, tmp_path):
    on_cpu = train(tmp_path, CIFAR, CUDA_VISIBLE_DEVICES="-1")
    for name, run in on_cpu.items():
        own, other = run.result(), classifiers[name].result()
        assert own["device"] == "CPU"
        assert own["initial_weights_sha256"] == other["initial_weights_sha256"], name


def test_a_run_that_is_stopped_goes_on_to_the_same_weights(classifiers, tmp_path):
    from benchmark.scheduling.attempt import train_run
    from benchmark.spec import RunSpec
    from benchmark.suite import Cell

    for name in ("float32", "compiled"):
        spec = RunSpec.model_validate(classifiers[name].spec())
        cell = Cell(name, spec.seed, spec)
        folder = Store(tmp_path).run(cell)
        assert train_run(cell, folder, epochs=2)[0] == "interrupted"
        assert train_run(cell, folder)[0] == "finished"
        result = folder.result()
        assert result["attempt"] == 2
        assert result["final_weights_sha256"] == digests(classifiers)[name]


def test_several_runs_share_a_gpu_and_have_the_same_bits(tmp_path):
    one = visible_gpus()[0].uuid
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    for folder in (alone, beside):
        folder.mkdir()
    found = train(beside, CIFAR, "--jobs", "4", CUDA_VISIBLE_DEVICES=one)
    again = train(alone, CIFAR, "--jobs", "4", CUDA_VISIBLE_DEVICES=one)
    assert digests(found) == digests(again)
    limits = {run.provenance()["flags"]["RESNET_BENCH_GPU_MEMORY_MIB"] for run in found.values()}
    assert len(limits) == 1


def test_detectors_train_there_and_have_the_same_bits_twice(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = (train(folder, DETECTOR) for folder in folders)
    assert {run.result()["status"] for run in first.values()} == {"finished"}
    assert digests(first) == digests(second)


def test_evaluate_scores_there_in_float32(classifiers):
    run = classifiers["projections"]
    done = bench_alone("evaluate", run.path, "--protocol", "center-crop")
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads(next(run.evaluations.glob("*/result.json")).read_text())
    usual = run.result()["final_error_percent"]
    assert abs(kept["top1_error_percent"] - usual) < 0.5
    again = bench_alone("evaluate", run.path, "--protocol", "center-crop", **os.environ)
    assert again.returncode == 0
