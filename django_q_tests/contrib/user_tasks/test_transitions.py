"""What each change of a row does to it and to those above it."""

import pytest
from django.utils import translation

from django_q.contrib.user_tasks.exceptions import TaskCanceledException
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.exceptions import InvalidValue, TaskCanceled
from django_q_tests.contrib.user_tasks import followed

pytestmark = pytest.mark.django_db


@pytest.fixture
def make():
    user, made = followed.make_user(), []

    def make(**columns):
        made.append(None)
        columns = {"name": f"n{len(made)}", "total_steps": 4, "task_class": "x"} | columns
        return UserTaskStatus.objects.create(user=user, task_id=f"t{len(made)}", **columns)

    return make


@pytest.fixture
def tree(make):
    """A chain that holds a group of two and one more: leaves of different depth."""
    chain = make(is_container=True, task_class="chain", total_steps=12)
    group = make(is_container=True, task_class="group", total_steps=8, parent=chain)
    return chain, group, make(parent=group), make(parent=group), make(parent=chain)


def states(*rows):
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


def steps(*rows):
    for row in rows:
        row.refresh_from_db()
    return [row.completed_steps for row in rows]


def test_a_start_is_seen_above_where_something_waits(tree):
    chain, group, first, second, last = tree
    UserTaskStatus.objects.filter(pk=group.pk).update(state="Retrying")
    first.start()

    assert states(*tree) == ["In Progress", "In Progress", "In Progress", "Pending", "Pending"]
    assert first.state == "In Progress"


def test_a_failed_container_stays_failed_when_another_child_starts(tree):
    chain, group, first, second, last = tree
    first.fail("no paper")
    second.start()

    assert states(*tree) == ["Failed", "Failed", "Failed", "In Progress", "Pending"]


def test_a_state_of_its_own_is_shown_by_chains_and_not_by_groups(tree):
    chain, group, first, second, last = tree
    last.set_state("Printing")
    assert states(*tree) == ["Printing", "Pending", "Pending", "Pending", "Printing"]

    first.set_state("Folding")
    assert states(*tree) == ["Printing", "Pending", "Folding", "Pending", "Printing"]


def test_a_name_is_shown_all_the_way_up(tree):
    tree[2].set_name("x" * 300)

    assert {row.name for row in UserTaskStatus.objects.all()} == {"x" * 255, "n4", "n5"}


def test_what_has_ended_can_be_named_unless_it_was_canceled(make):
    done, canceled = make(state="Succeeded"), make(state="Canceled")
    done.set_name("new")
    with pytest.raises(TaskCanceledException):
        canceled.set_name("new")

    assert sorted(UserTaskStatus.objects.values_list("name", flat=True)) == ["n2", "new"]


def test_steps_add_up_and_never_exceed_the_total(tree):
    chain, group, first, second, last = tree
    first.increment_completed_steps()
    first.increment_completed_steps(2)
    second.increment_completed_steps(9)

    assert steps(*tree) == [7, 7, 3, 4, 0]
    assert second.completed_steps == 4


@pytest.mark.parametrize("number", [-1, 1.5, "1", True, None])
def test_steps_are_a_whole_number_that_is_not_negative(make, number):
    with pytest.raises(InvalidValue, match="whole number, 0 or above"):
        make().increment_completed_steps(number)
    with pytest.raises(InvalidValue, match="whole number, 0 or above"):
        make().increment_total_steps(number)


def test_a_total_grows_all_the_way_up(tree):
    tree[2].increment_total_steps(3)

    assert [row.total_steps for row in UserTaskStatus.objects.order_by("pk")] == [15, 11, 7, 4, 4]


def test_a_retry_counts_and_leaves_what_is_above_alone(tree):
    tree[2].retry()

    assert states(*tree) == ["Pending", "Pending", "Retrying", "Pending", "Pending"]
    assert tree[2].attempts == 2 and tree[0].attempts == 1


def test_a_failure_is_told_all_the_way_up(tree):
    tree[2].fail("There is no paper.")

    assert states(*tree) == ["Failed", "Failed", "Failed", "Pending", "Pending"]
    told = UserTaskArtifact.objects.values_list("status", "name", "text")
    assert sorted(told) == [(row.pk, "Error", "There is no paper.") for row in tree[:3]]


def test_a_container_succeeds_with_its_last_child(tree):
    chain, group, first, second, last = tree
    first.succeed()
    second.succeed()
    assert states(*tree) == ["Pending", "Succeeded", "Succeeded", "Succeeded", "Pending"]

    last.succeed()
    assert states(chain) == ["Succeeded"] and steps(*tree) == [12, 8, 4, 4, 4]


