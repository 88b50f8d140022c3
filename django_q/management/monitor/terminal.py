"""The thin layer between the screens and a terminal: it draws lines, reads keys and looks again when it is time."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from django_q.kernel import clock
from django_q.management.monitor.errands import Errands
from django_q.management.monitor.keys import pressed
from django_q.management.monitor.quiet import owned_terminal
from django_q.management.monitor.screens.choice import table_of
from django_q.management.monitor.screens.frame import lines_of
from django_q.management.monitor.state import Action, State, Verb, lost, resized
from django_q.management.monitor.text import Line, Style

if TYPE_CHECKING:
    from blessed import Terminal

_ANSWERS = "BLESSED_QUERY_TIMEOUT_SECONDS"
_PATIENCE = 2.0  # seconds, with what was begun before somebody quit
_SILENCE = 5.0  # seconds without an answer after which the screen says so
_SOON = 0.02  # seconds until it is seen what came of an errand
_LOOK_AT_SIZE = 0.2  # seconds: a resize interrupts no read
_STATUS_FOR = 8.0  # seconds for which the outcome of a deed stands there
_NAMES = {
    Style.STRONG: "bold",
    Style.QUIET: "bright_black",
    Style.GOOD: "green",
    Style.BAD: "red",
    Style.WARN: "yellow",
    Style.HEAD: "bold_underline",
    Style.CHOSEN: "reverse",
    Style.BAR: "reverse",
}
_COLOURLESS = {Style.STRONG: "bold", Style.HEAD: "underline", Style.CHOSEN: "reverse", Style.BAR: "reverse"}


def can_show_screens(out: Any) -> bool:
    """Is there a terminal on both sides, and one that can move its cursor?"""
    is_terminal = all(getattr(stream, "isatty", bool)() for stream in (out, sys.stdin, sys.stdout))
    return is_terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def show(state: State, *, interval: float) -> None:
    """Show the screen until somebody quits, and leave the terminal as it was. Raises SystemExit if a signal ends it."""
    terminal = _terminal()
    with owned_terminal() as out, _full_screen(terminal, out), _signals():
        try:
            _Session(terminal, out, state, interval).run()
        except KeyboardInterrupt:
            return


class _Session:
    """One screen, from its first look to its end."""

    def __init__(self, terminal: "Terminal", out: TextIO, state: State, interval: float) -> None:
        self.terminal = terminal
        self.out = out
        self.now = state
        self.interval = interval
        self.errands = Errands()
        self.looks_at = 0.0
        self.sent_at = 0.0  # when the last errand was sent
        self.told_at = 0.0
        self.heard_at = clock.monotonic()
        self.has_ended = False
        self.drawn: list[Line] = []

    def run(self) -> None:
        while not self.has_ended:
            if clock.monotonic() >= self.looks_at and not self.errands.are_open:
                self._look()
            self._measure()
            self._draw()
            key = self.terminal.inkey(timeout=self._rest())
            # What was typed meanwhile is done at once, before it is drawn again.
            while key and not self.has_ended:
                self._press(key.name or str(key))
                key = self.terminal.inkey(timeout=0)
            self._hear()
        self.errands.end(_PATIENCE)

    def _rest(self) -> float:
        """Return for how many seconds a key may be waited for."""
        if self.errands.are_open:
            return _SOON
        return max(0.0, min(_LOOK_AT_SIZE, self.looks_at - clock.monotonic()))

    def _press(self, key: str) -> None:
        if self.now.asked is None:
            self.now = replace(self.now, status=None)
        self.now, action = pressed(self.now, key)
        self.told_at = clock.monotonic()
        if action is not None:
            self._act(action)

    def _act(self, action: Action) -> None:
        """Send the errand that an action needs."""
        self.sent_at = clock.monotonic()
        if action.verb is Verb.QUIT:
            self.has_ended = True
        elif action.verb is Verb.OPEN and self.now.seen is not None:
            self.errands.open_details(self.now.tab, action, self.now.seen)
        elif action.verb is Verb.LOOK:
            self._look()
        else:
            self.errands.perform(action)
            self._look()

    def _look(self) -> None:
        self.errands.look(self.now.tab)
        self.looks_at = clock.monotonic() + self.interval

    def _hear(self) -> None:
        """Take over what came of errands."""
        for change in self.errands.changes():
            before = self.now.status
            self.now = change(self.now)
            if self.now.status is not before:
                self.told_at = clock.monotonic()
            self.heard_at = clock.monotonic()
        if not self.errands.are_open:
            self.heard_at = clock.monotonic()
        elif clock.monotonic() - self.heard_at > _SILENCE:
            seconds = int(clock.monotonic() - self.heard_at)
            self.now = lost(self.now, f"The database has not answered for {seconds} s.")
        if clock.monotonic() - self.told_at > _STATUS_FOR:
            self.now = replace(self.now, status=None)

    def _measure(self) -> None:
        size = os.get_terminal_size(self.out.fileno())
        if (size.columns, size.lines) != (self.now.width, self.now.height):
            self.now = resized(self.now, size.columns, size.lines)
            self.drawn = []

    def _draw(self) -> None:
        """Write the lines that have changed since they were drawn last."""
        is_coming = self.errands.are_open and clock.monotonic() - self.sent_at < _LOOK_AT_SIZE
        if self.drawn and is_coming and table_of(self.now) is None:
            return  # an empty screen for the blink of an eye would only flicker
        lines = lines_of(self.now)
        if not self.drawn:
            self.out.write(self.terminal.home + self.terminal.clear)
        for number, line in enumerate(lines):
            if number >= len(self.drawn) or self.drawn[number] != line:
                # Some terminals draw flags and the like narrower than they are counted.
                self.out.write(self.terminal.move_xy(0, number) + self.terminal.clear_eol + self._styled(line))
        self.drawn = lines
        self.out.flush()

    def _styled(self, line: Line) -> str:
        return "".join(_style(self.terminal, span.style)(span.text) for span in line)


def _style(terminal: "Terminal", style: Style) -> Callable[[str], str]:
    names = _NAMES if terminal.number_of_colors and not os.environ.get("NO_COLOR") else _COLOURLESS
    return getattr(terminal, names[style]) if style in names else str


def _terminal() -> "Terminal":
    """Return the terminal, after a few questions to it that some do not answer."""
    # Of NO_COLOR it would conclude that it may not move the cursor either; the patience is read when it is imported.
    with _environment(NO_COLOR=None, BLESSED_QUERY_TIMEOUT_SECONDS=os.environ.get(_ANSWERS, "1")):
        from blessed import Terminal

        return Terminal()


@contextmanager
def _environment(**wanted: str | None) -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})


@contextmanager
def _full_screen(terminal: "Terminal", out: TextIO) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(terminal.cbreak())
        stack.callback(_write, out, [terminal.normal, terminal.normal_cursor, terminal.exit_fullscreen])
        _write(out, [terminal.enter_fullscreen, terminal.hide_cursor])
        yield


def _write(out: TextIO, sequences: Sequence[str]) -> None:
    try:
        out.write("".join(sequences))
        out.flush()
    except OSError:  # the terminal is gone, and nothing has to be restored
        return


@contextmanager
def _signals() -> Iterator[None]:
    """Let whatever ends this process end the screen first; one that is suspended would leave the terminal as it is."""
    wanted: dict[str, Any] = {"SIGTERM": _end, "SIGHUP": _end, "SIGTSTP": signal.SIG_IGN}
    numbers = {getattr(signal, name): handler for name, handler in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
