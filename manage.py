#!/usr/bin/env python
"""Run Django's commands on the example project, unless the environment names another one."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_q.examples.project.settings")
    execute_from_command_line(sys.argv)
