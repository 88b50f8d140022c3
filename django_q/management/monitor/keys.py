"""What keys do: from a state and a key to the next state, and to what the terminal has to do, if anything."""

from dataclasses import replace

from django_q.management.monitor.screens.choice import place_of, selected, table_of
from django_q.management.monitor.screens.frame import detail_rows, page_rows
from django_q.management.monitor.seen import QueuedView, Tab
from django_q.management.monitor.state import Action, State, Status, Verb, told
from django_q.management.monitor.text import Style

Answer = tuple[State, Action | None]

_LEFT, _RIGHT = {"KEY_LEFT", "KEY_BTAB", "KEY_SHIFT_TAB"}, {"KEY_RIGHT", "KEY_TAB", "\t"}
_UP, _DOWN = {"k", "KEY_UP"}, {"j", "KEY_DOWN"}
_PAGE_UP, _PAGE_DOWN = {"h", "KEY_PGUP", "KEY_PPAGE"}, {"l", "KEY_PGDOWN", "KEY_NPAGE", " "}
_ENTER, _BACK = {"KEY_ENTER", "\r", "\n"}, {"KEY_ESCAPE", "\x1b"}
_ERASE = {"KEY_BACKSPACE", "KEY_DELETE", "\x7f", "\b"}
_LONGEST_FILTER = 100

# What an upper-case key does, where, and the question it asks first.
_DANGEROUS: dict[str, tuple[Verb, tuple[Tab, ...], str]] = {
    "C": (Verb.CANCEL, (Tab.RUNNING, Tab.QUEUE), "Cancel {}? What runs is asked to stop."),
    "R": (Verb.REQUEUE, (Tab.FAILURES,), "Run {} again? It is enqueued under a new id, with the arguments it had."),
    "P": (Verb.PAUSE, (Tab.SCHEDULES,), "{verb} {}?"),
    "S": (Verb.STOP, (Tab.CLUSTERS,), "Ask {} to drain and end? Running tasks get their grace."),
}


def pressed(state: State, key: str) -> Answer:
    """Return the state after a key, and what is to be done."""
    if key == "KEY_CTRL_C":
        return state, Action(Verb.QUIT)
    if state.asked is not None:
        return _answered(state, state.asked, key)
    if state.typing is not None:
        return _typed(state, state.typing, key), None
    if key == "q":
        return state, Action(Verb.QUIT)
    if key == "?":
        return replace(state, helps=not state.helps), None
    if state.helps:
        return (replace(state, helps=False), None) if key in _BACK | _ENTER else (state, None)
    if key in _DANGEROUS:
        return _asked(state, key), None
    if state.detail is not None:
        return _in_detail(state, key), None
    return _in_list(state, key)


def _answered(state: State, asked: Action, key: str) -> Answer:
    if key in ("y", "Y"):
        return replace(state, asked=None), asked
    if key in {"n", "N", "q"} | _BACK:
        return told(replace(state, asked=None), Status("Nothing was done.", Style.QUIET)), None
    return state, None


def _typed(state: State, typing: str, key: str) -> State:
    """Return the state after a key of a filter that is being written."""
    if key in _ENTER:
        return _from_top(replace(state, filter=typing.strip(), typing=None))
    if key in _BACK:
        return _from_top(replace(state, filter="", typing=None))
    if key in _ERASE:
        return _from_top(replace(state, typing=typing[:-1]))
    if len(key) == 1 and key.isprintable() and len(typing) < _LONGEST_FILTER:
        return _from_top(replace(state, typing=typing + key))
    return state


def _asked(state: State, key: str) -> State:
    """Return the state that asks whether a dangerous key is meant, or says why it means nothing here."""
    verb, tabs, question = _DANGEROUS[key]
    row = selected(state)
    if state.tab not in tabs:
        where = " or ".join(tab.value.capitalize() for tab in tabs)
        known = [tab for tab in tabs if tab in state.tabs]
        text = f"{key} works in the tab {where}." if known else f"{key} means nothing here; ? shows the keys."
        return told(state, Status(text, Style.WARN))
    if row is None:
        return told(state, Status("There is nothing to select here.", Style.WARN))
    if verb is Verb.CANCEL and _is_hook(state, row.key):
        return told(state, Status("A hook belongs to its task and is not canceled.", Style.WARN))
    text = question.format(row.label, verb="Resume" if _is_paused(state, row.key) else "Pause")
    return replace(state, key=row.key, asked=Action(verb, row.key, row.label, text), status=None)


def _in_detail(state: State, key: str) -> State:
    detail = state.detail
    if detail is None or key in _BACK | _ENTER | {"KEY_LEFT"}:
        return replace(state, detail=None)
    page, most = detail_rows(state)
    steps = _steps(key, page, most)
    if steps is None:
        return state
    return replace(state, detail=replace(detail, top=max(0, min(detail.top + steps, most))))


def _in_list(state: State, key: str) -> Answer:
    tab = _tab_of(state, key)
    if tab is not None:
        return _at_tab(state, tab), Action(Verb.LOOK)
    if key == "/":
        return _from_top(replace(state, typing=state.filter, status=None)), None
    if key in _BACK:
        return _from_top(replace(state, filter="", status=None)), None
    if key == "w" and state.tab is Tab.MEMORY:
        return replace(state, by_worker=not state.by_worker), None
    row = selected(state)
    if key in _ENTER and row is not None:
        return replace(state, key=row.key), Action(Verb.OPEN, row.key, row.label)
    return _moved(state, key), None


def _tab_of(state: State, key: str) -> Tab | None:
    """Return the tab that a key leads to."""
    number = state.tabs.index(state.tab)
    if key in _RIGHT | _LEFT:
        return state.tabs[(number + (1 if key in _RIGHT else -1)) % len(state.tabs)]
    if len(key) == 1 and key in "123456789" and int(key) <= len(state.tabs):
        return state.tabs[int(key) - 1]
    return None


def _at_tab(state: State, tab: Tab) -> State:
    return replace(state, tab=tab, row=0, key="", filter="", status=None)


def _moved(state: State, key: str) -> State:
    table = table_of(state)
    if table is None or not table.rows:
        return state
    steps = _steps(key, page_rows(state, table), len(table.rows))
    if steps is None:
        return state
    place = max(0, min(place_of(state, table) + steps, len(table.rows) - 1))
    return replace(state, row=place, key=table.rows[place].key)


def _steps(key: str, page: int, all: int) -> int | None:
    """Return by how many rows a key moves; None if it does not."""
    steps = {"KEY_HOME": -all, "KEY_END": all}
    for keys, number in ((_UP, -1), (_DOWN, 1), (_PAGE_UP, -page), (_PAGE_DOWN, page)):
        steps |= dict.fromkeys(keys, number)
    return steps.get(key)


def _from_top(state: State) -> State:
    return replace(state, row=0, key="")


def _is_hook(state: State, key: str) -> bool:
    rows: tuple[QueuedView, ...] = state.seen.queued if state.seen else ()
    return any(row.id == key and row.is_hook for row in rows)


def _is_paused(state: State, key: str) -> bool:
    return any(str(row.id) == key and row.is_paused for row in (state.seen.schedules if state.seen else ()))
