"""The address of the stream, for pages without a websocket: ``path("", include("django_q.contrib.publish.urls"))``."""

from django.urls import path

from django_q.contrib.publish import views

app_name = "django_q_publish"

urlpatterns = [path("schtasks/show_task_events/events/", views.events, name="events")]