def test_a_container_of_which_a_child_was_canceled_ends_as_canceled_with_the_last(tree):
    chain, group, first, second, last = tree
    first.cancel()
    assert states(*tree) == ["Pending", "Pending", "Canceled", "Pending", "Pending"]

    second.succeed()
    assert states(chain, group) == ["Pending", "Canceled"]


def test_to_cancel_a_container_cancels_all_below_that_have_not_ended(tree):
    chain, group, first, second, last = tree
    first.succeed()
    chain.cancel()

    assert states(*tree) == ["Canceled", "Canceled", "Succeeded", "Canceled", "Canceled"]
    assert chain.state == "Canceled" and not UserTaskArtifact.objects.exists()


def test_to_cancel_a_container_that_has_failed_cancels_what_still_runs_below(tree):
    chain, group, first, second, last = tree
    first.fail("no paper")
    chain.cancel()

    assert states(*tree) == ["Failed", "Failed", "Failed", "Canceled", "Canceled"]


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "Canceled"])
def test_what_has_ended_is_not_canceled(make, state):
    row = make(state=state)
    row.cancel()

    assert states(row) == [state]


CHANGES = [
    lambda row: row.start(),
    lambda row: row.set_state("Printing"),
    lambda row: row.increment_completed_steps(),
    lambda row: row.retry(),
    lambda row: row.fail("no paper"),
    lambda row: row.succeed(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_canceled_stays_so_and_the_task_is_told(make, change):
    row = make(state="Canceled", completed_steps=1)

    with pytest.raises(TaskCanceledException) as caught:
        change(row)

    assert isinstance(caught.value, RuntimeError) and isinstance(caught.value, TaskCanceled)
    assert states(row) == ["Canceled"] and row.completed_steps == 1 and not row.artifacts.exists()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_what_has_ended_keeps_its_state_and_the_log_tells_of_the_attempt(make, change, state, caplog):
    row = make(state=state, completed_steps=1, parent=make(is_container=True, state="In Progress"))

    with caplog.at_level("INFO", "django_q.user_tasks"):
        change(row)

    assert f"The user task {row.task_id} cannot be" in caplog.text and f"it is {state}" in caplog.text
    assert states(row, row.parent) == [state, "In Progress"] and not row.artifacts.exists() and row.attempts == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_canceled_container_keeps_its_state_and_raises_nothing(make, change):
    row = make(state="Canceled", is_container=True)

    change(row)

    assert states(row) == ["Canceled"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_is_gone_is_passed_over(make, change):
    row = make()
    UserTaskStatus.objects.all().delete()

    change(row)

    assert not UserTaskStatus.objects.exists()


def test_only_a_reset_ends_a_final_state(tree):
    chain, group, first, second, last = tree
    for row in (first, second, last):
        row.succeed()
    first.reset()

    assert states(*tree) == ["In Progress", "In Progress", "Pending", "Succeeded", "Succeeded"]
    assert steps(*tree) == [8, 4, 0, 4, 4]
    first.start()
    first.succeed()
    assert states(chain, group) == ["Succeeded", "Succeeded"] and steps(chain) == [12]


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "Canceled", "canceled"])
def test_a_final_state_is_not_set_by_hand(make, state):
    with pytest.raises(InvalidValue, match="would end the task"):
        make().set_state(state)


def test_states_are_translated_where_they_are_shown(make):
    row = make(state="In Progress")
    with translation.override("de"):
        assert (row.state, row.state_text) == ("In Progress", "Läuft")
    with translation.override("pl"):
        assert row.state_text == "W toku"
    assert row.state_text == "In Progress"

    row.set_state("Exporting X" + "x" * 200)
    with translation.override("de"):
        assert row.state_text == ("Exporting X" + "x" * 200)[:128]


def test_rows_and_artifacts_have_titles(make):
    row = make(name="Export")
    texts = [
        UserTaskArtifact(status=row, text="x" * 50),
        UserTaskArtifact(status=row, text="x" * 51),
        UserTaskArtifact(status=row, url="https://x.example/", text="x", name="Report"),
        UserTaskArtifact(status=row, file="a/b.txt", url="https://x.example/"),
    ]

    assert str(row) == "<UserTaskStatus: Export>"
    assert list(map(str, texts)) == [
        f"<UserTaskArtifact: (Output) {'x' * 50}>",
        f"<UserTaskArtifact: (Output) {'x' * 47}...>",
        "<UserTaskArtifact: (Report) https://x.example/>",
        "<UserTaskArtifact: (Output) a/b.txt>",
    ]


@pytest.mark.parametrize("state", ["Pending", "A", "D", "G", "x", "Exporting"])
def test_what_lies_between_the_final_states_is_unfinished(make, state):
    make(state=state)

    assert UserTaskStatus.objects.unfinished().exists()


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "Canceled"])
def test_what_has_a_final_state_is_finished(make, state):
    make(state=state)

    assert not UserTaskStatus.objects.unfinished().exists()
