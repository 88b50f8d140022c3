"""The addresses of the editor."""

from django.urls import path

from django_q.examples.experimenteditor import views

app_name = "experimenteditor"

urlpatterns = [
    path("", views.experiments, name="experiments"),
    path("news/read/", views.read_news, name="read_news"),
    path("new/", views.edit, name="new"),
    path("<int:exp_pk>/", views.experiment, name="experiment"),
    path("<int:exp_pk>/edit/", views.edit, name="edit"),
    path("<int:exp_pk>/visualize/", views.visualize, name="visualize"),
    path("<int:exp_pk>/book/", views.book, name="book"),
    path("<int:exp_pk>/cancel/", views.cancel, name="cancel"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/state/", views.run_state, name="run_state"),
    path("runs/<int:pk>/fetch/", views.fetch_again, name="fetch_again"),
    path("runs/<int:pk>/results/", views.results, name="results"),
]
