"""The short form of the storm: the same code as the long one, with a few tries of each part."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.commands.suites import plan
from benchmark.proof.storm import fault, suite_files
from benchmark.proof.storm.parts import PARTS, run_parts, write_table
from benchmark.proof.storm.setting import NotHere, Tries, small_disk
from benchmark.records.files import read_json

SUITES = [path.read_text("utf-8") for path in sorted(Path("suites").rglob("*.yaml"))]


@pytest.mark.parametrize("name", [name for name in PARTS if name != "suite-files"])
def test_the_short_form_of_each_part(name, tmp_path):
    said = []
    passed = run_parts(
        [name], tmp_path, Path("suites"), plan, short=True, again=False, say=said.append
    )
    part = read_json(tmp_path / "parts" / f"{name}.json")
    assert passed and part["failures"] == [], part
    if any("not tried" in seen for seen in part["seen"]):
        pytest.skip(part["seen"][0])
    assert part["tried"] == part["passed"] > 0
    assert f"| {name} | " in (tmp_path / "storm.md").read_text()
    run_parts([name], tmp_path, Path("suites"), plan, short=True, again=False, say=said.append)
    assert "already done" in said[-1]
    assert not Path("results/storm-short").exists()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SUITES), st.integers(0, 2**32))
def test_changed_suite_files_are_planned_or_refused(tmp_path_factory, text, seed):
    folder = tmp_path_factory.mktemp("changed")
    file = folder / "suite.yaml"
    changed = suite_files.changed(text, random.Random(seed))
    file.write_bytes(changed.encode("utf-8", "surrogateescape"))
    code, problem = suite_files.planning(plan, file, folder / "results")
    assert problem is None and code in (0, 2)
    assert [path.name for path in folder.iterdir()] == ["suite.yaml"]
    shutil.rmtree(folder)


def test_a_plan_that_raises_or_ends_otherwise_is_a_problem(tmp_path):
    import typer

    def raises(*_):
        raise KeyError("depth")

    def ends(*_):
        raise typer.Exit(1)

    for broken, what in ((raises, "KeyError"), (ends, "Exit(1)")):
        assert what in suite_files.planning(broken, tmp_path / "a", tmp_path)[1]


def test_points_are_every_change_of_the_folder(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from benchmark.proof.storm.fault import Points\n"
        "from benchmark.records.files import write_json\n"
        "folder, point = Path(sys.argv[1]), int(sys.argv[2])\n"
        "points = Points(folder, point, lambda: sys.exit('acted'))\n"
        "points.watch()\n"
        "write_json(folder / 'a', 1)\n"
        "os.link(folder / 'a', folder / 'b')\n"
        "(folder / 'a').unlink()\n"
        "write_json(folder.parent / 'elsewhere', 1)\n"
        "print(len(points.kinds))"
    )

    def run(point):
        folder = tmp_path / "watched"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return subprocess.run(
            [sys.executable, "-c", code, folder, str(point)],
            capture_output=True,
            text=True,
            check=False,
        )

    counted = run(0)
    # Making the folder, opening, two halves, flush, rename, flush of the folder, link,
    # deletion.
    assert counted.stdout == "9\n", counted.stderr
    for point in range(1, 10):
        assert "acted" in run(point).stderr
    assert run(10).stdout == "9\n"


def test_a_try_that_fails_is_in_the_table_and_ends_the_command_with_1(tmp_path, monkeypatch):
    def one_of_two(setting):
        tries = Tries(seen=["made up"])
        tries.add("first", None)
        tries.add("second", "it was lost")
        return tries

    def not_here(setting):
        raise NotHere("no root")

    monkeypatch.setitem(PARTS, "sharing", (one_of_two, "what"))

    def breaks(setting):
        raise ZeroDivisionError

    monkeypatch.setitem(PARTS, "damage", (not_here, "what"))
    monkeypatch.setitem(PARTS, "replays", (breaks, "what"))
    how = {"short": True, "again": False, "say": lambda text: None}
    names = ["sharing", "damage", "replays"]
    assert not run_parts(names, tmp_path, Path("suites"), plan, **how)
    text = write_table(tmp_path).read_text()
    assert "| sharing | what | 1 | 2 | made up |" in text
    assert "- sharing, second: it was lost" in text
    assert "| damage | what | 0 | 0 | not tried: no root |" in text
    assert "- replays, it ended before its time: ZeroDivisionError" in text
    monkeypatch.setitem(PARTS, "damage", (one_of_two, "what"))  # Tried where it can be.
    assert not run_parts(["damage"], tmp_path, Path("suites"), plan, **how)
    assert "| damage | what | 1 | 2 |" in (tmp_path / "storm.md").read_text()


def test_a_small_disk_is_small(tmp_path):
    try:
        with small_disk(tmp_path / "disk", 1) as disk:
            fault.fill(disk)
            with pytest.raises(OSError, match="No space left"):
                (disk / "more").write_bytes(b"x" * 5000)
    except NotHere as why:
        pytest.skip(str(why))
    assert not (tmp_path / "disk" / fault.BALLAST).exists()
