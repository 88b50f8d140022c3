"""Notifications, by the call that others know."""

import pytest
from django.contrib.auth.models import Group, User

from django_q.examples.experimenteditor import notify
from django_q.examples.experimenteditor.models import Notification


def test_a_notification_is_written_for_a_user(user, experiment):
    ((receiver, written),) = notify.send(
        experiment, recipient=user, verb="has ended", level="success", description="at last", actor="extra"
    )

    (row,) = Notification.objects.all()
    assert receiver is notify.send and written == [row]
    assert str(row) == "my first-test has ended"
    assert (row.level, row.description, row.unread, row.public) == ("success", "at last", True, True)
    assert row.url == experiment.get_absolute_url()
    assert row.data == {"actor": "extra"}


def test_a_group_a_queryset_and_a_list_are_recipients_too(user, experiment):
    bob = User.objects.create_user("bob")
    group = Group.objects.create(name="lab")
    group.user_set.add(user, bob)

    for recipient in (group, User.objects.all(), [user, bob]):
        notify.send(experiment, recipient=recipient, verb="is there")

    assert (
        Notification.objects.filter(recipient=bob).count() == Notification.objects.filter(recipient=user).count() == 3
    )


def test_a_level_that_does_not_exist_is_refused(user):
    with pytest.raises(ValueError, match="'panic'.*Use one of"):
        notify.send("fire", recipient=user, verb="is burning", level="panic")


def test_target_and_action_object_are_kept_as_text(user, experiment, run):
    notify.send(user, recipient=user, verb="moved", action_object=run, target=experiment)

    row = Notification.objects.latest("pk")
    assert (row.action_object, row.target) == (str(run), str(experiment))
    assert row.url == experiment.get_absolute_url()
