"""Who visits the admin, and a second database that may hold the queue."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connections


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def reader(client):
    """Somebody who may look at all lists and pages, but at no payload."""
    user = User.objects.create_user("reader", is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="django_q", codename__startswith="view_")
    user.user_permissions.set(rights.exclude(codename="view_payload"))
    client.force_login(user)
    return client


@pytest.fixture
def elsewhere(transactional_db, settings, tmp_path):
    """A second database that holds the queue, while users and the log of the admin stay on the first."""
    wanted = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "queue.sqlite3"), "OPTIONS": {}}
    connections.databases["elsewhere"] = {**connections.databases["default"], **wanted}
    try:
        connections["elsewhere"].connect()  # the alias came after the test had been allowed its own
        for label in ("django_q", "django_q_background"):  # what goes with the history is where the history is
            call_command("migrate", label, database="elsewhere", verbosity=0)
        settings.Q_CLUSTER = {"orm": "elsewhere"}
        yield "elsewhere"
    finally:
        connections["elsewhere"].close()
        del connections["elsewhere"]
        del connections.databases["elsewhere"]
