"""Each spec has its loader, and what may be missing is looked for before a run."""

import subprocess
import sys

import pytest
from detection_files import add, spec_of
from photograph_files import make_tree

from benchmark.data import cache, sources
from benchmark.data.detection.detection_set import DetectionSet
from benchmark.data.images import Images
from benchmark.data.photographs import registry
from benchmark.data.photographs.registry import Photographs
from benchmark.problems import InputError
from benchmark.running.images import require_images
from benchmark.spec import BoxesSpec, CifarSpec, PastedSpec, PhotographsSpec


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


def test_each_kind_of_images_is_loaded(tmp_path):
    photographs = registry.add("photographs", make_tree(tmp_path / "tree"))
    specs = {
        CifarSpec(name="cifar10-subset"): Images,
        PhotographsSpec.model_validate(
            {"name": "photographs", "content": photographs.content}
        ): Photographs,
        spec_of(add("boxes", tmp_path / "boxes")): DetectionSet,
        BoxesSpec(
            name="pasted-cifar", pasted=PastedSpec(train_canvases=3, test_canvases=2)
        ): DetectionSet,
    }
    for spec, kind in specs.items():
        assert isinstance(sources.load(spec), kind)
    require_images(specs)


def test_images_that_are_missing_are_named(tmp_path):
    spec = spec_of(add("boxes", tmp_path / "boxes"))
    require_images([spec])
    (tmp_path / "boxes" / "test" / "0102.jpg").unlink()
    with pytest.raises(InputError, match=r"0102\.jpg must be as it was when it was added"):
        require_images([spec])
    with pytest.raises(InputError, match=r"resnet-bench data get coco2017$"):
        require_images([BoxesSpec(name="coco2017")])


def test_what_is_in_the_package_is_not_read_first_nor_is_tensorflow_loaded():
    code = (
        "import sys; from benchmark.running.images import require_images\n"
        "from benchmark.spec import BoxesSpec, CifarSpec\n"
        "require_images([CifarSpec(name='cifar10-subset'),"
        " BoxesSpec(name='pasted-cifar')])\n"
        "assert not {'tensorflow', 'tensorflow_datasets'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
