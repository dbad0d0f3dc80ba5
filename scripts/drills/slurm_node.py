"""Start and stop a real SLURM on this machine, with accounting and two nodes of one processor each.

    python scripts/drills/slurm_node.py start /tmp/slurm --install   # prints the exports that commands of SLURM need
    eval "$(python scripts/drills/slurm_node.py env /tmp/slurm)"
    python scripts/drills/slurm_node.py stop /tmp/slurm              # ends every process and removes the folder

It needs root, since SLURM starts jobs as the user who submits them, and Debian's or Ubuntu's packages, which
``--install`` gets by apt. Where either is missing it says so and ends with exit code 77, as skipped tests do. All
daemons keep their files in the folder and take free ports of 127.0.0.1 (slurmdbd: of all addresses, it has no setting
for that), and answer only to who holds the key of this folder's munge.
Accounting is part of it because a scheduler without ``sacct`` forgets a job a while after its end.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge", "slurmdbd", "mariadb-server")
COMMANDS = ("slurmctld", "slurmd", "sbatch", "munged", "slurmdbd", "mariadbd", "mariadb-install-db", "runuser")
SKIPPED = 77
PATIENCE = 30.0
"""Seconds to wait for a daemon to answer or to end."""

SLURM_CONF = """\
ClusterName=drill
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={folder}/munge/socket
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=0,sched_interval=2,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
KillWait=5
MinJobAge=3600
InactiveLimit=0
SlurmdTimeout=20
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/run/slurmdbd.pid
"""


def main() -> int:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("start", "env", "stop"))
    parser.add_argument("folder", type=Path, help="empty or new; everybody may traverse the path to it")
    parser.add_argument("--nodes", type=int, default=2, help="simulated nodes (2)")
    parser.add_argument("--cpus", type=int, default=1, help="processors of each node, as SLURM counts them (1)")
    parser.add_argument("--install", action="store_true", help="install missing packages by apt")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.command == "stop":
        stop(folder)
        return 0
    if arguments.command == "start":
        reason = missing(install=arguments.install)
        if reason:
            print(f"skipped: {reason}", file=sys.stderr)
            return SKIPPED
        if folder.exists() and any(folder.iterdir()):
            print(f"{folder} is not empty; allowed: a new folder, or stop it first", file=sys.stderr)
            return 2
        try:
            start(folder, arguments.nodes, arguments.cpus)
        except (RuntimeError, OSError) as error:
            print(f"SLURM did not start: {error}; logs were in {folder}/log:", file=sys.stderr)
            for log in sorted((folder / "log").glob("*.log")):
                print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-5:], sep="\n", file=sys.stderr)
            stop(folder)
            return 1
    for name, value in environment(folder).items():
        print(f"export {name}={value}")
    return 0


def environment(folder: Path) -> dict[str, str]:
    """Return the variables by which SLURM's commands find the daemons of ``folder``."""
    return {"SLURM_CONF": f"{folder}/slurm.conf"}


