"""What a move was asked to do, and moments as this project stores them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from django_q.conf import Settings
from django_q.management.moving.tables import OldTables

RETRY = 60  # seconds, where Q_CLUSTER does not say


@dataclass(frozen=True, slots=True)
class Plan:
    """From where, to where, and how."""

    old: OldTables
    settings: Settings
    name: str  # of the old cluster: it salts the signatures of its queue
    batch: int
    dry_run: bool
    trusts_pickles: bool
    retry: float = RETRY  # seconds: Q_CLUSTER["retry"] of Django Q

    @property
    def lease(self) -> timedelta:
        """Return for how long after its lock a row is held: Django Q writes when it took it, Django Q2 until when."""
        return timedelta(seconds=self.retry if self.old.locks_when_taken else 0)

    @property
    def alias(self) -> str:
        """Return the alias of the database of our own tables."""
        return self.settings.orm


def in_settings_form(moment: datetime) -> datetime:
    """Return a moment as Django stores it now, whatever USE_TZ was when it was written."""
    if timezone.is_naive(moment):
        return timezone.make_aware(moment) if settings.USE_TZ else moment
    return moment if settings.USE_TZ else timezone.make_naive(moment)
