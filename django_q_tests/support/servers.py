"""Throw-away database servers, started from the binaries that are installed."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# What starts a server for ASGI applications; the port and the application follow.
ASGI = {
    "daphne": ["-m", "daphne", "-v", "1", "-b", "127.0.0.1", "-p"],
    "uvicorn": ["-m", "uvicorn", "--log-level", "warning", "--host", "127.0.0.1", "--port"],
}


class NoServer(Exception):
    """There is no such server here, for the reason given."""


class Server:
    """A server of our own on a free port, its data in a directory of its own. It can be stopped and started again."""

    # The system account that runs the server when we are root, because the server refuses to be run by root.
    account: str
    scheme: str
    user: str

    def __init__(self) -> None:
        self.binaries = self.find_binaries()
        self.directory = Path(tempfile.mkdtemp(prefix="dq-server-"))
        self.data = self.directory / "data"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            self.directory.chmod(0o755)
            shutil.chown(self.directory, self.account, self.account)
        self.create()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.user}@127.0.0.1:{self.port}/"

    def start(self) -> "Server":
        """Start the server and return when it accepts connections.

        One that refuses to start is started again for a while: what is left of one that was killed may still hold its
        shared memory.
        """
        self._launch()
        begun = time.monotonic()
        while not self.is_ready():
            waited = time.monotonic() - begun
            is_gone = self.process is None or self.process.poll() is not None
            if waited > 60 or (is_gone and waited > 10):
                raise NoServer(f"the server did not start: {self.log_tail()}")
            if is_gone:
                self._launch()
            time.sleep(0.1)
        return self

    def _launch(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.as_account(self.command()), stdout=log, stderr=log, cwd="/", start_new_session=True
            )

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server: connections break. at_once kills it as a crash would."""
        if self.process is None:
            return
        pid = self.server_pid() or self.process.pid
        os.kill(pid, signal.SIGKILL if at_once else self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
        self.process = None

    def remove(self) -> None:
        """Stop the server and forget its data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.remove()

    stop_signal = signal.SIGTERM

    def find_binaries(self) -> dict[str, str]:
        raise NotImplementedError

    def create(self) -> None:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Does it answer? A listening socket is not enough: a starting PostgreSQL turns its clients away."""
        raise NotImplementedError

    def server_pid(self) -> int | None:
        raise NotImplementedError

    def as_account(self, command: list[str]) -> list[str]:
        return ["runuser", "-u", self.account, "--", *command] if os.geteuid() == 0 else command

    def run(self, command: list[str]) -> None:
        done = subprocess.run(self.as_account(command), cwd="/", capture_output=True, text=True)
        if done.returncode:
            raise NoServer(f"{command[0]} failed: {done.stderr.strip()[-500:] or done.stdout.strip()[-500:]}")

    def log_tail(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-500:]


class PrivatePostgres(Server):
    """A PostgreSQL server of our own."""

    account = "postgres"
    scheme = "postgres"
    user = "postgres"
    stop_signal = signal.SIGINT  # "Fast": it does not wait for its clients to leave.

    def find_binaries(self) -> dict[str, str]:
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
        return find("PostgreSQL", {"initdb": ["initdb"], "postgres": ["postgres"]}, folders, self.account)

    def create(self) -> None:
        self.run([self.binaries["initdb"], "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", str(self.data)])

    def command(self) -> list[str]:
        options = ["fsync=off", "full_page_writes=off", "max_connections=300", "listen_addresses=127.0.0.1"]
        flags = [word for option in options for word in ("-c", option)]
        return [
            *(self.binaries["postgres"], "-D", str(self.data), "-p", str(self.port), "-k", str(self.directory)),
            *flags,
        ]

    def is_ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, dbname="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def server_pid(self) -> int | None:
        file = self.data / "postmaster.pid"
        return int(file.read_text().split()[0]) if file.exists() else None


class PrivateMariaDB(Server):
    """A MariaDB (or MySQL) server of our own."""

    account = "mysql"
    scheme = "mysql"
    user = "tests"

    def find_binaries(self) -> dict[str, str]:
        names = {"install": ["mariadb-install-db", "mysql_install_db"], "server": ["mariadbd", "mysqld"]}
        return find("MariaDB", names, ["/usr/sbin"], self.account)

    def create(self) -> None:
        self.run([self.binaries["install"], "--no-defaults", "--auth-root-authentication-method=normal",
                  "--skip-test-db", f"--datadir={self.data}"])  # fmt: skip
        # A name of our own that may log in over TCP: root may not, on some systems.
        init = self.directory / "init.sql"
        init.write_text(
            "CREATE USER IF NOT EXISTS tests@'%';\nGRANT ALL ON *.* TO tests@'%' WITH GRANT OPTION;\n"
            "CREATE USER IF NOT EXISTS tests@localhost;\nGRANT ALL ON *.* TO tests@localhost WITH GRANT OPTION;\n"
        )
        init.chmod(0o644)

    def command(self) -> list[str]:
        return [
            *(self.binaries["server"], "--no-defaults", f"--datadir={self.data}", f"--port={self.port}"),
            *(f"--socket={self.directory}/socket", f"--pid-file={self.directory}/pid", "--bind-address=127.0.0.1"),
            *(f"--init-file={self.directory}/init.sql", "--max-connections=300", "--innodb-flush-log-at-trx-commit=0"),
            *("--character-set-server=utf8mb4", "--skip-log-bin"),
        ]

    def is_ready(self) -> bool:
        import MySQLdb

        try:
            MySQLdb.connect(host="127.0.0.1", port=self.port, user=self.user, connect_timeout=2).close()
        except MySQLdb.OperationalError:
            return False
        return True

    def server_pid(self) -> int | None:
        file = self.directory / "pid"
        return int(file.read_text()) if file.exists() else None


def find(what: str, names: dict[str, list[str]], folders: list[str], account: str) -> dict[str, str]:
    """Return the path of each binary, or say which one is missing."""
    path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    found = {key: next(filter(None, (shutil.which(name, path=path) for name in names[key])), None) for key in names}
    missing = [names[key][0] for key, file in found.items() if file is None]
    if missing:
        raise NoServer(f"no {what} server answers on this machine and {' and '.join(missing)} is not installed")
    if os.geteuid() == 0 and subprocess.run(["id", account], capture_output=True).returncode:
        raise NoServer(f"{what} does not run as root and there is no account {account!r}")
    return {key: str(file) for key, file in found.items()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrivateRedis(Server):
    """A Redis server of our own, which keeps nothing on a disk."""

    account = "root"
    scheme = "redis"

    def find_binaries(self) -> dict[str, str]:
        return find("Redis", {"server": ["redis-server"]}, [], self.account)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def create(self) -> None:
        self.data.mkdir()

    def as_account(self, command: list[str]) -> list[str]:
        return command

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.data)]
        return [self.binaries["server"], *where, "--save", "", "--appendonly", "no"]

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", self.port)):
                return False
            probe.sendall(b"PING\r\n")
            return probe.recv(100).startswith(b"+PONG")

    def server_pid(self) -> int | None:
        return None
