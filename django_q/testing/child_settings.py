"""The settings of the processes of a cluster that a test started: those of the test run."""

from django_q.testing import carried

globals().update(carried.read())
