"""Whatever a user's settings of Keras and TensorFlow say, a run is a function of its spec."""

import json

import pytest
from conftest import bench

from benchmark.execution.environment import of_worker
from benchmark.records import Store
from benchmark.suite import load_suite

SUITE = """\
name: settings
source: the tests' own
base:
  dataset: {name: cifar10-subset, train_per_class: 20}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1, 1], stage_widths: [4, 8, 16], shortcut: A}
  optimizer: {batch_size: 100}
  schedule: {iterations: 4}
seeds: [0]
"""

KERAS = [
    {"floatx": "float16"},
    {"floatx": "float64", "epsilon": 1e-2},
    {"image_data_format": "channels_first"},
    {"backend": "jax"},
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function from a user's settings to the digest of the weights, and of the error that
    ``evaluate`` finds."""
    folder = tmp_path_factory.mktemp("settings")
    suite = folder / "settings.yaml"
    suite.write_text(SUITE)
    cell = load_suite(suite).plan.cells[0]
    known = {}

    def digest(keras: dict, **variables: str) -> tuple[str, float]:
        key = json.dumps([keras, variables], sort_keys=True)
        if key not in known:
            here = folder / str(len(known))
            (here / "home").mkdir(parents=True)
            (here / "home" / "keras.json").write_text(json.dumps(keras))
            own = {"KERAS_HOME": str(here / "home"), **variables}
            done = bench("run", suite, "--results", here, **own)
            assert done.returncode == 0, done.stdout + done.stderr
            run = Store(here).run(cell)
            done = bench("evaluate", run.path, "--protocol", "center-crop", **own)
            assert done.returncode == 0, done.stdout + done.stderr
            (tested,) = run.tested().values()
            known[key] = run.result()["final_weights_sha256"], tested["top1_error_percent"]
        return known[key]

    return digest


@pytest.mark.parametrize("keras", KERAS, ids=lambda each: "-".join(map(str, each.values())))
def test_kerass_own_file_changes_nothing(trained, keras):
    assert trained(keras) == trained({})


def test_variables_of_keras_and_tensorflow_change_nothing(trained):
    variables = {
        "KERAS_BACKEND": "torch",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "TF_NUM_INTRAOP_THREADS": "7",
        "OMP_NUM_THREADS": "3",
    }
    assert trained({}, **variables) == trained({})


def test_what_changes_no_bits_is_handed_on():
    found = of_worker({"PATH": "/bin", "XLA_FLAGS": "--x", "TF_ENABLE_ONEDNN_OPTS": "0"})
    assert found["PATH"] == "/bin" and found["XLA_FLAGS"] == "--x"
    assert "TF_ENABLE_ONEDNN_OPTS" not in found
