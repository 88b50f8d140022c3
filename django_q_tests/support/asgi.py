"""The entry point of an ASGI server that a test starts; the test says how long its streams may be silent."""

import os

from django.core.asgi import get_asgi_application

from django_q.web import events

events.HEARTBEAT = float(os.environ["DJANGO_Q_TEST_HEARTBEAT"])

application = get_asgi_application()
