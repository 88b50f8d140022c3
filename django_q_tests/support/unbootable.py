"""Settings that only the process which read them first can read: its children cannot start."""

import multiprocessing

from django_q_tests.settings.process import *  # noqa: F403

if multiprocessing.parent_process() is not None:
    raise RuntimeError("these settings cannot be read here")
