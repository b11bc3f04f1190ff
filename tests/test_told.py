"""What is wrong is told whole, at once, and in the words of whoever has to mend it."""

import numpy as np
import pytest
from conftest import bench

from benchmark.data import cache, cifar10
from benchmark.data.images import DataError
from benchmark.data.photographs.imagenet import Archive, check
from benchmark.data.register import Register
from benchmark.records import load_curves, load_layers, load_runs
from benchmark.records.frames import load_all
from benchmark.records.problems import RecordsError, one_line
from benchmark.worker.evaluate import errors

LONG = "x" * 1000


def raised(act):
    with pytest.raises(Exception) as found:
        act()
    return found.value


def test_our_own_sentences_are_not_cut():
    for kind in (DataError, RecordsError):
        assert one_line(kind(f"must be\n{LONG}.")) == f"{kind.__name__}: must be {LONG}."
    # Of whatever class, where it was raised by this project.
    arrays = {f"{LONG}.{number}": np.zeros(1) for number in range(2)}

    def act():
        from benchmark.models.pretrained import assign

        assign([], arrays)

    error = raised(act)
    assert type(error) is ValueError and one_line(error).endswith(str(error))


def test_what_others_say_is_cut_to_a_line():
    assert one_line(ValueError(f"{LONG}\nmore")) == f"ValueError: {'x' * 300}"
    assert one_line(KeyError()) == "KeyError"
    assert len(one_line(raised(lambda: np.dtype(LONG)))) < 320


LFS = b"version https://git-lfs.github.com/spec/v1\n"


def test_arrays_of_the_cache_that_are_none_are_named_with_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    folder = tmp_path / "cifar10"
    folder.mkdir()
    (folder / "train_images.npy").write_bytes(LFS)
    with pytest.raises(DataError) as refused:
        cache.load("cifar10")
    assert "train_images.npy: a Git LFS pointer" in str(refused.value)
    assert "pickle" not in str(refused.value)
    added = Register("index.json", "things", add="", get="")
    added.save("mine", {}, {"train": {"names": np.zeros(3)}})
    (tmp_path / "mine" / "train_names.npy").write_bytes(LFS)
    with pytest.raises(DataError) as refused, added.reading("mine") as (_, column):
        column("train", "names")
    assert "train_names.npy: a Git LFS pointer" in str(refused.value)
    assert "pickle" not in str(refused.value)


def test_an_archive_that_is_none_is_named_with_what_it_is(tmp_path):
    (tmp_path / "a.tgz").write_bytes(b"<!doctype html><p>Sign in</p>")
    with pytest.raises(DataError, match=r"a\.tgz: an HTML page of 29 bytes"):
        cifar10.read_npm(tmp_path / "a.tgz")


@pytest.mark.parametrize("load", [load_runs, load_curves, load_layers, load_all])
def test_a_folder_of_results_that_is_not_there_is_told(tmp_path, load):
    (tmp_path / "file").write_text("")
    for results in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(FileNotFoundError, match=results.name):
            load(results)
    assert len(load_runs(tmp_path)) == 0


@pytest.mark.parametrize("content", [bytes(1024), b"<html>" + bytes(1018), b"\x1f\x8b" * 512])
def test_archives_of_the_right_size_that_are_none_are_told_at_once(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar must begin as a tar archive does"):
        check(tmp_path, {"a.tar": Archive(1024, "0" * 32)})


@pytest.mark.parametrize(("classes", "there"), [(2, False), (4, False), (5, False), (6, True)])
def test_of_five_classes_or_fewer_there_is_no_top5_error(classes, there):
    probabilities = np.tile(np.arange(classes, 0, -1), (3, 1)) / 10
    found = errors(probabilities, np.array([0, 1, classes - 1]))
    assert found["top1_error_percent"] == pytest.approx(200 / 3)
    assert found["top5_error_percent"] == (pytest.approx(100 / 3) if there else None)


@pytest.mark.parametrize(
    ("uri", "command"),
    [
        ("127.0.0.1:5000", ("sync", "one")),
        ("localhost:5000", ("ui",)),
        ("mlruns", ("report", "one")),
        ("/data/mlruns", ("sync", "one")),
    ],
)
def test_a_tracking_uri_without_a_scheme_is_told(tmp_path, uri, command):
    done = bench(*command, "--tracking-uri", uri, "--results", tmp_path)
    assert done.returncode == 2 and "http://" in done.stderr and uri in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_tracking_uri_is_not_looked_at_without_mlflow(tmp_path):
    (tmp_path / "none.yaml").write_text("{")
    words = ("run", tmp_path / "none.yaml", "--results", tmp_path)
    with_it = bench(*words, MLFLOW_TRACKING_URI="127.0.0.1:5000")
    without = bench(*words, "--no-mlflow", MLFLOW_TRACKING_URI="127.0.0.1:5000")
    assert "http://" in with_it.stderr and "none.yaml" not in with_it.stderr
    assert "http://" not in without.stderr and "none.yaml" in without.stderr
