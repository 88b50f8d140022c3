"""The addresses of a site with a live task."""

from django.urls import include, path

from django_q.examples.live import views

urlpatterns = [
    path("", views.watch, {"template": "watch"}),
    path("tag/", views.watch, {"template": "tag"}),
    path("start/", views.start, name="start"),
    path("", include("django_q.contrib.publish.urls")),
]
