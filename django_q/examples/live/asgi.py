"""The entry point of ASGI servers, with the websocket: ``daphne asgi:application``, ``uvicorn asgi:application``."""

# ruff: noqa: E402

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
pages = get_asgi_application()

# Django has to be set up before this is imported.
from django_q.contrib.publish.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        # These servers serve no static files of their own; behind nginx or WhiteNoise `pages` alone will do.
        "http": ASGIStaticFilesHandler(pages),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
