"""The screens: what they say, and that they keep to the terminal."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from django_q.management.monitor.keys import pressed
from django_q.management.monitor.numbers import ago, span, sparkline, uptime
from django_q.management.monitor.printing import as_object, printed
from django_q.management.monitor.screens import clusters
from django_q.management.monitor.screens.frame import lines_of
from django_q.management.monitor.seen import Tab
from django_q.management.monitor.state import Action, Status, Verb, lost, opened, resized, saw, told
from django_q.management.monitor.text import Style, text_of, width_of
from django_q.tasks import TaskProgress
from django_q.tasks.backlog import Depth, Totals
from django_q_tests.support import scenes
from django_q_tests.support.scenes import shown, state

WORDS = st.text(max_size=30)


def line_with(words, one):
    return next(line for line in shown(one).splitlines() if words in line)


# --- they keep to the terminal ---------------------------------------------------------------------------------------


@st.composite
def screens(draw):
    """Any tab of any size, with text of any kind, with or without something over it."""
    text, tab = draw(WORDS), draw(st.sampled_from(list(Tab)))
    many = draw(st.integers(min_value=0, max_value=30))
    found = scenes.seen(
        tab,
        living=tuple(scenes.cluster(n, host=text, name=text, queues=(text,)) for n in range(many % 4)),
        ended=tuple(scenes.cluster(n, name=text) for n in range(many % 3)),
        running=tuple(scenes.running(n, name=text, func=text) for n in range(many)),
        depths=tuple(Depth(f"{text}{n}", n, n, 10_001, n) for n in range(many)),
        queued=tuple(scenes.queued(n, name=text, queue=text) for n in range(many)),
        schedules=tuple(scenes.scheduled(n, name=text, error=text) for n in range(many)),
        failures=tuple(scenes.failed(n, error=text) for n in range(many)),
        last_hour=scenes.last_hour() if many % 2 else None,
    )
    one = state(tab, found, filter=draw(st.sampled_from(["", text])))
    one = resized(one, draw(st.integers(min_value=20, max_value=200)), draw(st.integers(min_value=5, max_value=60)))
    cover = draw(st.sampled_from(["", "help", "question", "detail", "status", "typing", "trouble", "before"]))
    covers = {
        "help": lambda: replace(one, helps=True),
        "question": lambda: replace(one, asked=Action(Verb.CANCEL, "1", text, f"Cancel {text}?")),
        "detail": lambda: opened(one, text, [text] * many),
        "status": lambda: told(one, Status(text, Style.BAD)),
        "typing": lambda: replace(one, typing=text),
        "trouble": lambda: lost(one, text),
        "before": lambda: replace(one, seen=None),
    }
    return covers.get(cover, lambda: one)()


@settings(max_examples=400, deadline=None)
@given(screens(), st.lists(st.sampled_from(["j", "k", "l", "h", "KEY_END", "KEY_RIGHT", "KEY_ENTER"]), max_size=4))
def test_a_screen_has_exactly_the_lines_and_columns_of_the_terminal(one, keys):
    for key in keys:
        one, _ = pressed(one, key)

    lines = lines_of(one)

    assert len(lines) == one.height
    assert {width_of(text_of(line)) for line in lines} <= {one.width}
    assert max(wcswidth(text_of(line)) for line in lines) <= one.width


@pytest.mark.parametrize("width", [1, 5, 19])
@pytest.mark.parametrize("height", [0, 1, 2, 3, 4])
def test_even_a_window_that_is_hardly_there_does_not_overflow(width, height):
    for tab in Tab:
        lines = lines_of(state(tab, width=width, height=height))

        assert len(lines) == height and {len(text_of(line)) for line in lines} <= {width}


@pytest.mark.parametrize("tab", list(Tab))
def test_in_the_smallest_window_something_of_the_list_is_seen(tab):
    one = state(tab, width=20, height=5)
    row = {Tab.QUEUE: "task-1", Tab.SCHEDULES: "schedule", Tab.THROUGHPUT: ":", Tab.RUNNING: "task-1"}

    assert row.get(tab, "host1" if tab in (Tab.CLUSTERS, Tab.MEMORY) else " ago") in shown(one)


# --- what each says --------------------------------------------------------------------------------------------------


def test_the_clusters_have_the_columns_of_django_q():
    one = state(Tab.CLUSTERS)

    heads = line_with("Host", one).split()
    cells = line_with("host1", one).split()

    assert heads[:8] == ["Host", "Id", "State", "Pool", "TQ", "RQ", "RC", "Up"]
    assert cells[:8] == ["host1", "00000001", "working", "2", "3", "6", "3", "1:02:05"]


def test_the_details_of_a_cluster_name_what_it_replaced_if_anything():
    quiet = scenes.cluster(recycled=0, replaced={})

    assert "replaced   workers recycled 2, monitor died 1" in list(clusters.details(scenes.cluster(), scenes.AT))
    assert "replaced   none" in list(clusters.details(quiet, scenes.AT))


def test_in_a_narrow_window_the_columns_of_django_q_stay():
    heads = line_with("Host", state(Tab.CLUSTERS, width=54)).split()

    assert heads == ["Host", "Id", "State", "Pool", "TQ", "RQ", "RC", "Up"]


def test_the_footer_counts_the_queue_and_the_history():
    assert "default  Queued 6 (4 claimed)  Success 5  Failures 6" in shown(state())
    many = scenes.seen(totals=Totals(0, 0, 10_001, 3, 10_001, 0))

    assert "Queued 10000+ (3 claimed)  Success 10000+  Failures 0" in shown(state(found=many))


def test_clusters_that_ended_or_fell_silent_are_told_apart():
    ended = (
        scenes.cluster(2, ended_at=scenes.AT - timedelta(seconds=70)),
        scenes.cluster(3, expires_at=scenes.AT - timedelta(seconds=40)),
    )
    text = shown(state(found=scenes.seen(ended=ended)))

    assert "web on host2 (4711): ended 1 min 10 s ago" in text
    assert "web on host3 (4711): not heard of any more 40 s ago" in text


@pytest.mark.parametrize(
    ("tab", "sentence"),
    [
        (Tab.CLUSTERS, "no cluster runs; start manage.py qcluster"),
        (Tab.RUNNING, "no cluster runs; start manage.py qcluster"),
        (Tab.QUEUE, "nothing waits; async_task() enqueues a call"),
        (Tab.SCHEDULES, "nothing is scheduled; schedule() in code, or Add in the admin, makes a schedule"),
        (Tab.FAILURES, "nothing has failed"),
        (Tab.THROUGHPUT, "no task has ended in the last hour"),
        (Tab.MEMORY, "no cluster runs; start manage.py qcluster"),
    ],
)
def test_an_empty_tab_names_the_next_step(tab, sentence):
    assert sentence in shown(state(tab, scenes.seen(tab, living=())))


def test_nothing_runs_is_another_thing_than_no_cluster():
    assert "nothing runs; enqueue something" in shown(state(Tab.RUNNING, scenes.seen(Tab.RUNNING)))


def test_running_tasks_are_told_with_their_time_their_limit_and_their_worker():
    found = scenes.seen(
        Tab.RUNNING, running=(scenes.running(1), scenes.running(2, seconds=None, name="", timeout=None))
    )
    one = state(Tab.RUNNING, found)

    assert line_with("task-1", one).split()[:7] == ["task-1", "app.tasks.mail", "12.0", "s", "1", "min", "00"]
    assert "██░░░░░░░░" in line_with("task-1", one)
    assert "just begun" in line_with("00000002", one) and "░" not in line_with("00000002", one)
    assert " 11 " in line_with("task-1", one) and "web on host1" in line_with("task-1", one)


def test_a_column_for_progress_is_there_when_a_task_says_how_far_it_is():
    told = TaskProgress(420, 1000, "step\x1b[31m 420", scenes.AT)
    counting = TaskProgress(7.5, None, "", scenes.AT)
    found = scenes.seen(
        Tab.RUNNING,
        running=(
            scenes.running(1, progress=told),
            scenes.running(2, progress=counting),
            scenes.running(3),
        ),
    )
    one = state(Tab.RUNNING, found, width=200)

    assert "████░░░░░░ 420 of 1000 (42 %): step?[31m 420" in line_with("task-1", one)
    assert " 7.5 " in line_with("task-2", one)
    assert "Progress" in shown(one)
    assert "Progress" not in shown(state(Tab.RUNNING, scenes.seen(Tab.RUNNING, running=(scenes.running(3),))))


def test_a_queue_that_nobody_serves_is_named_with_what_to_start():
    assert 'no cluster serves "alone"' in line_with("alone", state(Tab.QUEUE))


def test_of_many_queues_those_without_a_cluster_and_the_fullest_are_shown():
    depths = tuple(Depth(f"queue{n}", 0, 0, n, 0) for n in range(1, 20))
    found = scenes.seen(Tab.QUEUE, depths=depths, living=(scenes.cluster(queues=tuple(d.queue for d in depths[1:])),))
    text = shown(state(Tab.QUEUE, found))

    assert "queue1 " in text and "queue19" in text and "queue5 " not in text
    assert "and 11 more queues" in text


def test_what_is_due_later_says_when():
    later = scenes.queued(3, state="deferred", run_after=scenes.AT + timedelta(minutes=5))
    one = state(Tab.QUEUE, scenes.seen(Tab.QUEUE, queued=(later, scenes.queued(4))))

    assert "in 5 min 00 s" in line_with("task-3", one)
    assert "5 s ago" in line_with("task-4", one)


def test_a_paused_schedule_is_not_due():
    one = state(Tab.SCHEDULES)

    assert "in 1 min 30 s" in line_with("schedule-1", one)
    assert "paused" in line_with("schedule-2", one) and " in 1" not in line_with("schedule-2", one)


def test_failures_show_the_beginning_of_the_error():
    found = scenes.seen(Tab.FAILURES, failures=(scenes.failed(1, error="ValueError: no\nsecond line"),))
    one = state(Tab.FAILURES, found)

    assert "ValueError: no" in line_with("task-1", one) and "second" not in shown(one)


def test_the_throughput_is_told_minute_by_minute_without_the_empty_time_before():
    empty = replace(scenes.last_hour().bars[0], succeeded=0, failed=0, begins=scenes.AT - timedelta(seconds=120))
    hour = replace(scenes.last_hour(), bars=(empty, *scenes.last_hour().bars))
    text = shown(state(Tab.THROUGHPUT, scenes.seen(Tab.THROUGHPUT, last_hour=hour, **{"last_day": None})))

    rows = [line.split() for line in text.splitlines() if line[:8].strip().count(":") == 2]
    assert [row[1:4] for row in rows] == [["3", "0", "0.1"], ["30", "6", "0.6"]]
    assert rows[1][-1] == "█" * 30 and rows[0][-1] == "█" * 2


def test_the_rate_of_the_last_day_stands_above_the_minutes():
    assert "1.00 tasks per minute, average execution time 0.5000 s" in shown(state(Tab.THROUGHPUT))


def test_the_memory_has_the_columns_of_django_q():
    one = state(Tab.MEMORY, width=200)

    heads = [word.strip() for word in line_with("Host", one).split("  ") if word.strip()]
    cells = line_with("host1", one).split()

    wanted = ["Host", "Id", "Available (%)", "Available (MB)", "Total (MB)", "Sentinel (MB)", "Monitor (MB)"]
    assert heads[:8] == [*wanted, "Workers (MB)"]
    assert cells == ["host1", "00000001", "25.00", "1024.00", "4096.00", "30.00", "31.00", "70.00"] + [
        "unknown", "unknown", "12.5",
    ]  # fmt: skip


def test_with_workers_each_has_a_column():
    other = scenes.cluster(2, workers=scenes.cluster().workers[:1])
    one = state(Tab.MEMORY, scenes.seen(Tab.MEMORY, living=(scenes.cluster(), other)), width=200, by_worker=True)

    assert "Worker 1 (MB)  Worker 2 (MB)" in line_with("Host", one)
    assert line_with("host1", one).split()[7:9] == ["50.00", "20.00"]
    assert line_with("host2", one).split()[7:9] == ["50.00", "-"]


def test_the_least_memory_that_a_host_had_left_is_remembered():
    one = state(Tab.MEMORY)
    for available in (512, 2048):
        one = saw(one, scenes.seen(Tab.MEMORY, living=(scenes.cluster(host_available=available * scenes.MIB),)))

    assert "Available lowest (MB): host1 512.00" in shown(one)
    assert "2048.00" in line_with("00000001", one)


def test_where_a_system_tells_no_memory_it_is_unknown():
    nothing = scenes.cluster(host_available=None, host_total=None, memory=None, memory_of={}, cpu=None, workers=())
    text = shown(state(Tab.MEMORY, scenes.seen(Tab.MEMORY, living=(nothing,)), width=200))

    assert text.count("unknown") == 10
    assert "Available lowest: unknown" in text


# --- what surrounds them ---------------------------------------------------------------------------------------------


def test_a_lost_database_covers_the_list_and_a_look_that_succeeds_uncovers_it():
    one = lost(state(), "The database 'default' cannot be read: gone")

    assert "cannot be read: gone" in shown(one) and "host1" not in shown(one)
    assert "It is tried again" in shown(one)
    assert "host1" in shown(saw(one, scenes.full(Tab.CLUSTERS)))


def test_the_selected_row_is_marked_and_in_sight():
    found = scenes.seen(Tab.FAILURES, failures=tuple(scenes.failed(n) for n in range(90)))
    one, _ = pressed(state(Tab.FAILURES, found, height=12), "KEY_END")

    (chosen,) = [line for line in lines_of(one)[2:] if line[0].style is Style.CHOSEN]
    assert "task-89" in text_of(chosen)


def test_the_visible_tab_is_marked_and_keeps_its_name_where_there_is_no_room_for_all():
    one = state(Tab.QUEUE, width=40)
    tabs = lines_of(one)[1]

    assert [span.text.strip() for span in tabs if span.style is Style.CHOSEN] == ["3 Queue"]
    assert text_of(tabs).split() == ["1", "2", "3", "Queue", "4", "5", "6"]


def test_the_sparkline_shows_what_ended_between_looks():
    one = state(found=scenes.seen(living=(scenes.cluster(succeeded=0, not_succeeded=0),)))
    for seconds, count in ((5, 10), (10, 110), (15, 110)):
        at = scenes.AT + timedelta(seconds=seconds)
        one = saw(one, scenes.seen(at=at, living=(scenes.cluster(succeeded=count, not_succeeded=0),)))

    assert one.pulse.rates() == [2.0, 20.0, 0.0]
    assert "0.0/s ▁█▁" in shown(one)


def test_a_cluster_that_comes_or_goes_does_not_disturb_the_rate():
    one = state(found=scenes.seen(living=(scenes.cluster(1, succeeded=1000),)))
    after = scenes.seen(at=scenes.AT + timedelta(seconds=5), living=(scenes.cluster(2, succeeded=5000),))

    assert saw(one, after).pulse.rates() == [0.0]


def test_numbers_in_words():
    assert [uptime(each) for each in (0, 61, 3725, 90_000)] == ["0:00:00", "0:01:01", "1:02:05", "25:00:00"]
    assert [span(each) for each in (0.0123, 1.5, 61, 3660, 90_000)] == [
        "12 ms", "1.5 s", "1 min 01 s", "1 h 01 min", "1 d 1 h",
    ]  # fmt: skip
    assert [ago(each) for each in (0.2, 5, -5, -90)] == ["1 s ago", "5 s ago", "in 5 s", "in 1 min 30 s"]
    assert sparkline([0, 1, 2, 4], 3) == "▃▅█"
    assert sparkline([], 10) == "" and sparkline([0, 0], 10) == "▁▁"


# --- without a screen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", list(Tab))
def test_as_text_a_tab_is_its_table_and_the_counts(tab):
    one = state(tab)
    text = list(printed(one, one.seen))

    assert (text[-1].startswith("default  Queued 6")) is (tab is not Tab.MEMORY)
    assert not any("\x1b" in line or line != line.rstrip() for line in text)


@pytest.mark.parametrize("tab", list(Tab))
def test_as_an_object_a_tab_holds_what_the_table_shows(tab):
    one = state(tab)
    told = as_object(one, one.seen)

    assert told["database"] == "default"
    wanted = {Tab.CLUSTERS: "living", Tab.MEMORY: "clusters", Tab.QUEUE: "queued", Tab.THROUGHPUT: "last_hour"}
    assert told[wanted.get(tab, tab.value)]
