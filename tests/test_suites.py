"""The smoke form of every suite: each variant's net and training with all that sets it apart, but
a block a stage, few filters, the embedded images and two iterations; then the suite's report."""

import functools
import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import free_memory
from photograph_files import make_tree
from safetensors.numpy import save_file

from benchmark.data import cache, cifar10
from benchmark.data.photographs import registry
from benchmark.models.build import build_model
from benchmark.models.reference_weights import reference_weights
from benchmark.records import Store, load_layers, load_runs
from benchmark.report.pages import PAGES
from benchmark.report.suite_report import write_report
from benchmark.spec import ResNetSpec, RunSpec
from benchmark.suite import Cell, Plan, load_suite
from benchmark.suite.suite import LoadedSuite
from benchmark.training import process
from benchmark.worker.train import train_folder

SUITES = sorted(Path("suites").rglob("*.yaml"))


def smoke_form(spec, *, precision, smoke_ids, photographs):
    """Equal for runs that differ in depth, length and data set alone."""
    data = spec.model_dump(mode="json")
    if spec.detector:
        return smoke_form_of_detector(data, smoke_ids)
    if spec.dataset.kind == "photographs":
        return smoke_form_on_photographs(data, photographs)
    if spec.pretrained and spec.pretrained.run:
        data["pretrained"]["name"] = smoke_ids[spec.pretrained.run]
    net = {**data["model"], "stage_blocks": [1, 1], "stage_widths": [4, 8]}
    del net["depth"]
    data["model"] = type(spec.model).model_validate(net).model_dump(mode="json")
    data["dataset"]["name"] = "cifar10-subset"
    data["dataset"]["held_out_images"] = min(500, spec.dataset.held_out_images)
    data["optimizer"]["batch_size"] = 50
    data["schedule"] = two_iterations(data["schedule"])
    if spec.schedule.warmup:
        data["schedule"]["warmup"]["window_iterations"] = 1
    data["diagnostics"]["iterations"] = []
    data["numerics"]["precision"] = precision
    data["seed"] = 0
    return RunSpec.model_validate(data)


def two_iterations(schedule):
    """With a drop between them where there are some; without any where nothing is trained."""
    if not schedule["iterations"]:
        return schedule
    drops = {"drops": None} if schedule["kind"] == "piecewise" else {}
    return schedule | {"iterations": 2} | drops


def small_net(model):
    """Four small stages; VGG-16, too, becomes a residual net of them."""
    net = {**model, "stage_blocks": [1] * 4, "stage_widths": [4, 8, 16, 32]}
    if net["family"] == "vgg":
        net |= {"stem": "imagenet", "block": "bottleneck", "shortcut": "B", "conv_bias": True}
        net["family"] = "resnet"
    net.pop("depth", None)
    return net


def smoke_form_of_detector(data, smoke_ids):
    """On a few small canvases. Weights of keras.applications become a file's."""
    net = small_net(data["model"])
    if net["stem"] == "cifar":
        net |= {"stage_blocks": [1, 1], "stage_widths": [4, 8]}
    begun = data["pretrained"]
    if begun and begun["source"] == "run":
        begun["name"] = smoke_ids[begun["name"]]
    elif begun:
        stated = {"source": "file", "name": "backbone.safetensors", "preprocessing": "caffe"}
        data["pretrained"] = begun | stated | {"sha256": weights_file(net, stated["name"], 5)}
    data["model"] = ResNetSpec.model_validate(net).model_dump(mode="json")
    pasted = {"side": 64, "train_canvases": 4, "test_canvases": 2, "max_scale": 1.0}
    shown = {key: data["dataset"][key] for key in ("kind", "normalization")}
    data["dataset"] = {"name": "pasted-cifar", "pasted": pasted, **shown}
    detector = data["detector"]
    detector["anchors"] = {"scales": [16, 32]}
    detector["rpn"] |= {"channels": 8, "batch": 16}
    few = {"train_before_nms": 40, "train_count": 20, "test_before_nms": 40, "test_count": 10}
    detector["proposals"] |= few
    detector["regions"] |= {"size": 4, "batch": 8}
    if detector["inference"]["scales"]:
        detector["inference"]["scales"] = [48, 64, 96]
    data["optimizer"]["batch_size"] = data["evaluation"]["batch_size"] = 2
    data["schedule"] = two_iterations(data["schedule"])
    data["numerics"] |= {"replicas": 1, "precision": "float32"}
    data["seed"] = 0
    return RunSpec.model_validate(data)


