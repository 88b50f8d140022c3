"""The addresses of the demonstration."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from django_q.examples.project import entrance, views
from django_q.examples.snippets.views import v

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="experimenteditor:experiments"), name="start"),
    path("buttons/", views.buttons, name="buttons"),
    path("enter/<int:pk>/<str:token>/", entrance.enter, name="enter"),
    path("tasks/", views.task_states, name="task_states"),
    path("enqueue/<slug:name>/", views.enqueue, name="enqueue"),
    path("snippets/v/", v, name="v"),
    path("editor/", include("django_q.examples.experimenteditor.urls")),
    path("admin/", admin.site.urls),
    path("login/", LoginView.as_view(template_name="project/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
