"""The process that tests a finished run for a claim: ``python -m benchmark.commands.claim_test
RUN_FOLDER PROTOCOL``.

Like a run's worker, it holds the run together with its parent, renews the lease, ends if another
machine has taken the lease over, and does not outlive its parent.
"""

import sys
from pathlib import Path

import typer

from benchmark.commands.evaluate import evaluate
from benchmark.commands.terminal import Commands
from benchmark.records.store import RunFolder
from benchmark.worker.environment import fix as fix_environment
from benchmark.worker.environment import load_libraries
from benchmark.worker.lease import keep_renewing
from benchmark.worker.main import end_with_parent


def main(path: str, protocol: str) -> None:
    """Test the run in a folder, as ``resnet-bench evaluate`` does."""
    end_with_parent()
    keep_renewing(RunFolder(Path(path)))
    fix_environment()
    load_libraries()
    app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False)
    app.command("evaluate")(evaluate)
    app.callback()(lambda: None)  # So that the command has a name, as in `resnet-bench`.
    app(["evaluate", path, "--protocol", protocol], prog_name="resnet-bench")


if __name__ == "__main__":
    main(*sys.argv[1:])
