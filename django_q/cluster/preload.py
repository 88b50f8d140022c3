"""What a fork server imports once, so that its children share the memory and start in milliseconds."""

import signal

import django

from django_q.cluster import launch

# A TERM to the whole process group is meant for the sentinel, which would lose its children without this process.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
django.setup()
launch.preload()
