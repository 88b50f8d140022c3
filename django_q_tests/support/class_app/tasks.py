"""The class tasks of support/class_tasks.py, where runners find them."""

from django_q_tests.support.class_tasks import *  # noqa: F403
