"""Keys: from a state to the next one, and to what has to be done."""

from dataclasses import replace

import pytest

from django_q.management.monitor.keys import pressed
from django_q.management.monitor.screens.choice import selected, table_of
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import Verb, opened, saw
from django_q_tests.support import scenes
from django_q_tests.support.scenes import shown, state


def after(one, *keys):
    """Return the state after some keys, and the verbs that they asked for."""
    verbs = []
    for key in keys:
        one, action = pressed(one, key)
        verbs += [] if action is None else [action.verb]
    return one, verbs


def many(count=50, **changes):
    failures = tuple(scenes.failed(number) for number in range(count))
    return state(Tab.FAILURES, scenes.seen(Tab.FAILURES, failures=failures), **changes)


# --- tabs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "tab"),
    [
        (["KEY_RIGHT"], Tab.RUNNING),
        (["KEY_TAB", "\t"], Tab.QUEUE),
        (["KEY_LEFT"], Tab.THROUGHPUT),
        (["KEY_BTAB", "KEY_RIGHT"], Tab.CLUSTERS),
        (["4"], Tab.SCHEDULES),
        (["6", "1"], Tab.CLUSTERS),
    ],
)
def test_keys_lead_to_a_tab_and_the_database_is_looked_at(keys, tab):
    one, verbs = after(state(), *keys)

    assert one.tab is tab
    assert verbs == [Verb.LOOK] * len(keys)


@pytest.mark.parametrize("key", ["7", "0", "x", "KEY_F1", ""])
def test_other_keys_do_nothing(key):
    one = state()

    assert pressed(one, key) == (one, None)


def test_another_tab_begins_at_its_top_without_a_filter():
    one, _ = after(many(), "/", "7", "KEY_ENTER", "j", "1")

    assert (one.row, one.key, one.filter) == (0, "", "")


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["j"], "task-1"),
        (["j", "KEY_DOWN", "k"], "task-1"),
        (["KEY_UP"], "task-0"),
        (["KEY_END"], "task-49"),
        (["KEY_END", "j", "KEY_HOME"], "task-0"),
        (["l"], "task-25"),
        (["KEY_PGDOWN", "KEY_PGDOWN", "KEY_PGDOWN", "h"], "task-24"),
    ],
)
def test_keys_select_a_row(keys, name):
    one, verbs = after(many(height=30), *keys)

    assert (selected(one).cells[1], verbs) == (name, [])


def test_the_selection_follows_its_row_when_others_come_before_it():
    one, _ = after(many(5), "j", "j")
    newer = scenes.seen(Tab.FAILURES, failures=tuple(scenes.failed(number) for number in (9, 8, 0, 1, 2, 3)))

    assert selected(saw(one, newer)).cells[1] == "task-2"


def test_when_the_selected_row_is_gone_its_place_stays_selected():
    one, _ = after(many(5), "KEY_END")
    fewer = scenes.seen(Tab.FAILURES, failures=tuple(scenes.failed(number) for number in (0, 1)))

    assert selected(saw(one, fewer)).cells[1] == "task-1"


def test_in_an_empty_list_keys_do_nothing():
    one = many(0)

    for key in ("j", "l", "KEY_END", "KEY_ENTER"):
        assert pressed(one, key) == (one, None)


# --- filter ----------------------------------------------------------------------------------------------------------


def test_a_filter_is_seen_while_it_is_written_and_stays_with_enter():
    one, _ = after(many(), "/", "t", "a", "s", "k", "-", "4", "x", "KEY_BACKSPACE")
    assert "filter: task-4" in shown(one)
    assert [row.cells[1] for row in table_of(one).rows][:2] == ["task-4", "task-40"]

    one, verbs = after(one, "KEY_ENTER")

    assert (one.filter, one.typing, verbs) == ("task-4", None, [])
    assert len(table_of(one).rows) == 11 and "only 'task-4'" in shown(one)


@pytest.mark.parametrize("keys", [["/", "4", "KEY_ESCAPE"], ["/", "4", "KEY_ENTER", "KEY_ESCAPE"]])
def test_escape_shows_everything_again(keys):
    one, _ = after(many(), *keys)

    assert one.filter == "" and len(table_of(one).rows) == 50


def test_letters_that_are_keys_elsewhere_are_letters_in_a_filter():
    one, verbs = after(many(), "/", "q", "R", "?", " ", "1", "KEY_LEFT", "KEY_F5")

    assert (one.typing, verbs) == ("qR? 1", [])


def test_a_filter_has_an_end():
    one, _ = after(many(), "/", *"x" * 300)

    assert len(one.typing) == 100


# --- over the list ---------------------------------------------------------------------------------------------------


def test_the_question_mark_shows_the_keys_and_hides_them():
    one, _ = after(state(), "?")
    assert "another tab" in shown(one)

    for key in ("?", "KEY_ESCAPE", "KEY_ENTER"):
        assert "another tab" not in shown(after(one, key)[0])


def test_enter_asks_for_the_details_of_the_selected_row():
    one, action = pressed(after(many(), "j")[0], "KEY_ENTER")

    assert (action.verb, action.key, action.label) == (Verb.OPEN, f"{1:032x}", "task-1 (app.tasks.mail)")


