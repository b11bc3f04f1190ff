"""Which GPUs a run has, and what is recorded of them, by a made-up driver."""

import os

import pytest
from fake_gpus import fake_gpus

from benchmark.records import gpus
from benchmark.records.gpus import gpus_told, visible_gpus
from benchmark.records.provenance import machine_line, provenance
from benchmark.scheduling import estimate as estimating
from benchmark.scheduling.share import RUNS_A_GPU, Share, shares
from benchmark.worker.gpu_lease import CONTEXT_MIB, FOLDER, GPU_MEMORY, gpus_of_its_own


@pytest.fixture
def two(tmp_path, monkeypatch):
    fake_gpus(tmp_path, monkeypatch, 2)
    monkeypatch.setenv(FOLDER, str(tmp_path / "locks"))
    monkeypatch.delenv(RUNS_A_GPU, raising=False)


class Waited(Exception):
    pass


def wait():
    raise Waited


def taken(count=1, **settings):
    """The numbers of the GPUs that a run of its own takes, with an environment of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", GPU_MEMORY):
            patch.setenv(variable, "")
            patch.delenv(variable)
        for name, value in settings.items():
            patch.setenv(name, value)
        context = gpus_of_its_own(count, wait)
        found = context.__enter__()
        own = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", GPU_MEMORY)}
    return context, [gpu.index for gpu in found], own


def test_two_runs_never_have_the_same_gpu(two):
    first, one, own = taken()
    second, other, _ = taken()
    assert (one, other) == (["0"], ["1"])
    assert own["CUDA_VISIBLE_DEVICES"] == "GPU-0a"
    with pytest.raises(Waited):
        taken()
    first.__exit__(None, None, None)
    third, again, _ = taken()
    assert again == ["0"]
    for each in (second, third):
        each.__exit__(None, None, None)


def test_replicas_have_all_that_they_need_or_none(two):
    held, *_ = taken()
    with pytest.raises(Waited):
        taken(2)
    other, free, _ = taken()  # What was not enough for two was given back.
    assert free == ["1"]
    for each in (held, other):
        each.__exit__(None, None, None)
    with pytest.raises(ValueError, match=r"2\. Received: 3"):
        taken(3)


def test_runs_that_share_a_gpu_have_an_equal_part_each_and_a_whole_run_waits(two):
    settings = {RUNS_A_GPU: "2", "CUDA_VISIBLE_DEVICES": "1"}
    held = [taken(**settings) for _ in range(2)]
    assert [found for _, found, _ in held] == [["1"], ["1"]]
    assert {own[GPU_MEMORY] for _, _, own in held} == {str(40000 - CONTEXT_MIB)}
    for others in (settings, {"CUDA_VISIBLE_DEVICES": "1"}):
        with pytest.raises(Waited):
            taken(**others)
    for context, *_ in held:
        context.__exit__(None, None, None)
    whole, found, own = taken(CUDA_VISIBLE_DEVICES="1")
    assert (found, own[GPU_MEMORY]) == (["1"], None)
    with pytest.raises(Waited):
        taken(**settings)
    whole.__exit__(None, None, None)


def test_without_a_gpu_nothing_is_waited_for(two):
    context, found, own = taken(CUDA_VISIBLE_DEVICES="-1")
    assert (found, own["CUDA_VISIBLE_DEVICES"]) == ([], "-1")
    context.__exit__(None, None, None)


def test_more_jobs_than_gpus_share_them_in_turn(two):
    found = shares(4)
    assert [share.gpus for share in found] == [("0",), ("1",), ("0",), ("1",)]
    assert {share.runs_a_gpu for share in found} == {2}
    assert {share.runs_a_gpu for share in shares(3)} == {2}
    assert found[0].environment() | {"CORES": ""} == {
        "RESNET_BENCH_CORES": "0,1,2,3",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "0",
        RUNS_A_GPU: "2",
        "CORES": "",
    }
    assert Share().environment() == {}


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        *[("1", ["1"]), ("GPU-1,0", ["1", "0"]), ("0,7,1", ["0"]), ("", []), ("-1", [])],
        *[("MIG-ab/1/0", ["MIG-ab/1/0"]), ("MIG-a,1,7,0", ["MIG-a", "1"])],
    ],
)
def test_those_are_seen_that_cuda_sees(two, monkeypatch, named, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert [gpu.index for gpu in visible_gpus()] == seen


@pytest.mark.parametrize(("memory", "named"), [("[N/A]", "0"), ("80000", "MIG-ab/1/0")])
def test_a_gpu_of_unknown_memory_has_one_run_at_a_time(two, tmp_path, memory, named):
    driver = tmp_path / "nvidia-smi"
    driver.write_text(driver.read_text().replace("80000", memory))
    whole, _, own = taken(CUDA_VISIBLE_DEVICES=named)
    assert own["CUDA_VISIBLE_DEVICES"] in ("GPU-0a", named) and own[GPU_MEMORY] is None
    with pytest.raises(Waited):
        taken(CUDA_VISIBLE_DEVICES=named)
    whole.__exit__(None, None, None)
    with pytest.raises(ValueError, match="fewer jobs"):
        taken(CUDA_VISIBLE_DEVICES=named, **{RUNS_A_GPU: "2"})


def test_the_provenance_tells_of_gpus_and_of_what_changes_bits(two, monkeypatch, tmp_path):
    monkeypatch.setenv("NCCL_ALGO", "Ring")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(gpus, "_libraries", lambda: {"nvidia-cudnn-cu12": "9.3"})
    made = provenance()
    assert made["gpus"] == ["H100", "H100"]
    assert (made["driver"], made["compute_capability"]) == ("580.1", ["9.0"])
    assert (made["cuda"], made["mps"]) == ({"nvidia-cudnn-cu12": "9.3"}, False)
    assert made["flags"]["NCCL_ALGO"] == "Ring"
    assert made["flags"]["NVIDIA_TF32_OVERRIDE"] == "0"
    assert machine_line(made).startswith("H100, H100; ")
    (tmp_path / "control").touch()
    assert gpus_told()["mps"] is True
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "gpus" not in provenance()


def test_runs_on_a_gpu_are_of_another_kind_of_machine(two, monkeypatch):
    on_gpus = provenance()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    on_one = provenance()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    on_cpu = provenance()
    assert estimating.kind(on_one) == estimating.kind(on_gpus) != estimating.kind(on_cpu)
