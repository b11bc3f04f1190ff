"""Whatever a user's settings of Keras and TensorFlow say, a run is a function of its spec."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import bench_alone

from benchmark.records import Store
from benchmark.records.provenance import provenance
from benchmark.suite import load_suite
from benchmark.worker.environment import fix, of_worker

SUITE = """\
name: settings
source: the tests' own
base:
  dataset: {name: cifar10-subset, train_per_class: 20}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1], stage_widths: [4, 8], shortcut: A}
  optimizer: {batch_size: 100}
  schedule: {iterations: 4}
seeds: [0]
"""

KERAS = {
    "floatx": "bfloat16",
    "backend": "jax",
    "epsilon": 1,
    "image_data_format": "channels_first",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function from a user's settings to the digest of the weights, and of the error that
    ``evaluate`` finds."""
    folder = tmp_path_factory.mktemp("settings")
    suite = folder / "settings.yaml"
    suite.write_text(SUITE)
    cell = load_suite(suite).plan.cells[0]
    known, said = {}, []

    def digest(keras: dict | list, **variables: str) -> tuple[str, float]:
        key = json.dumps([keras, variables], sort_keys=True)
        if key not in known:
            here = folder / str(len(known))
            (here / "home").mkdir(parents=True)
            (here / "home" / "keras.json").write_text(json.dumps(keras))
            own = {"KERAS_HOME": str(here / "home"), **variables}
            done = bench_alone("run", suite, "--no-mlflow", "--results", here, **own)
            assert done.returncode == 0, done.stdout + done.stderr
            run = Store(here).run(cell)
            done = bench_alone("evaluate", run.path, "--protocol", "center-crop", **own)
            assert done.returncode == 0, done.stdout + done.stderr
            said.extend([done.stderr, run.log.read_text()])
            (tested,) = run.tested().values()
            known[key] = run.result()["final_weights_sha256"], tested["top1_error_percent"]
        return known[key]

    digest.said = said
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
        yield digest


def test_a_file_that_keras_cannot_read_changes_nothing(trained):
    assert trained(["not what Keras reads"]) == trained({})


def test_settings_of_keras_and_tensorflow_change_nothing(trained):
    variables = {
        "KERAS_BACKEND": "torch",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "TF_NUM_INTRAOP_THREADS": "7",
        "OMP_NUM_THREADS": "3",
        "TF2_BEHAVIOR": "0",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_USE_DEEP_CONV2D": "1",
        "TF_CONFIG": "{",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX",
        "OPENBLAS_CORETYPE": "Prescott",
        "KERAS_NNX_ENABLED": "true",
    }
    assert trained(KERAS, **variables) == trained({})


VARIABLES = [
    *("TF_ENABLE_ONEDNN_OPTS", "TF_CUDNN_DETERMINISTIC", "TF_USE_CUBLASLT", "TF2_BEHAVIOR"),
    *("TF_DISABLE_RZ_CHECK", "TF_ENABLE_WINOGRAD_NONFUSED", "TF_CONV2D_USE_FP16_ACCUMULATE"),
    *("ONEDNN_VERBOSE", "DNNL_MAX_CPU_ISA", "OMP_PROC_BIND", "KMP_AFFINITY", "MKL_CBWR"),
    *("NPY_ENABLE_CPU_FEATURES", "OPENBLAS_NUM_THREADS", "KERAS_MAX_EPOCHS"),
]


@pytest.mark.parametrize("name", VARIABLES)
def test_what_can_change_bits_is_not_handed_on(name, tmp_path):
    found = of_worker({"HOME": str(tmp_path), name: "1"})
    assert name not in found and found["KERAS_BACKEND"] == "tensorflow"


def test_what_changes_no_bits_is_handed_on():
    kept = {"PATH": "/bin", "XLA_FLAGS": "--x", "TF_GPU_ALLOCATOR": "y", "TFDS_DATA_DIR": "/z"}
    found = of_worker(kept | {"TF_ENABLE_ONEDNN_OPTS": "0"})
    assert kept.items() <= found.items() and "TF_ENABLE_ONEDNN_OPTS" not in found


