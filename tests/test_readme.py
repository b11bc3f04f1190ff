"""What the README shows is so."""

import re
from pathlib import Path

import pytest
import typer.main

from benchmark.cli import app
from benchmark.suite import load_suite

README = Path("README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_suites_are_suites(tmp_path):
    whole, extending, part, detector = blocks("yaml")
    file = tmp_path / "mine.yaml"
    file.write_text(whole)
    assert len(load_suite(file).plan.cells) == 4 * 2 * 3
    wide = tmp_path / "wide.yaml"
    wide.write_text(extending)
    assert {cell.spec.optimizer.batch_size for cell in load_suite(wide).plan.cells} == {256}
    assert len(load_suite(wide).plan.cells) == 4 * 2 * 2
    file.write_text(f"name: carried\nsource: the README\nseeds: [0]\n{part}")
    assert [cell.source is not None for cell in load_suite(file).plan.cells] == [False] * 2 + [
        True
    ] * 3
    file.write_text(f"name: detector\nsource: the README\nseeds: [0]\n{detector}")
    (cell,) = load_suite(file).plan.cells
    assert cell.spec.detector and cell.spec.dataset.image_shape == (1000, 1000, 3)


def test_its_commands_exist():
    commands = typer.main.get_command(app).commands
    used = set(re.findall(r"resnet-bench (\w+)", "".join(blocks("sh"))))
    assert used and used <= set(commands)


def test_its_frames_are_there(ran, monkeypatch):
    block = next(block for block in blocks("python") if "load_runs" in block)
    monkeypatch.chdir(ran.results.parent)
    exec(block.replace("quickstart", "tiny"), {})


def test_its_files_are_there():
    local = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert local
    for link in local:
        assert Path(link).exists(), link


@pytest.mark.parametrize("name", ["quickstart", "one-epoch"])
def test_a_suite_opens_with_source_command_and_cost(name):
    head = Path("suites", f"{name}.yaml").read_text().splitlines()[:3]
    assert [line.split(":")[0] for line in head] == ["# Source", "# Command", "# Cost"]
