"""Print the path of a link that logs the user of the demonstration in, once."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from django_q.examples.project.entrance import path_for


class Command(BaseCommand):
    help = "Prints the path of a link that logs the user demo in, once."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(path_for(get_user_model().objects.get(username="demo")))
