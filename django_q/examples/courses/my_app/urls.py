"""The addresses of a site of courses."""

from django.contrib.auth.views import LoginView
from django.urls import include, path
from my_app import views

urlpatterns = [
    path("", views.courses, name="courses"),
    path("<int:pk>/export/", views.export, name="export"),
    path("user_tasks/", include("django_q.contrib.user_tasks.live_urls")),
    path("login/", LoginView.as_view(template_name="my_app/login.html", next_page="courses"), name="login"),
]
