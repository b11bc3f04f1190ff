"""A Slurm cluster of this machine alone, with everything that it writes in one folder."""

import os
import secrets
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from getpass import getuser
from pathlib import Path
from platform import node

from benchmark.proof.storm.server import free_port

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
ReturnToService=2
OverTimeLimit=0
KillWait=60
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """What is not installed; on Debian: ``apt-get install slurm-wlm``."""
    return [name for name in NEEDED if shutil.which(name, path=_path()) is None]


@contextmanager
def cluster(folder: Path):
    """Yields the environment in which ``sbatch`` and the others reach it. Needs root."""
    folder.chmod(0o755)
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir()
    (folder / "munge").chmod(0o700)
    (folder / "munge" / "key").write_bytes(secrets.token_bytes(128))
    (folder / "munge" / "key").chmod(0o400)
    ports = {"controller": free_port(), "daemon": free_port()}
    text = CONFIGURATION.format(
        folder=folder, host=node(), user=getuser(), cpus=os.cpu_count(), **ports
    )
    (folder / "slurm.conf").write_text(text)
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
    munge = folder / "munge"
    munged = ["munged", "--foreground", "--force", f"--key-file={munge / 'key'}"]
    munged += [f"--socket={munge / 'socket'}", f"--pid-file={munge / 'pid'}"]
    munged += [f"--log-file={munge / 'log'}", f"--seed-file={munge / 'seed'}"]
    with ExitStack() as started:
        for command in (munged, ["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", node()]):
            started.enter_context(_daemon(command, folder, environment))
        _wait_until(lambda: _said(["sinfo", "-h", "-o", "%t"], environment) == "idle", folder)
        try:
            yield environment
        finally:  # A job outlives its node's daemon.
            _said(["scancel", "--signal=KILL", "--full", f"--user={getuser()}"], environment)
            _wait_until(lambda: not _said(["squeue", "-h"], environment), folder)


def submitted(script: Path, environment, *options) -> str:
    """The id of a job that was submitted."""
    command = ["sbatch", "--parsable", *map(str, options), str(script)]
    return subprocess.run(
        command, check=True, env=environment, stdout=subprocess.PIPE, text=True, cwd=script.parent
    ).stdout.strip()


def waited_for(job: str, environment, max_s=1200) -> set[str]:
    """The states in which the tasks of a job ended, once they all have."""
    ended = time.monotonic() + max_s
    while _said(["squeue", "-h", "-j", job, "-o", "%i"], environment):
        assert time.monotonic() < ended, _said(["scontrol", "show", "job", job], environment)
        time.sleep(1)
    told = _said(["scontrol", "show", "job", job], environment)
    return {word.partition("=")[2] for word in told.split() if word.startswith("JobState=")}


@contextmanager
def _daemon(command, folder, environment):
    with (folder / f"{command[0]}.out").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        time.sleep(0.5)
        assert process.poll() is None, (folder / f"{command[0]}.out").read_text()
        yield
    finally:
        process.terminate()
        process.wait(60)


def _said(command, environment) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _wait_until(true, folder):
    ends = time.monotonic() + 60
    while not true():
        logs = "\n".join(path.read_text()[-1000:] for path in folder.glob("*.log"))
        assert time.monotonic() < ends, logs
        time.sleep(0.5)


def _path():
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"
