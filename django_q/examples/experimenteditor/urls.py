"""The addresses of the editor."""

from django.urls import path

from django_q.examples.experimenteditor.views import people, plans, runs, slots

app_name = "experimenteditor"

urlpatterns = [
    path("", plans.experiments, name="experiments"),
    path("news/", people.news, name="news"),
    path("news/read/", people.read_news, name="read_news"),
    path("news/<int:pk>/read/", people.read_news, name="read_one"),
    path("preferences/", people.preferences, name="preferences"),
    path("new/", plans.edit, name="new"),
    path("<int:exp_pk>/", plans.experiment, name="experiment"),
    path("<int:exp_pk>/edit/", plans.edit, name="edit"),
    path("<int:exp_pk>/delete/", plans.delete, name="delete"),
    path("<int:exp_pk>/visualize/", plans.visualize, name="visualize"),
    path("<int:exp_pk>/book/", slots.book, name="book"),
    path("<int:exp_pk>/move/", slots.move, name="move"),
    path("<int:exp_pk>/cancel/", slots.cancel, name="cancel"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/state/", runs.run_state, name="run_state"),
    path("runs/<int:pk>/fetch/", runs.fetch_again, name="fetch_again"),
    path("runs/<int:pk>/results/", runs.results, name="results"),
]
