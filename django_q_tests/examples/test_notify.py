"""Notifications, by the call that others know."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.dispatch import Signal
from django.utils import timezone

from django_q.examples.experimenteditor import bookings, notify
from django_q.examples.experimenteditor.models import Notification, Preferences


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


def deliver(sender, **message):
    """What a project may have instead; keeps what it gets."""
    delivered.append((sender, message))
    return "delivered"


delivered = []


def test_another_callable_of_the_same_shape_can_deliver(user, experiment, settings):
    delivered.clear()
    settings.EXPERIMENTEDITOR = {"NOTIFY": f"{__name__}.deliver"}

    start = timezone.now() + timedelta(hours=1)
    run = bookings.book(experiment, start, start + timedelta(minutes=1))

    ((sender, message),) = delivered
    assert sender == experiment and message["recipient"] == user and message["action_object"] == run
    assert message["verb"].startswith("was just scheduled for ") and message["public"] is False
    assert set(message) <= {"recipient", "verb", "action_object", "target", "level", "description", "public"}
    assert not Notification.objects.exists()


def test_a_signal_as_that_of_django_notifications_can_deliver(user, experiment, settings):
    """That package offers ``notifications.signals.notify.send``, the method of a signal."""
    heard = []
    signal.connect(lambda **message: heard.append(message), weak=False)
    settings.EXPERIMENTEDITOR = {"NOTIFY": f"{__name__}.signal.send"}

    notify.send(experiment, recipient=user, verb="is there", level="success")

    assert [(message["sender"], message["verb"], message["level"]) for message in heard] == [
        (experiment, "is there", "success")
    ]


signal = Signal()


def test_a_notification_speaks_to_its_recipient(user, experiment):
    Preferences.objects.create(user=user, language="de", time_zone="Asia/Kathmandu")
    start = timezone.now() + timedelta(hours=1)

    bookings.book(experiment, start, start + timedelta(minutes=1))

    local = start.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert Notification.objects.get().verb == f"wurde eingeplant für {local:%Y-%m-%d %H:%M:%S} +0545"
