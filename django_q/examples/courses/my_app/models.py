"""A course and its sections."""

from django.db import models


class Course(models.Model):
    """Something to be taught."""

    name = models.CharField(max_length=100)

    class Meta:
        app_label = "my_app"

    def __str__(self):
        return self.name


class Section(models.Model):
    """A part of a course."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="sections")
    name = models.CharField(max_length=100)
    text = models.TextField(blank=True)

    class Meta:
        app_label = "my_app"
        ordering = ["pk"]

    def __str__(self):
        return self.name

    def export(self):
        """Return the section as text with a heading."""
        return f"{self.name}\n{'=' * len(self.name)}\n\n{self.text}\n\n"
