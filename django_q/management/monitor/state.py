"""What the screen shows, as one value that never changes: each event makes the next one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from django_q.management.monitor.seen import Seen, Tab
from django_q.management.monitor.text import Style

_REMEMBERED = 600  # samples
_STEP = 5.0  # seconds that one bar of the sparkline stands for


class Verb(Enum):
    """What a key asks the terminal to do."""

    QUIT = "quit"
    LOOK = "look"  # at the database, now
    OPEN = "open"  # the details of a row
    CANCEL = "cancel"
    REQUEUE = "requeue"
    PAUSE = "pause"  # or resume
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Action:
    """A verb and the row that it is about."""

    verb: Verb
    key: str = ""
    label: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How something ended, in one line."""

    text: str
    style: Style = Style.GOOD


@dataclass(frozen=True, slots=True)
class Detail:
    """Text that covers the list, and how far it was scrolled."""

    title: str
    lines: tuple[str, ...]
    top: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """How many attempts ended, as the clusters counted them since this screen was opened."""

    counts: Mapping[str, int] = field(default_factory=dict)  # by cluster, as seen last
    samples: tuple[tuple[float, int], ...] = ()  # seconds since 1970, and how many had ended

    def beaten(self, seen: Seen) -> "Pulse":
        """Return the pulse after another look."""
        counts = {view.id: view.succeeded + view.not_succeeded for view in seen.living}
        ended = sum(max(0, count - self.counts[id]) for id, count in counts.items() if id in self.counts)
        before = self.samples[-1][1] if self.samples else 0
        samples = (*self.samples, (seen.at.timestamp(), before + ended))
        return Pulse(counts, samples[-_REMEMBERED:])

    def rates(self) -> list[float]:
        """Return how many ended per second, in steps of five seconds, the newest last."""
        if len(self.samples) < 2:
            return []
        last, first = self.samples[-1][0], self.samples[0][0]
        steps = max(1, int((last - first) / _STEP))
        length = _STEP if last - first >= _STEP else last - first
        edges = [self._ended_by(last - length * step) for step in range(steps, -1, -1)]
        return [(after - before) / length for before, after in zip(edges, edges[1:], strict=False)] if length else []

    def _ended_by(self, moment: float) -> float:
        """Return how many had ended at a moment; between two samples, as many as if they had ended evenly."""
        place = next((n for n in range(len(self.samples) - 1, 0, -1) if self.samples[n - 1][0] <= moment), 1)
        (earlier, few), (later, many) = self.samples[place - 1], self.samples[place]
        part = (moment - earlier) / (later - earlier) if later > earlier else 1.0
        return few + (many - few) * min(1.0, max(0.0, part))


@dataclass(frozen=True, slots=True)
class State:
    """All that the screen depends on."""

    tabs: tuple[Tab, ...]
    tab: Tab
    width: int = 80
    height: int = 24
    seen: Seen | None = None
    row: int = 0
    key: str = ""  # of the selected row, which may move
    filter: str = ""
    typing: str | None = None  # a filter that is being written
    asked: Action | None = None  # waits for yes or no
    helps: bool = False
    detail: Detail | None = None
    status: Status | None = None
    trouble: str = ""  # why the database cannot be read
    pulse: Pulse = field(default_factory=Pulse)
    lowest: Mapping[str, int] = field(default_factory=dict)  # least memory that was available, by host
    by_worker: bool = False  # a column for each worker

    @property
    def program(self) -> str:
        """Return what the screen is called."""
        return "qmemory" if self.tabs == (Tab.MEMORY,) else "qmonitor"


def saw(state: State, seen: Seen) -> State:
    """Return the state after a look at the database."""
    lowest = dict(state.lowest)
    for host, available in available_by_host(seen):
        lowest[host] = min(available, lowest.get(host, available))
    return replace(state, seen=seen, trouble="", pulse=state.pulse.beaten(seen), lowest=lowest)


def lost(state: State, trouble: str) -> State:
    """Return the state after a look that failed. What was seen before stays, in case it comes back."""
    return replace(state, trouble=trouble)


def resized(state: State, width: int, height: int) -> State:
    """Return the state on a terminal of another size."""
    return replace(state, width=width, height=height)


def told(state: State, status: Status) -> State:
    """Return the state after something was done, or could not be."""
    return replace(state, status=status)


def opened(state: State, title: str, lines: Iterable[str]) -> State:
    """Return the state with details over the list."""
    return replace(state, detail=Detail(title, tuple(lines)))


def available_by_host(seen: Seen) -> list[tuple[str, int]]:
    """Return the memory that hosts have left, as their clusters say."""
    return [(view.host, view.host_available) for view in seen.living if view.host_available is not None]
