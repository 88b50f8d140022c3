"""What a person or a machine sees of the demonstration, from the first line to the last."""

import argparse
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from django_q.examples.demo.inspection import Inspection, Missing
from django_q.examples.demo.stage import Interrupted, Stage, StageError, free_port

LOGIN = "demo"
TIME_LIMIT = 90  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the demonstration until it is stopped or, with --check, until everything was seen."""
    options = _parser().parse_args(arguments)
    try:
        with _folder(options.data) as folder:
            stage = Stage(folder, port=options.port or free_port(), quiet=options.check and not options.logs)
            # Whoever stops the demonstration, its processes and its data have to go.
            _on_signals(stage.interrupt)
            passed = _check(stage) if options.check else _show(stage, options)
    except Interrupted:
        say("Stopped.")
        return 130 if options.check else 0
    except StageError as error:
        say(f"FAILED  {error}")
        return 1
    return _conclude(folder, passed=passed, kept=bool(options.data))


def say(line: str) -> None:
    """Print a line at once, even through a pipe; where the terminal is gone, do nothing."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _show(stage: Stage, options: argparse.Namespace) -> bool:
    say(f"Preparing example data in {stage.folder} …")
    try:
        stage.start()
        stage.wait(stage.is_open)
        _say_where(stage)
        if options.open and not webbrowser.open(stage.link):
            say("No browser could be started; open the link yourself.")
        if options.load:
            stage.start_load()
        stage.wait(lambda: False)
    finally:
        _end(stage)
    return True


def _say_where(stage: Stage) -> None:
    say("")
    say(f"    Open    {stage.link}")
    say("            It logs you in, once.")
    say(f"    Later   {stage.url}")
    say(f"            Log in as {LOGIN!r} with the password {LOGIN!r}.")
    say("    Ctrl-C stops everything and leaves nothing behind.")
    say("")


def _check(stage: Stage) -> bool:
    """Do what a visitor would do, and say what was seen."""
    say("Starting the site, the cluster and the devices …")
    inspection = Inspection(stage, limit=TIME_LIMIT, say=lambda line: say(f"ok      {line}"))
    passed = False
    try:
        stage.start()
        inspection.run(user=LOGIN, password=LOGIN)
        passed = True
    except (Missing, StageError) as error:
        say(f"FAILED  {error}")
        say(stage.last_words())
    finally:
        inspection.end()
        left = _end(stage)
    return passed and not left


def _conclude(folder: Path, *, passed: bool, kept: bool) -> int:
    if not kept and folder.exists():
        say(f"FAILED  {folder} could not be deleted")
        passed = False
    say(f"ok      the data are {f'kept in {folder}' if kept else 'deleted'}")
    say("Everything worked." if passed else "Something is missing.")
    return 0 if passed else 1


def _end(stage: Stage) -> list[str]:
    """Stop all processes; return those that are still there, none if all is well."""
    stage.stop()
    left = stage.survivors()
    for line in left:
        say(f"FAILED  still running: {line}")
    if not left:
        say("ok      all processes have ended")
    return left


def _on_signals(handler: Callable[..., None]) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yield a directory for the data: one that is kept, or one that goes with the demonstration."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="django-q-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m django_q demo",
        description="A site, a cluster and a small load of tasks of every kind, with data that go with it.",
    )
    parser.add_argument("--check", action="store_true", help="use it without a person, say what was seen, and end")
    parser.add_argument("--port", type=int, default=0, help="of the site; by default a free one")
    parser.add_argument("--open", action="store_true", help="open the link in a browser")
    parser.add_argument("--no-load", dest="load", action="store_false", help="enqueue nothing but what you ask for")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the data here instead of deleting them")
    parser.add_argument("--logs", action="store_true", help="with --check: show what the processes print as well")
    return parser
