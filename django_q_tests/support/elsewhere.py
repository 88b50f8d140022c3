"""Settings of a cluster that believes it runs on another host, so that only its lease can tell whether it lives."""

import os
import socket

from django_q_tests.settings.process import *  # noqa: F403

_NAME = os.environ["DJANGO_Q_TEST_HOST"]
socket.gethostname = lambda: _NAME
