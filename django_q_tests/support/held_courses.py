"""The application that holds up the export of each section, in clusters that a test starts, until the test lets go."""

import os
import time
from pathlib import Path

from django.apps import AppConfig


class HeldCoursesConfig(AppConfig):
    """Holds up the exports of this process and of those that it forks."""

    name = "django_q_tests.support.held_courses"
    label = "django_q_test_held_courses"

    def ready(self) -> None:
        """Begin to hold up, once there are models."""
        from my_app.models import Section

        Section.export = _held(Section.export)


APP = f"{__name__}.{HeldCoursesConfig.__name__}"


def _held(export):
    folder = Path(os.environ["DJANGO_Q_TEST_MARKERS"])

    def export_when_told(section):
        with (folder / "exporting").open("a") as file:
            file.write(f"{section.name}\n")
        while not (folder / section.name).exists():
            time.sleep(0.02)
        return export(section)

    return export_when_told
