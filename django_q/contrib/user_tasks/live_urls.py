"""The addresses of live pages: ``path("user_tasks/", include("django_q.contrib.user_tasks.live_urls"))``."""

from django.urls import path

from django_q.contrib.user_tasks import live

app_name = "user_tasks_live"

urlpatterns = [
    path("<uuid:uuid>/", live.status, name="status"),
    path("<uuid:uuid>/events/", live.events, name="events"),
    path("<uuid:uuid>/cancel/", live.cancel, name="cancel"),
]
