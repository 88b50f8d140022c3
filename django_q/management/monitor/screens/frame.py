"""The whole screen: the line at the top, the tabs, the table or what covers it, the counts, and the keys."""

from collections.abc import Sequence

from django_q.management.monitor import numbers
from django_q.management.monitor.screens.choice import place_of, table_of
from django_q.management.monitor.seen import Seen, Tab
from django_q.management.monitor.state import State
from django_q.management.monitor.table import Table, head_line, layout, row_line
from django_q.management.monitor.text import Line, Span, Style, fitted, line, text_of, wrapped
from django_q.tasks import backlog

_SPARKLINE = 40  # columns
_FEWEST = 3  # rows that a list keeps, before what stands around it gives way
_KEYS = {
    Tab.CLUSTERS: "S stop",
    Tab.RUNNING: "C cancel",
    Tab.QUEUE: "C cancel",
    Tab.SCHEDULES: "P pause/resume",
    Tab.FAILURES: "R requeue",
    Tab.MEMORY: "w by worker",
}
_HELP = (
    "Left, Right, Tab, 1 to 6   another tab",
    "j, k, Down, Up             another row",
    "h, l, PgUp, PgDn           another page; Home and End",
    "Enter                      details of the row; Esc goes back",
    "/                          show only rows with these words: Enter applies, Esc shows everything",
    "?                          this help",
    "q, Ctrl-C                  quit",
    "",
    "In upper case, with a question before anything is done:",
    "C                          cancel the queued or running task",
    "R                          requeue the failed task",
    "P                          pause or resume the schedule",
    "S                          ask the cluster to drain and end",
    "",
    "TQ tasks that wait in the cluster for a worker, RQ ended ones that are not recorded yet,",
    "RC processes that were started in the place of others, Pool workers, Up h:mm:ss.",
)
_HELP_MEMORY = (
    "j, k, Down, Up             another row",
    "Enter                      details of the row; Esc goes back",
    "w                          one column for each worker, or one for all",
    "/                          show only rows with these words: Enter applies, Esc shows everything",
    "q, Ctrl-C                  quit",
    "",
    "The memory of a process is resident memory; what processes share counts in each.",
    "The CPU is what all processes of the cluster use, in percent of one processor.",
)


def lines_of(state: State) -> list[Line]:
    """Return exactly as many lines as the terminal has, each as wide as it is."""
    top, bottom = _top(state), _bottom(state)
    height = max(0, state.height)
    room = _room(state)
    if room < 1:  # hardly a screen: the middle matters most
        top, bottom, room = [], [], height
    middle = _middle(state, room)[:room]
    middle += [line("")] * (room - len(middle))
    return [fitted(each, max(0, state.width)) for each in (*top, *middle, *bottom)]


def page_rows(state: State, table: Table) -> int:
    """Return how many rows of a table are visible at once, at least one."""
    room = _room(state) if _room(state) >= 1 else state.height
    above, below, heads = _around(table, room)
    return max(1, room - len(above) - len(below) - heads)


def detail_rows(state: State) -> tuple[int, int]:
    """Return how many lines of the details are visible at once, and how far they can be scrolled."""
    room = max(1, _room(state) - 1)
    return room, max(0, len(_detail_lines(state)) - room)


def _room(state: State) -> int:
    return state.height - len(_top(state)) - len(_bottom(state))


# The lines around ----------------------------------------------------------------------------------------------------


def _top(state: State) -> list[Line]:
    at = f"{numbers.moment(state.seen.at)[11:]}" if state.seen else ""
    rates = state.pulse.rates()
    rate = f"  {rates[-1]:.1f}/s " if rates else "  "
    head = f" {state.program}  {at}{rate}"
    first = (Span(head + numbers.sparkline(rates, max(0, min(_SPARKLINE, state.width - len(head)))), Style.BAR),)
    return [first] if len(state.tabs) == 1 else [first, _tab_line(state)]


def _tab_line(state: State) -> Line:
    """Return the names of the tabs, or where there is no room for all the visible one."""
    names = [f" {number} {tab.value.capitalize()} " for number, tab in enumerate(state.tabs, 1)]
    if sum(map(len, names)) > state.width:
        names = [f" {number} " if tab is not state.tab else name for (number, tab), name in _numbered(state, names)]
    return tuple(
        Span(name, Style.CHOSEN if tab is state.tab else Style.QUIET)
        for name, tab in zip(names, state.tabs, strict=True)
    )


