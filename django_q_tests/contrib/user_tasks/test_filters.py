"""The settings that say which rows the REST API shows, each of them by itself and at once."""

import pytest
from rest_framework.filters import BaseFilterBackend
from rest_framework.test import APIClient

from django_q.contrib.user_tasks import options
from django_q.contrib.user_tasks.checks import check_settings
from django_q.contrib.user_tasks.filters import StatusFilterBackend
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.contrib.user_tasks.views import StatusViewSet
from django_q.exceptions import InvalidSettings
from django_q_tests.contrib.user_tasks import followed

pytestmark = [pytest.mark.once, pytest.mark.urls("django_q.contrib.user_tasks.urls")]

STATUS, ARTIFACT = "USER_TASKS_STATUS_FILTERS", "USER_TASKS_ARTIFACT_FILTERS"


class Nothing(BaseFilterBackend):
    """Shows no row."""

    def filter_queryset(self, request, queryset, view):
        return queryset.none()


class Everything(BaseFilterBackend):
    """Shows every row."""

    def filter_queryset(self, request, queryset, view):
        return queryset


@pytest.fixture
def shown(db):
    """How many rows each list shows to somebody who has one of two."""
    for name in ("ann", "bob"):
        user = followed.make_user(name)
        row = UserTaskStatus.objects.create(user=user, task_id=name, total_steps=1, state="Failed")
        UserTaskArtifact.objects.create(status=row)
    client = APIClient()
    client.force_login(user)
    return lambda **asked: (len(client.get("/tasks/", asked).json()), len(client.get("/artifacts/").json()))


def test_each_setting_applies_to_its_own_list_from_then_on(shown, settings):
    assert shown() == (1, 1)

    setattr(settings, STATUS, [Nothing])
    assert shown() == (0, 1)

    setattr(settings, ARTIFACT, (f"{__name__}.Everything",))
    assert shown() == (0, 2)

    delattr(settings, STATUS)
    assert shown() == (1, 2)


def test_filters_are_applied_one_after_the_other(shown, settings):
    setattr(settings, STATUS, [Everything, StatusFilterBackend])
    assert shown() == (1, 1)

    setattr(settings, STATUS, [])
    assert shown() == (2, 1)


def test_parameters_work_whatever_filters_there_are(shown, settings):
    setattr(settings, STATUS, [Everything])

    assert shown(state="Failed") == (2, 1) and shown(state="Pending") == (0, 1)


def test_a_filter_that_shows_the_row_of_another_user_does_not_open_it(shown, settings):
    setattr(settings, STATUS, [Everything])
    client = APIClient()
    client.force_login(UserTaskStatus.objects.get(task_id="bob").user)

    foreign = UserTaskStatus.objects.get(task_id="ann")

    assert client.get(f"/tasks/{foreign.uuid}/").status_code == 404
    assert client.get("/tasks/nonsense/").status_code == 404


def test_a_view_of_the_project_may_have_filters_of_its_own():
    class Mine(StatusViewSet):
        """Its own view."""

        filter_backends = [Nothing]

    assert Mine().filter_backends == [Nothing]
    assert StatusViewSet().filter_backends[0] is StatusFilterBackend


@pytest.mark.parametrize("setting", [STATUS, ARTIFACT])
@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (f"{__name__}.Nothing", "Write a list of filter backends, each a class or its path."),
        (None, "is None."),
        (["shop.filters.Missing"], "names 'shop.filters.Missing', which cannot be imported: No module named 'shop'"),
        (["nonsense"], "cannot be imported"),
        ([dict], "is no filter backend: it has no filter_queryset()."),
    ],
)
def test_what_cannot_be_a_filter_is_named_by_the_check_and_at_use(settings, setting, value, complaint):
    setattr(settings, setting, value)

    [message] = check_settings()

    assert complaint in message.msg and message.msg.startswith(setting) and message.id == "django_q_user_tasks.E001"
    with pytest.raises(InvalidSettings) as raised:
        options.filters(setting)
    assert str(raised.value) == message.msg
