"""The address of the websocket, for the ``URLRouter`` of Channels."""

from django.urls import path

from django_q.contrib.publish.consumers import TaskEventsConsumer

websocket_urlpatterns = [path("schtasks/show_task_events/channel/", TaskEventsConsumer.as_asgi())]
