import gc
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.data import cifar10

TINY_SUITE = """\
# A made-up suite for the tests: nets and schedules far too small to say anything.
name: tiny
source: the tests' own
base:
  dataset: {name: cifar10-subset, train_per_class: 100}
  model:
    {stem: cifar, block: basic, stage_blocks: [1, 1], stage_widths: [4, 8], shortcut: A}
  optimizer: {batch_size: 100}
  schedule: {iterations: 20}
vary:
  variants:
    - {name: resnet6}
    - {name: plain6, model.shortcut: none}
    - name: diverges
      model.shortcut: none
      model.batch_norm: null
      schedule.learning_rate: 1.0e+6
seeds: [0]
claims:
  - {statement: Residual is better., variant: resnet6, against: plain6, direction: lower}
"""


# A shell's background job begins with Ctrl-C ignored, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


_LONG = ("test_storm.py", "test_commands.py", "test_suites.py", "test_speed.py")
"""Files of tests that take longest: begun first, so that no process is left with one at the end."""


_MEMORY, _ROOM = Path("/dev/shm"), 4 * 2**30


def pytest_configure():
    """Put the tests' folders into memory where there is room: records are synced to the disk line
    by line, databases page by page, and there are thousands of both."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_finish():
    """Keep the garbage collector from going through all that the tests have imported, again and
    again."""
    gc.freeze()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in _LONG)


def bench(*arguments, cwd=None, **environment):
    """Run a command of the project. Its runs are trained by processes of their own, as ever; the
    command itself is called in this process, which has its libraries loaded."""
    handled = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["resnet-bench"])
        if cwd:
            patch.chdir(cwd)
        try:
            done = CliRunner(env={"COLUMNS": "200"} | environment).invoke(
                app, [*map(str, arguments)], prog_name="resnet-bench"
            )
        finally:
            for number, handler in handled.items():
                signal.signal(number, handler)
    errors = done.stderr
    if done.exception and not isinstance(done.exception, SystemExit):
        errors += "".join(traceback.format_exception(done.exception))
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, errors)


def bench_alone(*arguments, cwd=None, **environment):
    """The same, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200"} | environment,
        check=False,
    )


def free_memory():
    """Let go of the nets and graphs that Keras and TensorFlow keep, if any were made."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=False)
        gc.collect()


@pytest.fixture(scope="module", autouse=True)
def memory_is_freed():
    yield
    free_memory()
    gc.freeze()  # What is left stays: libraries, most of all.


@pytest.fixture(scope="session")
def embedded():
    """The real images that the package ships, checked."""
    return cifar10.load("cifar10-subset")


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The tiny suite, run once by the command: its file, its results, and what was printed."""
    folder = tmp_path_factory.mktemp("ran")
    suite, results = folder / "tiny.yaml", folder / "results"
    suite.write_text(TINY_SUITE)
    done = bench("run", suite, "--results", results)
    assert done.returncode == 0, done.stdout + done.stderr
    return Ran(suite, results, done.stdout)


class Ran:
    def __init__(self, suite: Path, results: Path, output: str):
        self.suite, self.results, self.output = suite, results, output


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Puts a shell script in the place of the workers' Python; ``$last`` is the run's folder,
    and what it prints are its events."""

    def put(text):
        script = tmp_path / "worker"
        tells = 'exec >/dev/fd/"$RESNET_BENCH_EVENTS"'
        script.write_text(f"#!/bin/sh\nfor last; do :; done\n{tells}\n{text}\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))

    return put
