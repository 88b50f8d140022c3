"""``python -m django_q_tests.benchmarks.viewers``: many who watch one task on one web process.

A task of a real cluster sends so many events a second, each with the moment at which it was sent; all viewers are
websockets of one process. Prints what each took to arrive, and the processor time of the server and of the cluster;
exits with 1 unless everybody got everything in order.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

import websockets

from django_q_tests.benchmarks.places import VARIANTS, Place
from django_q_tests.support import databases
from django_q_tests.support.servers import ASGI, free_port

_ENQUEUE = "from django_q.tasks import async_task; async_task('django_q_tests.support.publishing.stamped', {}, {})"
ROOT = Path(__file__).resolve().parents[2]
_APPLICATION = "django_q.examples.live.asgi:application"
_CHANNEL = "schtasks/show_task_events/channel/"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = Place.create(options.database, Path(folder))
        try:
            return measure(options, _env(place))
        finally:
            place.drop()


def measure(options: argparse.Namespace, env: dict[str, str]) -> int:
    """Start all, watch, and report."""
    run = [sys.executable, "-m", "django"]
    subprocess.run([*run, "migrate", "-v", "0"], env=env, cwd=ROOT, check=True)
    port = free_port()
    server = subprocess.Popen([sys.executable, *ASGI[options.server], str(port), _APPLICATION], env=env, cwd=ROOT)
    cluster = subprocess.Popen([*run, "qcluster"], env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        watch = _watch_all(options, f"ws://127.0.0.1:{port}/{_CHANNEL}", [*run, "shell", "-c"], env)
        seen, before, after = asyncio.run(watch_and_count(watch, server.pid, cluster.pid))
    finally:
        for one in (cluster, server):
            one.terminate()
            one.wait(30)
    return report(options, seen, [last - first for first, last in zip(before, after, strict=True)])


async def watch_and_count(watch, *pids: int):
    before = [_seconds(pid) for pid in pids]
    seen = await watch
    return seen, before, [_seconds(pid) for pid in pids]


async def _watch_all(options: argparse.Namespace, address: str, shell: list[str], env: dict[str, str]):
    sockets = [await _connected(address) for _ in range(options.viewers)]
    for socket in sockets:
        await socket.send(json.dumps({"id": "stamped", "batch": True}))
        # Answered when it was decided that this one may watch: how fast many can come is another question.
        await socket.send(json.dumps({"ping": 1}))
        await socket.recv()
    call = _ENQUEUE.format(options.rate * options.seconds, options.rate)
    await asyncio.to_thread(subprocess.run, [*shell, call], env=env, cwd=ROOT, check=True)
    return await asyncio.gather(*(_seen(socket) for socket in sockets))


async def _connected(address: str):
    for _ in range(600):
        try:
            return await websockets.connect(address, max_size=None, open_timeout=60)
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError(f"nobody answers at {address}")


async def _seen(socket) -> list[tuple[int, float]]:
    """Return the number of each event that one viewer saw, and the seconds that it took to arrive."""
    seen: list[tuple[int, float]] = []
    async for text in socket:
        moment, message = time.time(), json.loads(text)
        if message["status"] == "events":
            seen += [(number, moment - sent) for _, (number, sent) in message["data"]]
        elif message["status"] not in ("start", "stop"):
            raise RuntimeError(text)
    return seen


def report(options: argparse.Namespace, seen: list[list[tuple[int, float]]], cpu: list[float]) -> int:
    """Print what was measured. Return 1 if somebody missed something."""
    count = options.rate * options.seconds
    complete = sum([number for number, _ in one] == list(range(count)) for one in seen)
    taken = sorted(seconds for one in seen for _, seconds in one)
    cuts = quantiles(taken, n=100)
    print(
        f"{options.database}, {options.server}: {options.viewers} viewers, {options.rate} events/s for "
        f"{options.seconds} s: {complete} got all {count} in order\n"
        f"latency p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms, longest {taken[-1] * 1000:.0f} ms\n"
        f"processor time: server {cpu[0]:.1f} s, cluster {cpu[1]:.1f} s; load {os.getloadavg()[0]:.1f}"
    )
    return 0 if complete == options.viewers else 1


def _seconds(pid: int) -> float:
    """Return the processor time of a process and of those that it started."""
    total = 0.0
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if pid in (int(name), int(fields[1])):
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _env(place: Place) -> dict[str, str]:
    return place.env() | {
        "DJANGO_SETTINGS_MODULE": "django_q_tests.settings.live",
        "DJANGO_Q_TEST_DATABASE_URL": databases.to_url(place.settings),
        "DJANGO_Q_TEST_CLUSTER": json.dumps({"workers": 1}),
        "DJANGO_Q_TEST_PUBLISH": json.dumps({"anyone": ["stamped"]}),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=VARIANTS, default="postgres")
    parser.add_argument("--server", choices=sorted(ASGI), default="uvicorn")
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seconds", type=int, default=10)
    return parser


if __name__ == "__main__":
    sys.exit(main())
