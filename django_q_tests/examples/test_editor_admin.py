"""The experiments in Django's admin."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command

from django_q.examples.experimenteditor.management.commands.load_experiments import EXPERIMENTS
from django_q.examples.experimenteditor.models import Booking, Command, Experiment, RunResult
from django_q.models import OrmQ
from django_q_tests.examples.conftest import collect

MODELS = [
    model for model in apps.get_app_config("django_q_experimenteditor").get_models() if admin.site.is_registered(model)
]


@pytest.fixture
def boss(admin_client):
    """Get a page of the admin; return the text."""

    def get(path):
        answer = admin_client.get(f"/admin/django_q_experimenteditor/{path}")
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_and_every_row_can_be_seen(boss, devices, posted, model):
    collect(posted)
    name = model._meta.model_name
    boss(f"{name}/")

    for row in model.objects.all()[:1]:
        boss(f"{name}/{row.pk}/change/")


def test_the_commands_of_all_kinds_stand_on_the_page_of_their_experiment(boss, db):
    call_command("load_experiments")
    experiment = Experiment.objects.get(experiment_title="every kind of command")

    text = boss(f"experiment/{experiment.pk}/change/")

    for kind in Command.__subclasses__():
        assert f"{kind._meta.model_name}s-TOTAL_FORMS" in text
        assert kind.objects.filter(parent_experiment=experiment).exists()
    for value in ("18FEF100", "1DJANG000TRUCK001", "SetBrakePressure", "can1"):
        assert value in text


def test_the_example_data_are_written_once_and_are_right(db):
    for _ in range(2):
        call_command("load_experiments")

    assert Experiment.objects.count() == len(EXPERIMENTS)
    for experiment in Experiment.objects.all():
        for command in experiment.get_all_commands_list():
            command.full_clean()
        assert experiment.has_end()


def test_a_booking_that_is_deleted_in_the_admin_takes_its_tasks_with_it(admin_client, run):
    path = f"/admin/django_q_experimenteditor/booking/{run.booking.pk}/delete/"

    admin_client.post(path, {"post": "yes"})

    assert not Booking.objects.exists() and not OrmQ.objects.exists()
    assert not Experiment.objects.get().is_scheduled and RunResult.objects.exists()