def smoke_form_on_photographs(data, photographs):
    """Weights of keras.applications, and VGG-16, become a file of a small net's weights."""
    net = small_net(data["model"])
    begun = data["pretrained"]
    if begun:
        classes = 2 if begun["mode"] == "as-published" else 5
        stated = {"source": "file", "name": f"of{classes}.safetensors", "preprocessing": "caffe"}
        data["pretrained"] = begun | stated | {"sha256": weights_file(net, stated["name"], classes)}
        if begun["head_classes"]:
            data["pretrained"]["head_classes"] = classes
    data["model"] = ResNetSpec.model_validate(net).model_dump(mode="json")
    content = photographs.content.model_dump()
    counted = {"statistics_images": data["dataset"]["statistics_images"]}
    data["dataset"] = {"name": photographs.name, "content": content, "crop_size": 32} | counted
    if begun:
        data["dataset"]["normalization"] = "pretrained"
    data["optimizer"]["batch_size"] = 6
    data["schedule"] = two_iterations(data["schedule"])
    data["numerics"] |= {"replicas": 1, "precision": "float32"}
    data["seed"] = 0
    return RunSpec.model_validate(data)


def weights_file(net, name, classes):
    """A torch-style state dict in the cache. Returns its SHA-256."""
    file = cache.cache_folder() / "weights" / name
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        model = build_model(ResNetSpec.model_validate(net), (32, 32, 3), classes)
        arrays = reference_weights(model).items()
        save_file({name: np.ascontiguousarray(array) for name, array in arrays}, file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield registry.add("two", make_tree(tmp_path_factory.mktemp("tree")))


load_once = functools.cache(cifar10.load)


def in_this_process(numerics, seed, gpu_memory_mib=None):
    keras.config.set_dtype_policy(numerics.precision)
    keras.utils.set_random_seed(seed)


@pytest.fixture(autouse=True)
def memory_is_freed_after_each():
    yield
    free_memory()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    yield Store(tmp_path_factory.mktemp("smoke"))
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("path", SUITES, ids=str)
def test_the_smoke_form_of_each_suite(path, store, photographs, monkeypatch):
    monkeypatch.setattr(process, "configure", in_this_process)
    monkeypatch.setattr(cifar10, "load", load_once)
    loaded = load_suite(path)
    first = {cell.variant: cell for cell in reversed(loaded.plan.cells)}
    precisions = {cell.spec.numerics.precision for cell in first.values()}
    cells, smoke_ids = [], {}
    for name, cell in reversed(first.items()):
        precision = cell.spec.numerics.precision if len(precisions) > 1 else "float32"
        form = smoke_form(
            cell.spec, precision=precision, smoke_ids=smoke_ids, photographs=photographs
        )
        cells.append(Cell(name, 0, form))
        smoke_ids[cell.run_id] = form.digest()
    plan = Plan(loaded.suite.name, tuple(cells))
    store.suite(plan.suite).save_plan(LoadedSuite(path, loaded.suite, plan))
    for cell in plan.runs().values():
        folder = store.run(cell)
        if not folder.done():
            folder.prepare(cell.spec)
            folder.begin()
            train_folder(folder.path, lambda event: None)
    report = write_report(store, plan.suite, [*PAGES, "csv"])
    runs = load_runs(store.root, plan.suite)
    assert list(runs["variant"]) == [cell.variant for cell in cells]
    assert set(runs["status"]) <= {"finished", "diverged"}
    assert list(report.verdicts["claim"]) == [claim.statement for claim in loaded.suite.claims]
    verdicts = report.verdicts["verdict"].str.removesuffix(" (preliminary)")
    assert set(verdicts) <= {"not comparable", "inconclusive", "not run"}
    untested = report.verdicts["why"].str.contains(r"Too few runs .*: 0[,)]")
    assert list(verdicts == "not run") == list(untested)
    diagnosed = any(cell.spec.measured_at for cell in cells)
    assert diagnosed == (len(load_layers(store.root, plan.suite)) > 0)
    names = {figure.svg.stem for figure in report.figures}
    assert names >= ({"responses", "gradients"} if diagnosed else set())
    assert all(file.stat().st_size for file in report.files)
    assert path.stem in report.pages["latex"][0].read_text()