def missing(*, install: bool) -> str:
    """Return why SLURM cannot run here, or nothing; install its packages where that was asked for."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    lacking = [command for command in COMMANDS if shutil.which(command) is None]
    if lacking and install and shutil.which("apt-get"):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        tried("apt-get", "update", "-q")
        done = tried("apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES)
        if done.returncode:
            return f"apt-get could not install SLURM's packages: {last_line(done)}"
        lacking = [command for command in COMMANDS if shutil.which(command) is None]
    return f"not installed: {', '.join(lacking)} (apt: {' '.join(PACKAGES)})" if lacking else ""


def start(folder: Path, n_nodes: int, cpus: int) -> None:
    """Start all daemons and wait until every node is idle.

    Args:
        folder: Where all their files go.
        n_nodes: Simulated nodes, at least 1.
        cpus: Processors of each, at least 1; they may be more than the machine has.

    Raises:
        RuntimeError: if a daemon does not start or answer.
    """
    write_configs(folder, n_nodes, cpus)
    os.environ.update(environment(folder))
    os.environ["MYSQL_UNIX_PORT"] = f"{folder}/mysql/socket"  # slurmdbd has no setting for it
    start_munge(folder / "munge")
    start_database(folder / "mysql")
    run("slurmdbd")
    wait_for("slurmdbd", "sacctmgr", "-n", "show", "cluster")
    run("sacctmgr", "-i", "add", "cluster", "drill")
    run("slurmctld")
    wait_for("slurmctld", "scontrol", "ping")
    for name in node_names(n_nodes):
        run("slurmd", "-N", name)
    idle = "test $(sinfo -h -N -t idle -o %N | wc -l) = " + str(n_nodes)
    wait_for("slurmd", "sh", "-c", idle)


def node_names(n_nodes: int) -> list[str]:
    """Return the names of the nodes."""
    return [f"node{number}" for number in range(1, n_nodes + 1)]


def write_configs(folder: Path, n_nodes: int, cpus: int) -> None:
    """Write both configurations, with ports that are free now."""
    for name in ("spool", "state", "log", "run", "munge", "mysql"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in node_names(n_nodes):
        (folder / "spool" / name).mkdir(exist_ok=True)
    for name, user in (("munge", "munge"), ("mysql", "mysql")):
        shutil.chown(folder / name, user, user)
        (folder / name).chmod(0o755)
    ctld_port, dbd_port, *ports = free_ports(n_nodes + 2)
    host = socket.gethostname().partition(".")[0]
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=8000 State=UNKNOWN"
        for name, port in zip(node_names(n_nodes), ports, strict=True)
    )
    values = {"folder": folder, "host": host, "ctld_port": ctld_port, "dbd_port": dbd_port, "nodes": nodes}
    (folder / "slurm.conf").write_text(SLURM_CONF.format(**values))
    secret = folder / "slurmdbd.conf"
    secret.touch(mode=0o600)
    secret.write_text(SLURMDBD_CONF.format(**values))


def free_ports(number: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start_munge(folder: Path) -> None:
    """Start the daemon that says who sends a message, with a key of its own."""
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    shutil.chown(key, "munge", "munge")
    files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    run("runuser", "-u", "munge", "--", "munged", *(f"--{name}={folder / file}" for name, file in files.items()))
    wait_for("munged", "munge", "-n", f"--socket={folder}/socket")


def start_database(folder: Path) -> None:
    """Start the database of the accounting, without a network port."""
    owner = ("--no-defaults", "--user=mysql", f"--datadir={folder}/data")
    run("mariadb-install-db", *owner, "--skip-test-db", "--auth-root-authentication-method=socket")
    own = (f"--socket={folder}/socket", f"--pid-file={folder}/pid", f"--log-error={folder}/log", "--skip-networking")
    with Path(os.devnull).open("r+") as nothing:
        subprocess.Popen(  # noqa: S603
            [shutil.which("mariadbd") or "", *owner, *own],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
        )
    client = ("mariadb", "--no-defaults", f"--socket={folder}/socket", "-e")
    wait_for("mariadbd", *client, "SELECT 1")
    run(*client, "CREATE DATABASE slurm_acct_db")


def tried(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, as daemons do once they run in the background."""
    nothing = subprocess.DEVNULL
    return subprocess.run(command, stdin=nothing, capture_output=True, text=True, check=False)  # noqa: S603


def run(*command: str) -> None:
    """Run a command.

    Raises:
        RuntimeError: with its last line, if it fails.
    """
    done = tried(*command)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])} ended with {done.returncode}: {last_line(done)}")


def wait_for(name: str, *command: str) -> None:
    """Wait until a command succeeds.

    Raises:
        RuntimeError: naming the daemon, after `PATIENCE`.
    """
    until = time.monotonic() + PATIENCE
    while (done := tried(*command)).returncode:
        if time.monotonic() > until:
            raise RuntimeError(f"{name} does not answer after {PATIENCE:.0f} s: {last_line(done)}")
        time.sleep(0.5)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a command wrote."""
    return ((done.stderr or done.stdout).strip().splitlines() or ["no word"])[-1]


def stop(folder: Path) -> None:
    """End all jobs, then all daemons of ``folder``, and remove it; a folder that holds no SLURM is left alone."""
    if not (folder / "slurm.conf").exists():
        return
    controller = folder / "run/slurmctld.pid"
    if controller.exists():
        os.environ.update(environment(folder))
        tried("scancel", "--user", str(os.getuid()))
    nodes = sorted((folder / "run").glob("slurmd.*.pid"))
    for file in (*nodes, controller, *(folder / name for name in ("run/slurmdbd.pid", "mysql/pid", "munge/pid"))):
        end(file)
    shutil.rmtree(folder, ignore_errors=True)


def end(pid_file: Path) -> None:
    """End the daemon that wrote a file with its process number; kill it if it does not end in 20 seconds."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    for number, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
            until = time.monotonic() + patience
            while time.monotonic() < until:
                os.kill(pid, 0)
                if is_zombie(pid):
                    return
                time.sleep(0.1)
        except ProcessLookupError:
            return


def is_zombie(pid: int) -> bool:
    """Return whether a process has ended and only its parent has not noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


if __name__ == "__main__":
    sys.exit(main())
