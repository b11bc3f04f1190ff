"""A trained net as a file for others: the same logits, without this package."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import bench_alone
from safetensors import safe_open

from benchmark.data import cifar10
from benchmark.data.images import DataError
from benchmark.data.normalization import CAFFE, Normalization
from benchmark.export import Format
from benchmark.export.plain_keras import plain_keras
from benchmark.export.write import export_run
from benchmark.models.build import build_model
from benchmark.models.reference_weights import load_reference_weights
from benchmark.records import Store
from benchmark.spec import ResNetSpec
from benchmark.spec.preactivation import PreactivationSpec
from benchmark.worker.pretrained import finished

GATED = "preactivation-resnet"

LOAD = """
import sys
import keras
import numpy as np

net = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], net.predict(np.load(sys.argv[2]), verbose=0))
assert not [name for name in sys.modules if name.startswith("benchmark")]
"""


@pytest.fixture(scope="module")
def photographs():
    return cifar10.load("cifar10-subset").test_images[:16].astype(np.float32)


def logits_of(model, normalization, pixels):
    return np.asarray(model(normalization(pixels), training=False))


def run_of(ran, name):
    store = Store(ran.results)
    (cell,) = [
        cell
        for cell in store.suite("tiny").plan()["cells"]
        if f"{cell['variant']}/seed{cell['seed']}" == name
    ]
    return store.run(cell["run_id"])


@pytest.fixture(scope="module")
def exported(ran, tmp_path_factory):
    """A run of the tiny suite, its net, and a folder with its file for Keras."""
    out = tmp_path_factory.mktemp("exported")
    done = bench_alone("export", "resnet6/seed0", "--results", ran.results, "--out", out)
    assert done.returncode == 0, done.stderr
    return run_of(ran, "resnet6/seed0"), out


def test_keras_alone_loads_the_file_and_gives_the_same_logits(exported, photographs, tmp_path):
    folder, out = exported
    run = finished(folder)
    (file,) = out.glob("*.keras")
    np.save(tmp_path / "pixels.npy", photographs)
    places = [file, tmp_path / "pixels.npy", tmp_path / "logits.npy"]
    command = [sys.executable, "-P", "-c", LOAD, *map(str, places)]
    subprocess.run(command, check=True, cwd=tmp_path)
    ours = logits_of(run.model, run.normalization, photographs)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), ours, atol=1e-4)
    assert np.ptp(ours) > 0.1  # Logits that differ: the comparison can fail.


def test_the_card_says_which_run_it_is_and_how_good(exported):
    folder, out = exported
    text, result = (out / "README.md").read_text(), folder.result()
    assert folder.run_id in text and result["final_weights_sha256"] in text
    assert f"{result['final_error_percent']:.2f} %" in text


def test_torchs_names_hold_every_weight_and_the_preprocessing(exported, tmp_path):
    folder, _ = exported
    run = finished(folder)
    file, _ = export_run(folder, Format.SAFETENSORS, tmp_path)
    with safe_open(file, "np") as opened:
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        told = opened.metadata()
    assert {"conv1.weight", "layer1.0.bn2.running_var", "linear.bias"} < set(arrays)
    net = build_model(run.spec.model, (32, 32, 3), 10)
    load_reference_weights(net, arrays)
    for one, other in zip(net.get_weights(), run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert told["channels"] == "RGB"
    assert ResNetSpec(**json.loads(told["model"])) == run.spec.model
    np.testing.assert_allclose(json.loads(told["mean"]), run.normalization.mean)


def test_onnx_gives_the_same_logits(exported, photographs, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    folder, _ = exported
    run = finished(folder)
    file, _ = export_run(folder, Format.ONNX, tmp_path)
    session = runtime.InferenceSession(file)
    (taken,) = [each.name for each in session.get_inputs()]
    (theirs,) = session.run(None, {taken: photographs})
    ours = logits_of(run.model, run.normalization, photographs)
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"shortcut": "A", "zero_pad": "end"},
        {"shortcut": "A", "zero_pad": "both", "subsampling": "mean"},
        {"shortcut": "B", "batch_norm": None, "conv_bias": True},
        {"shortcut": "none"},
        {"stem": "imagenet", "depth": 18, "shortcut": "B"},
        {"family": GATED, "shortcut": "A", "on_shortcut": {"kind": "constant-scaling"}},
        {"family": GATED, "shortcut": "A", "on_shortcut": {"kind": "gating", "exclusive": True}},
        {"family": GATED, "shortcut": "A", "on_shortcut": {"kind": "gating", "exclusive": False}},
    ],
)
def test_every_shortcut_is_written_in_kerass_own_layers(options, photographs):
    keras.utils.set_random_seed(0)
    family = PreactivationSpec if "family" in options else ResNetSpec
    model = build_model(family(**{"stem": "cifar", "depth": 8} | options), (32, 32, 3), 10)
    rng = np.random.default_rng(0)
    for weight in model.weights:  # Moving statistics other than those of a fresh net.
        weight.assign(np.abs(rng.normal(1.0, 0.3, weight.shape)) if weight.ndim == 1 else weight)
    image = Normalization(rng.random((32, 32, 3), np.float32) * 255, np.full(3, 1 / 255, "f4"))
    for normalization in (CAFFE, image):
        net = plain_keras(model, normalization)
        assert all(type(layer).__module__.startswith("keras.") for layer in net.layers)
        assert "benchmark" not in net.to_json()
        ours = logits_of(model, normalization, photographs)
        found = net.predict(photographs, verbose=0)
        np.testing.assert_allclose(found, ours, rtol=1e-4, atol=1e-4 * np.abs(ours).max())


def test_a_format_that_is_none_and_a_run_that_has_not_finished_are_refused(ran, tmp_path):
    unknown = bench_alone("export", "resnet6/seed0", "--results", ran.results, "--format", "torch")
    assert unknown.returncode == 2 and "torch" in unknown.stderr
    with pytest.raises(DataError, match="diverged"):
        export_run(run_of(ran, "diverges/seed0"), Format.KERAS, tmp_path)
    assert list(tmp_path.iterdir()) == []