def _numbered(state: State, names: Sequence[str]) -> list[tuple[tuple[int, Tab], str]]:
    return list(zip(enumerate(state.tabs, 1), names, strict=True))


def _bottom(state: State) -> list[Line]:
    return [_counts(state.seen), _last_line(state)]


def _counts(seen: Seen | None) -> Line:
    if seen is None:
        return line("", Style.BAR)
    return line(f" {counts_text(seen)}", Style.BAR)


def counts_text(seen: Seen) -> str:
    """Return the footer: what waits, what is claimed, and how tasks ended."""
    counts = seen.totals
    waits, claimed = numbers.at_most(counts.queued, backlog.MOST), numbers.at_most(counts.claimed, backlog.MOST)
    ended = f"Success {numbers.at_most(counts.succeeded, backlog.MOST)}"
    failed = f"Failures {numbers.at_most(counts.failed, backlog.MOST)}"
    return f"{seen.database}  Queued {waits} ({claimed} claimed)  {ended}  {failed}"


def _last_line(state: State) -> Line:
    """Return what is being written, how something ended, or which keys there are."""
    if state.typing is not None:
        return (Span(" filter: ", Style.STRONG), Span(state.typing), Span("_", Style.CHOSEN))
    if state.status is not None:
        return (Span(f" {state.status.text}", state.status.style),)
    filtered = (Span(f" only {state.filter!r}  Esc all ", Style.WARN),) if state.filter else ()
    own = f"  {_KEYS[state.tab]}" if state.tab in _KEYS else ""
    return (*filtered, Span(f" q quit  ? keys  / filter  Enter details{own}", Style.QUIET))


# The middle ----------------------------------------------------------------------------------------------------------


def _middle(state: State, room: int) -> list[Line]:
    if state.asked is not None:
        return _box(state, [state.asked.question, "", "y  yes      n  no"], Style.WARN)
    if state.helps:
        words = _HELP if len(state.tabs) > 1 else _HELP_MEMORY
        return [line(f" {text}") for each in words for text in wrapped(each, max(1, state.width - 1))]
    if state.detail is not None:
        shown = _detail_lines(state)[state.detail.top :][: max(0, room - 1)]
        return [line(f" {state.detail.title}", Style.HEAD), *(line(f" {text}") for text in shown)]
    if state.trouble:
        return _box(state, [state.trouble, "", "It is tried again and again; q quits."], Style.BAD)
    table = table_of(state)
    if table is None:
        return [line(" looking …", Style.QUIET)]
    return _table(state, table, room)


def _box(state: State, texts: Sequence[str], style: Style) -> list[Line]:
    lines = [part for text in texts for part in wrapped(text, max(1, state.width - 2))]
    return [line(""), *(line(f" {text}", style) for text in lines)]


def _detail_lines(state: State) -> list[str]:
    if state.detail is None:
        return []
    return [part for text in state.detail.lines for part in wrapped(text, max(1, state.width - 1))]


def _around(table: Table, room: int) -> tuple[list[Line], list[Line], int]:
    """Return what stands above and below the rows, as far as there is room for it, and how many lines heads take."""
    above, below = list(table.above), list(table.below)
    heads = 1 if room > 1 and table.rows else 0
    if below:
        below.insert(0, line(""))
    spare = max(0, room - heads - min(max(1, len(table.rows)), _FEWEST))
    above = above[:spare] if len(above) > spare else above
    below = below[: max(0, spare - len(above))]
    return above, below, heads


def _table(state: State, table: Table, room: int) -> list[Line]:
    above, below, heads = _around(table, room)
    if not table.rows:
        empty = [line(f" {text}", Style.QUIET) for text in wrapped(table.empty, max(1, state.width - 1))]
        return [*above, *empty, *below]
    places = layout(table, state.width)
    place, visible = place_of(state, table), max(1, room - len(above) - len(below) - heads)
    first = max(0, min(place - visible // 2, len(table.rows) - visible))
    rows = [row_line(row, table, places) for row in table.rows[first : first + visible]]
    rows[place - first] = line(text_of(fitted(rows[place - first], state.width)), Style.CHOSEN)
    return [*above, *([head_line(table, places)] if heads else []), *rows, *below]
