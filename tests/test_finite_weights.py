"""Pretrained weights that are not numbers."""

import hashlib

import numpy as np
import pytest

from benchmark.data.images import DataError
from benchmark.models.build import build_model
from benchmark.models.reference_weights import reference_weights
from benchmark.spec import ResNetSpec, RunSpec
from benchmark.worker.pretrained import pretrained_of

MODEL = {
    "stem": "cifar",
    "block": "basic",
    "stage_blocks": [1],
    "stage_widths": [4],
    "shortcut": "A",
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path))
    net = build_model(ResNetSpec.model_validate(MODEL), (32, 32, 3), 10)
    arrays = {name: array.copy() for name, array in reference_weights(net).items()}
    next(iter(arrays.values())).flat[3] = value
    file = tmp_path / "weights" / "net.npz"
    file.parent.mkdir()
    np.savez(file, **arrays)
    spec = RunSpec.model_validate(
        {
            "dataset": {"name": "cifar10-subset"},
            "model": MODEL,
            "pretrained": {
                "source": "file",
                "name": file.name,
                "mode": "as-published",
                "preprocessing": "torch",
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            },
            "seed": 0,
        }
    )
    with pytest.raises(DataError, match=r"net\.npz.* 1 values"):
        pretrained_of(spec, tmp_path)
