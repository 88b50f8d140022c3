"""People: how they want to be spoken to, and what they were told."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Preferences(models.Model):
    """The language and the time zone of a user; what is blank is that of the site."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiment_preferences"
    )
    language = models.CharField(max_length=20, blank=True, help_text="As in settings.LANGUAGES, for example pt-br.")
    time_zone = models.CharField(max_length=64, blank=True, help_text="For example Europe/Warsaw.")

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"{self.user}: {self.language or 'language of the site'}, {self.time_zone or 'time zone of the site'}"


class Notification(models.Model):
    """A message for a user, shown on the pages of the editor."""

    LEVELS = ("success", "info", "warning", "error")

    level = models.CharField(max_length=10, default="info", choices=[(level, level) for level in LEVELS])
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiment_news")
    unread = models.BooleanField(default=True)
    actor = models.CharField(max_length=256)
    verb = models.CharField(max_length=255)
    target = models.CharField(max_length=256, blank=True)
    action_object = models.CharField(max_length=256, blank=True)
    url = models.CharField(max_length=200, blank=True, help_text="Where to read more.")
    description = models.TextField(blank=True)
    timestamp = models.DateTimeField(default=timezone.now)
    public = models.BooleanField(default=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-timestamp", "-pk")
        indexes = [models.Index(fields=["recipient", "unread"], name="experimenteditor_unread")]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.actor, self.verb, self.target]))
