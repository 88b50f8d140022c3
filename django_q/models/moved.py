"""What was moved in from another package: one row per row that was, so that none is moved twice."""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_q.models.installed import app_label


class MovedQuerySet(models.QuerySet["Moved"]):
    """Reading and writing of marks."""

    def known(self, keys: Iterable[str]) -> dict[str, bool]:
        """Return those of the keys that were moved, each with whether it lacks something."""
        return dict(self.filter(pk__in=list(keys)).values_list("key", "is_incomplete"))

    def mark(self, keys: Iterable[str], *, is_incomplete: bool = False) -> None:
        """Write that these were moved."""
        self.bulk_create([self.model(key=key, is_incomplete=is_incomplete) for key in keys])

    def complete(self, keys: Iterable[str]) -> int:
        """Write that these lack nothing any more; return how many did."""
        return self.filter(pk__in=list(keys), is_incomplete=True).update(is_incomplete=False)


class Moved(models.Model):
    """A row of another package that was moved in."""

    key = models.CharField(primary_key=True, max_length=190)
    is_incomplete = models.BooleanField(default=False, help_text=_("Something of it is still to be moved."))

    objects = MovedQuerySet.as_manager()

    class Meta:
        app_label = app_label()
        db_table = "django_q_moved"
        verbose_name = _("row that was moved in")
        verbose_name_plural = _("rows that were moved in")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