def test_what_can_change_bits_and_is_handed_on_is_in_the_provenance(monkeypatch):
    for name in ("XLA_FLAGS", "TF_GPU_ALLOCATOR", "CUBLAS_WORKSPACE_CONFIG", "GLIBC_TUNABLES"):
        monkeypatch.setenv(name, "made up")
        assert provenance()["flags"][name] == "made up"
    monkeypatch.setenv("LD_PRELOAD", "/home/someone/libfast.so:/opt/libother.so")
    assert provenance()["flags"]["LD_PRELOAD"] == "libfast.so libother.so"


MAPPED = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
size = 64 * 2**20
libc.memset(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size))), 1, ctypes.c_size_t(size))
rollup = open("/proc/self/smaps_rollup").read()
print(next(line.split()[1] for line in rollup.splitlines() if line.startswith("AnonHugePages")))
"""


def gives_huge_pages():
    """Whether Linux gives them if asked, and the C library can ask for them."""
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    name, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
    recent = name == "glibc" and tuple(map(int, version.split("."))) >= (2, 35)
    return recent and enabled.exists() and "[never]" not in enabled.read_text()


@pytest.mark.skipif(not gives_huge_pages(), reason="this system gives no huge pages")
def test_a_workers_memory_is_in_huge_pages():
    done = subprocess.run(
        [sys.executable, "-c", MAPPED], capture_output=True, text=True, env=of_worker({})
    )
    assert int(done.stdout) >= 32 * 1024, done.stderr  # KiB


def test_asking_for_huge_pages_is_no_flag_and_gives_way_to_the_users_tunables(monkeypatch):
    assert of_worker({"GLIBC_TUNABLES": "made up"})["GLIBC_TUNABLES"] == "made up"
    monkeypatch.setenv("GLIBC_TUNABLES", of_worker({})["GLIBC_TUNABLES"])
    assert "GLIBC_TUNABLES" not in provenance()["flags"]


def test_a_process_is_made_a_workers_in_place(tmp_path):
    variables = {"KERAS_HOME": str(tmp_path), "TF_XLA_FLAGS": "--x", "PATH": "/bin"}
    fix(variables)
    assert variables == of_worker(variables) and "TF_XLA_FLAGS" not in variables
    assert variables["PATH"] == "/bin" and variables["KERAS_HOME"] == str(tmp_path)


def keras_file(folder, stated):
    folder.mkdir()
    (folder / "keras.json").write_text(json.dumps(stated))
    return {"KERAS_HOME": str(folder)}


def test_a_worker_loads_nothing_that_keras_only_offers_but_can():
    code = (
        "import sys; from benchmark.worker.environment import load_libraries; load_libraries()\n"
        "offered = 'matplotlib', 'pandas', 'scipy.sparse', 'sklearn'\n"
        "print([name for name in offered if name in sys.modules])\n"
        "import keras, matplotlib, pandas, scipy.sparse, sklearn"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_another_folder_of_keras_has_its_defaults_and_the_users_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_BENCH_DATA", str(tmp_path / "cache"))
    theirs = keras_file(tmp_path / "theirs", {"floatx": "bfloat16"})
    (tmp_path / "theirs" / "models").mkdir()
    (tmp_path / "theirs" / "models" / "weights.h5").write_text("weights")
    for surrounding in (theirs, of_worker(theirs)):  # A worker's worker has the same.
        own = Path(of_worker(surrounding)["KERAS_HOME"])
        assert own != tmp_path / "theirs"
        assert json.loads((own / "keras.json").read_text())["floatx"] == "float32"
        assert (own / "models" / "weights.h5").read_text() == "weights"
    assert "bfloat16" in (tmp_path / "theirs" / "keras.json").read_text()


def test_where_no_other_folder_can_be_made_the_setting_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    own = {"RESNET_BENCH_DATA": str(tmp_path / "file" / "cache")}
    own |= keras_file(tmp_path / "theirs", {"floatx": "bfloat16"})
    done = bench_alone("list", **own)
    assert done.returncode == 2 and str(tmp_path / "theirs" / "keras.json") in done.stderr
    assert "Traceback" not in done.stderr


def test_tensorflow_says_nothing_of_a_gpu_that_is_not_there(trained):
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU")
    trained({})
    assert trained.said and not any("cuInit" in text for text in trained.said)
