"""The files of docs/deploy, read as those who supervise services read them, and clusters started as they say."""

import ast
import configparser
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from django_q_tests.support.clusters import PATIENCE, ClusterProcess, Process, process, runs
from django_q_tests.support.eventually import eventually
from django_q_tests.support.own_database import ROOT

DEPLOY = ROOT / "docs" / "deploy"

# An ordinary user may do it in a user namespace, where the system allows these.
_NAMESPACES = ("--pid", "--fork", "--mount-proc", "--kill-child")
_AS_A_USER = ("--user", "--map-root-user")
_SYSTEMD = "/lib/systemd/systemd"


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def moved_here(text: str) -> str:
    """Return the text of a file with the paths and the user of this machine."""
    text = text.replace("/srv/shop/.venv/bin/python", sys.executable).replace("/srv/shop", str(ROOT))
    return re.sub(r"^(user|User|Group)=shop$", rf"\1={pwd.getpwuid(os.getuid()).pw_name}", text, flags=re.MULTILINE)


def section(name: str, title: str, text: str = "") -> dict[str, str]:
    """Return the settings of one section of an INI-like file."""
    parser = configparser.RawConfigParser(strict=True, interpolation=None, comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text or text_of(name))
    return dict(parser[title])


def words_of_dockerfile(instruction: str) -> list[str]:
    """Return the words of an instruction that is written in brackets."""
    return list(ast.literal_eval(re.findall(rf"^{instruction} (\[.*\])$", text_of("Dockerfile"), re.MULTILINE)[-1]))


class ByUnit(ClusterProcess):
    """The command line of the systemd unit."""

    def program(self) -> Sequence[str]:
        return section("", "Service", moved_here(text_of("qcluster.service")))["ExecStart"].split()


class Contained(ClusterProcess):
    """The command of the Dockerfile as the first process of a process namespace, which is what it is in a container."""

    def program(self) -> Sequence[str]:
        return [*unshare(), *words_of_dockerfile("CMD")]

    @property
    def pid(self) -> int:
        """The first process, by its id outside."""
        return eventually(lambda: children_of(self.process.pid), within=PATIENCE, saying=lambda: self.output)[0]

    def family(self) -> list[Process]:
        return [one for one in self.everybody() if not one.is_zombie]

    def everybody(self) -> list[Process]:
        """Return all that is in the namespace, zombies included."""
        first = children_of(self.process.pid)
        if not first:
            return []
        namespace = namespace_of(first[0])
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        found = [process(pid) for pid in pids if namespace and namespace_of(pid) == namespace]
        return [one for one in found if one is not None]

    def kill_everything(self) -> None:
        self.process.kill()  # unshare takes the namespace along
        self.process.wait()


class UnderSystemd(Contained):
    """The systemd unit, run by a systemd of its own: a user manager in namespaces and control groups of its own, since
    most machines of tests have another first process."""

    kill_mode = ""  # what the unit says

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        log = Path(args[1])
        self.folder = log.parent / "systemd"
        self.name = f"django_q-{uuid.uuid4().hex[:8]}"
        unit = self.folder / "systemd" / "user" / "qcluster.service"
        addition = unit.with_suffix(".service.d") / "test.conf"
        addition.parent.mkdir(parents=True)
        self.folder.chmod(0o700)
        unit.write_text(moved_here(text_of("qcluster.service")))
        # Nothing else of this machine's is to start, a bus least of all: systemctl would ask it.
        (unit.parent / "sockets.target").symlink_to("/dev/null")
        addition.write_text("\n".join(["[Service]", *self.changes(log), ""]))
        super().__init__(*args, **kwargs)

    def changes(self, log: Path) -> Iterator[str]:
        """Yield what has to be different here."""
        yield f"StandardOutput=append:{log}"  # there is no journal
        if self.kill_mode:
            yield f"KillMode={self.kill_mode}"
        if sys.base_prefix.startswith(("/root/", "/home/")):
            yield "ProtectHome=no"

    def program(self) -> Sequence[str]:
        # What stands in /run is what a machine has that systemd has booted; nobody else sees it.
        script = f"""
            set -e
            for place in {" ".join(map(str, control_groups()))}; do
                mkdir $place/{self.name}
                echo $$ > $place/{self.name}/cgroup.procs
            done
            mount -t tmpfs none /run
            mkdir -p /run/systemd/system /run/systemd/inaccessible/dir
            touch /run/systemd/inaccessible/reg
            mknod /run/systemd/inaccessible/chr c 0 0
            export XDG_RUNTIME_DIR='{self.folder}'
            {_SYSTEMD} --user --unit=basic.target &
            wait
        """
        return ["unshare", "--mount", *_NAMESPACES, "sh", "-c", script]

    def until_complete(self) -> "UnderSystemd":
        """Start the unit as soon as there is a systemd; skip the test where there will be none."""
        there = self.folder / "systemd" / "private"
        eventually(
            lambda: there.exists() or self.process.poll() is not None, within=PATIENCE, saying=lambda: self.output
        )
        if self.process.poll() is not None:
            pytest.skip(f"systemd does not run here: {self.output}")
        said = self.control("start", "qcluster")
        assert not said, said + self.control("status", "qcluster") + self.output
        super().until_complete()
        return self

    def control(self, *words: str) -> str:
        """Run systemctl and return what it says."""
        env = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}
        # From inside: systemd does not answer processes that it cannot see.
        inside = ["nsenter", f"--target={super().pid}", "--mount", "--pid"]
        command = [*inside, "systemctl", "--user", "--no-pager", *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE * 2)
        return done.stdout + done.stderr

    def shown(self, *properties: str) -> dict[str, str]:
        """Return properties of the unit."""
        said = self.control("show", "qcluster", f"--property={','.join(properties)}")
        return dict(line.split("=", 1) for line in said.splitlines())

    @property
    def pid(self) -> int:
        """The sentinel, by its id outside."""
        return self.until_there("sentinel")[0]

    def stop(self) -> int:
        """Stop the unit, then its systemd; return the exit code of the unit's main process."""
        self.control("stop", "qcluster")
        code = int(self.shown("ExecMainStatus")["ExecMainStatus"])
        self.control("exit")
        self.process.wait(PATIENCE)
        return code

    def kill_everything(self) -> None:
        super().kill_everything()
        for place in control_groups():
            for folder, _, _ in os.walk(place / self.name, topdown=False):
                eventually(partial(is_removed, folder), within=PATIENCE)