def test_details_can_be_scrolled_to_their_end_and_no_further_and_escape_goes_back():
    one = opened(many(height=10), "task-1", [f"line {number}" for number in range(20)])
    assert "line 0" in shown(one) and "line 19" not in shown(one)

    end, _ = after(one, "KEY_END", "j", "j")
    assert "line 19" in shown(end) and "line 14" not in shown(end)
    assert "line 14" in shown(after(end, "k")[0])

    assert after(end, "KEY_ESCAPE")[0].detail is None


@pytest.mark.parametrize("over", [{}, {"helps": True}, {"trouble": "gone"}])
def test_q_quits(over):
    assert after(replace(state(), **over), "q")[1] == [Verb.QUIT]


def test_q_quits_from_the_details_too():
    assert after(opened(many(), "task-1", ["line"]), "q")[1] == [Verb.QUIT]


# --- what changes something ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tab", "key", "verb", "question"),
    [
        (Tab.CLUSTERS, "S", Verb.STOP, "Ask web on host1 (4711) to drain and end?"),
        (Tab.RUNNING, "C", Verb.CANCEL, "Cancel task-1 (app.tasks.mail)?"),
        (Tab.QUEUE, "C", Verb.CANCEL, "Cancel task-1 (app.tasks.mail)?"),
        (Tab.SCHEDULES, "P", Verb.PAUSE, "Pause schedule-1?"),
        (Tab.FAILURES, "R", Verb.REQUEUE, "Run task-1 (app.tasks.mail) again?"),
    ],
)
def test_an_upper_case_key_asks_first_and_only_y_does_it(tab, key, verb, question):
    asked, verbs = after(state(tab), key)
    assert question in shown(asked) and verbs == []

    for other in ("x", "KEY_ENTER", "j", " "):
        assert after(asked, other) == (asked, [])
    refused, verbs = after(asked, "n")
    assert (refused.asked, verbs) == (None, []) and "Nothing was done." in shown(refused)

    done, action = pressed(asked, "y")

    assert (done.asked, action.verb, action.key) == (None, verb, selected(asked).key)


@pytest.mark.parametrize("key", ["KEY_ESCAPE", "q", "N"])
def test_a_question_can_be_left_in_every_usual_way(key):
    one, verbs = after(state(), "S", key)

    assert (one.asked, verbs) == (None, [])


def test_a_question_is_about_the_row_that_was_selected_even_if_the_list_changes():
    one, _ = after(state(Tab.FAILURES), "R")
    other = saw(one, scenes.seen(Tab.FAILURES, failures=(scenes.failed(7), scenes.failed(8))))

    assert pressed(other, "y")[1].key == f"{1:032x}"


@pytest.mark.parametrize("keys", [["R", "y"], ["R", "n"], ["KEY_ENTER"]])
def test_the_row_that_was_asked_about_or_opened_stays_selected(keys):
    one, _ = after(many(3), *keys)
    newer = scenes.seen(Tab.FAILURES, failures=tuple(scenes.failed(number) for number in (9, 8, 0, 1)))

    assert selected(saw(one, newer)).cells[1] == "task-0"


def test_at_the_top_of_the_list_the_newest_row_is_selected_until_a_key_moves():
    newer = scenes.seen(Tab.FAILURES, failures=tuple(scenes.failed(number) for number in (9, 8, 0, 1)))

    assert selected(saw(many(3), newer)).cells[1] == "task-9"


def test_a_paused_schedule_is_resumed():
    assert "Resume schedule-2?" in shown(after(state(Tab.SCHEDULES), "j", "P")[0])


@pytest.mark.parametrize(
    ("tab", "key", "words"),
    [
        (Tab.CLUSTERS, "C", "C works in the tab Running or Queue."),
        (Tab.QUEUE, "R", "R works in the tab Failures."),
        (Tab.MEMORY, "S", "S means nothing here"),
    ],
)
def test_an_upper_case_key_in_the_wrong_tab_says_where_it_works(tab, key, words):
    one, verbs = after(state(tab), key)

    assert (one.asked, verbs) == (None, []) and words in shown(one)


def test_without_a_row_there_is_nothing_to_do():
    one, _ = after(many(0), "R")

    assert one.asked is None and "There is nothing to select here." in shown(one)


def test_a_hook_is_not_canceled():
    found = scenes.seen(Tab.QUEUE, queued=(scenes.queued(1, is_hook=True),))
    one, _ = after(state(Tab.QUEUE, found), "C")

    assert one.asked is None and "A hook belongs to its task" in shown(one)


def test_a_failure_can_be_run_again_while_its_traceback_is_read():
    assert after(opened(many(), "task-0", ["Traceback"]), "R", "y")[1] == [Verb.REQUEUE]


def test_w_parts_the_memory_by_worker():
    one, _ = after(state(Tab.MEMORY, width=200), "w")

    assert "Worker 2 (MB)" in shown(one)
    assert "Worker 2 (MB)" not in shown(after(one, "w")[0])
