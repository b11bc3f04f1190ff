"""Several runners on one results folder: each run is trained once."""

import subprocess
import sys

from benchmark.proof.storm.setting import Setting, Tries
from benchmark.proof.storm.small_runs import plan_of, runner, suite_file, trained_once


def sharing(setting: Setting) -> Tries:
    """Start eight ``run`` commands at once on a suite of eight runs; once they have ended, another
    must find everything done. In the short form they are bare runners, fewer, on two runs."""
    runners, runs = setting.size(8, 3), setting.size(8, 2)
    suite, results = suite_file(setting.scratch, seeds=runs), setting.scratch / "results"
    tries = Tries()
    command = [sys.executable, "-P", "-m", "benchmark", "run", str(suite), "--results"]
    command = runner(suite, results) if setting.short else [*command, str(results)]
    processes = [_quietly(command) for _ in range(runners)]
    codes = {process.wait() for process in processes}
    tries.add("exit codes", None if codes <= {0, 1} else f"not 0 or 1: {codes}")
    last = _quietly(command).wait()
    tries.add("afterwards", None if last == 0 else f"exit code {last}")
    trained_once(tries, results, plan_of(setting.scratch, seeds=runs))
    tries.seen.append(f"{runners} processes, {runs} runs, one attempt each")
    return tries


def _quietly(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