class InGroup(UnderSystemd):
    """The same where everybody is told to stop."""

    kill_mode = "control-group"


class Supervised(ClusterProcess):
    """The program of the supervisor's file, below a supervisor of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        log = Path(args[1])
        self.configuration = log.with_suffix(".conf")
        self.configuration.write_text(_SUPERVISOR.format(folder=log.parent) + self.own_part(log))
        super().__init__(*args, **kwargs)

    def own_part(self, log: Path) -> str:
        return re.sub(r"^stdout_logfile=.*$", f"stdout_logfile={log}", moved_here(text_of("qcluster.conf")), flags=re.M)

    def program(self) -> Sequence[str]:
        return [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(self.configuration)]

    def control(self, *words: str) -> str:
        """Run supervisorctl and return what it says."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.configuration), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2).stdout

    def until_runs(self) -> None:
        eventually(lambda: "RUNNING" in self.control("status"), within=PATIENCE, saying=lambda: self.control("status"))

    def sentinel(self) -> int:
        """Return the process that the supervisor started."""
        return int(self.control("pid", "qcluster"))


_SUPERVISOR = """
[unix_http_server]
file={folder}/control
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/control
[supervisord]
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
"""


def unshare() -> list[str]:
    """Return the words that start a program in a process namespace of its own, none where that is refused."""
    program = shutil.which("unshare")
    for words in (_NAMESPACES, (*_AS_A_USER, *_NAMESPACES)) if program else ():
        if subprocess.run([str(program), *words, "true"], capture_output=True).returncode == 0:
            return [str(program), *words]
    return []


def why_no_systemd() -> str:
    """Say why no systemd of our own can run here; empty if nothing speaks against it."""
    if not Path(_SYSTEMD).exists() or shutil.which("systemctl") is None:
        return "systemd is not installed"
    if os.getuid() != 0:
        return "only root can give a systemd the directories that it asks for"
    if Path("/run/systemd/system").exists():
        return "systemd has booted this machine: a second one would share its control groups"
    return "" if unshare() else "unshare is absent, or is refused a process namespace"


def control_groups() -> list[Path]:
    """Return where control groups can be made that systemd looks at."""
    root = Path("/sys/fs/cgroup")
    return [place for place in (root, root / "unified", root / "systemd") if (place / "cgroup.procs").exists()]


def is_removed(control_group: str) -> bool:
    """Remove a control group if its last process is gone."""
    try:
        os.rmdir(control_group)
    except OSError:
        return not os.path.exists(control_group)
    return True


def children_of(pid: int) -> list[int]:
    found = [process(int(name)) for name in os.listdir("/proc") if name.isdecimal()]
    return [one.pid for one in found if one is not None and one.parent == pid]


def namespace_of(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def tell_all(family: list[Process], number: int = signal.SIGTERM) -> None:
    """Send a signal to each process, as systemd does to a control group."""
    for one in family:
        if runs(one.pid):
            os.kill(one.pid, number)
