"""The tables of Django Q and Django Q2, read as they stand: whatever era wrote them, and never written."""

from django.apps.registry import Apps
from django.db import models

from django_q.management.moving.reading import Owner, Tables, Wanted, columns_of

DJANGO_Q = "Django Q"
DJANGO_Q2 = "Django Q2"

# Their labels and table names are taken by nobody here: a registry of their own keeps migrations from seeing them.
_registry = Apps()


class OldTask(models.Model):
    """A task that ended, as both packages store it."""

    id = models.CharField(primary_key=True, max_length=32)
    name = models.CharField(max_length=100)
    func = models.CharField(max_length=256)
    hook = models.CharField(max_length=256, null=True)
    # Pickles as base64 text, unsigned: they are not opened by being read.
    args = models.TextField(null=True)
    kwargs = models.TextField(null=True)
    result = models.TextField(null=True)
    group = models.CharField(max_length=100, null=True)
    cluster = models.CharField(max_length=100, null=True)
    started = models.DateTimeField()
    stopped = models.DateTimeField()
    success = models.BooleanField()
    attempt_count = models.IntegerField()

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_task"
        managed = False


class OldSchedule(models.Model):
    """A schedule, as both packages store it."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, null=True)
    func = models.CharField(max_length=256)
    hook = models.CharField(max_length=256, null=True)
    args = models.TextField(null=True)
    kwargs = models.TextField(null=True)
    schedule_type = models.CharField(max_length=2)
    minutes = models.IntegerField(null=True)
    repeats = models.IntegerField()
    next_run = models.DateTimeField(null=True)
    cron = models.CharField(max_length=100, null=True)
    task = models.CharField(max_length=100, null=True)
    cluster = models.CharField(max_length=100, null=True)
    intended_date_kwarg = models.CharField(max_length=100, null=True)

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_schedule"
        managed = False


class OldQueued(models.Model):
    """A signed package that waits, as both packages store it; ``lock`` is the moment from which it may be taken."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=100)
    payload = models.TextField()
    lock = models.DateTimeField(null=True)

    class Meta:
        apps = _registry
        app_label = "django_q_old"
        db_table = "django_q_ormq"
        managed = False


# What came with later migrations, and what a row without it would say.
_LATER: Wanted = {
    OldTask: frozenset({"attempt_count", "cluster"}),
    OldSchedule: frozenset({"cron", "cluster", "intended_date_kwarg"}),
    OldQueued: frozenset(),
}
_OF_Q2 = ((OldTask, "cluster"), (OldSchedule, "intended_date_kwarg"))
_OWNER = Owner(
    stores="Django Q and Django Q2 store their rows",
    strangers="is neither Django Q's nor Django Q2's",
    newest="django-q 1.3.9 or of django-q2",
)


class OldTables(Tables):
    """The tables of Django Q or of Django Q2."""

    __slots__ = ()

    @property
    def era(self) -> str:
        """Return the name of the package whose columns these are."""
        return DJANGO_Q2 if any(name in self.columns[model] for model, name in _OF_Q2) else DJANGO_Q

    @property
    def locks_when_taken(self) -> bool:
        """Is ``lock`` the moment at which a row was taken? In Django Q2 it is the one until which it is held."""
        return self.era == DJANGO_Q


def find(alias: str) -> OldTables:
    """Return the tables of an old package in a database. Raises CommandError that says what is not there."""
    return OldTables(alias, columns_of(alias, _LATER, _OWNER))
