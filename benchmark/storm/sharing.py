"""Several runners on one results folder: each run is trained once."""

import subprocess

from benchmark.records.store import Store
from benchmark.storm.setting import Setting, Tries
from benchmark.storm.subject import plan_of, runner, suite_file


def sharing(setting: Setting) -> Tries:
    """Eight runners are started at once on a suite of eight runs, and again once all is done."""
    runners, runs = setting.size(8, 4), setting.size(8, 2)
    suite, results = suite_file(setting.scratch, seeds=runs), setting.scratch / "results"
    tries, codes = Tries(), set()
    for _ in range(2):
        processes = [subprocess.Popen(runner(suite, results)) for _ in range(runners)]
        codes |= {process.wait() for process in processes}
    for cell in plan_of(setting.scratch, seeds=runs).cells:
        folder = Store(results).run(cell)
        seen = (folder.status(), folder.attempts())
        tries.add(cell.name, None if seen == ("finished", 1) else f"status and attempts: {seen}")
    tries.add("exit codes", None if codes == {0} else str(codes))
    tries.seen.append(f"{runners} processes, {runs} runs, each finished in its one attempt")
    return tries
