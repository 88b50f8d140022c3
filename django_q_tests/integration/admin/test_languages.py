"""Every page speaks the language of its viewer, to the last sentence."""

import re

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from django_q.models import Incarnation, OrmQ, Schedule, Task
from django_q.tasks import why
from django_q_tests.browser.scenery import GROUP, Scenery
from django_q_tests.support.admin import LISTS, act, detail, page, text_of
from django_q_tests.support.catalogues import English, spoken

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LANGUAGES = ("de", "pl")
ENGLISH = {language: English(language) for language in LANGUAGES}
# All actions: each is asked for, and done.
ACTIONS = {
    "success": ("requeue_selected", "delete_selected", "export_csv", "export_json"),
    "failure": ("requeue_selected", "delete_selected", "export_csv", "export_json"),
    "ormq": (
        "cancel_selected", "duplicate_selected", "change_priority_selected", "delete_selected", "export_csv",
        "export_json",
    ),
    "incarnation": ("stop_selected",),
    "schedule": ("run_selected", "pause_selected", "resume_selected"),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker):
    """One of everything, made once; what a test does to it is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        scenery = Scenery.build()
        Incarnation.objects.filter(pk=scenery.clusters["silent"]).request_stop()
        yield scenery
        transaction.set_rollback(True)


@pytest.fixture
def made(built, db, settings):
    """One of everything, on a site that looks at what the browser asks for."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    return built


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def visitor(made, language, boss_of_scenery):
    """Somebody who may do all and whose browser asks for the language."""
    boss_of_scenery.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    with translation.override(None):  # the middleware leaves the thread with the language of the last page
        yield boss_of_scenery


@pytest.fixture
def boss_of_scenery(made, client, django_user_model):
    client.force_login(django_user_model.objects.get(username="boss"))
    return client


def english_in(response, language):
    """Return the English sentences of ours on a page that is said to be in another language."""
    shown = text_of(response)
    assert f'lang="{language}"' in shown
    return ENGLISH[language].left_in(shown)


def rows_of(model):
    registered = {
        "success": Task.objects.filter(success=True),
        "failure": Task.objects.filter(success=False),
        "ormq": OrmQ.objects.all(),
        "incarnation": Incarnation.objects.all(),
        "schedule": Schedule.objects.all(),
    }
    return [str(pk) for pk in registered[model].values_list("pk", flat=True)]


def test_a_page_in_english_is_found_to_be_english(boss_of_scenery):
    for language in LANGUAGES:
        found = ENGLISH[language].left_in(text_of(boss_of_scenery.get(reverse("admin:django_q_dashboard"))))
        assert {"Tasks that ended, per minute", "Oldest waiting", "The same numbers as a table"} <= set(found)
        found = ENGLISH[language].left_in(text_of(page(boss_of_scenery, "ormq")))
        assert {'no cluster serves "%(queue)s"', "Cancel selected %(verbose_name_plural)s"} <= set(found)


@pytest.mark.parametrize("query", ["", "?_facets=True", "?q=nothing+of+the+kind"])
@pytest.mark.parametrize("model", LISTS)
def test_a_list_holds_no_english_sentence(visitor, language, model, query):
    assert english_in(page(visitor, model, query), language) == []


@pytest.mark.parametrize("model", LISTS)
def test_the_page_of_a_row_holds_no_english_sentence(visitor, language, model):
    rows = rows_of(model)
    assert rows

    for pk in rows:
        assert english_in(detail(visitor, model, pk), language) == []


@pytest.mark.parametrize("query", ["", "?refresh=10"])
def test_the_dashboard_holds_no_english_sentence(visitor, language, query):
    assert english_in(visitor.get(reverse("admin:django_q_dashboard") + query), language) == []


def test_an_empty_dashboard_holds_no_english_sentence(visitor, language):
    OrmQ.objects.all().delete(), Task.objects.all().delete(), Incarnation.objects.all().delete()

    assert english_in(visitor.get(reverse("admin:django_q_dashboard")), language) == []


def test_the_pages_of_groups_and_chains_hold_no_english_sentence(visitor, language, made):
    for kind, name in (("group", GROUP), ("chain", made.chain), ("group", "empty"), ("chain", "empty")):
        assert english_in(visitor.get(reverse(f"admin:django_q_{kind}", args=[name])), language) == []


def test_the_index_and_the_form_of_a_new_schedule_hold_no_english_sentence(visitor, language):
    index = reverse("admin:app_list", kwargs={"app_label": "django_q"})
    form = reverse("admin:django_q_schedule_add")

    assert english_in(visitor.get(index), language) == []
    assert english_in(visitor.get(form), language) == []
    refused = visitor.post(form, {"schedule_type": "C", "repeats": "-5", "func": "math.floor", "options": ""})
    assert refused.status_code == 200
    assert english_in(refused, language) == []


@pytest.mark.parametrize("model", LISTS)
def test_every_action_of_a_list_is_among_those_that_are_tried(model):
    registered = next(each for each in admin.site._registry.values() if each.opts.model_name == model)

    assert set(registered.actions) == set(ACTIONS[model])


@pytest.mark.parametrize(("model", "action"), [(model, action) for model, names in ACTIONS.items() for action in names])
def test_an_action_is_asked_for_and_reported_without_an_english_sentence(visitor, language, model, action):
    asked = act(visitor, model, action, rows_of(model), confirmed=False)
    assert english_in(asked, language) == []
    if action.startswith("export"):
        return

    done = act(visitor, model, action, rows_of(model), priority="7")

    assert re.search(r'class="(success|warning)"', text_of(done))
    assert english_in(done, language) == []


def test_words_come_in_the_language_of_the_viewer(visitor, language, made):
    words = {
        "de": ("fehlgeschlagene Aufgaben", "Zeitüberschreitung", "storniert", "Grund"),
        "pl": ("nieudane zadania", "przekroczony czas", "anulowane", "przyczyna"),
    }

    shown = spoken(text_of(page(visitor, "failure"))).lower()

    assert [word for word in words[language] if word.lower() not in shown] == []


def test_numbers_decide_between_plural_forms(visitor, made, language):
    schedule = Schedule.objects.get(pk=made.schedules["every seven minutes"])
    told = {}
    for minutes in (1, 3, 7):
        Schedule.objects.filter(pk=schedule.pk).update(minutes=minutes)
        told[minutes] = text_of(page(visitor, "schedule"))

    few = {"de": "alle 3 Minuten", "pl": "co 3 minuty"}[language]
    many = {"de": "alle 7 Minuten", "pl": "co 7 minut"}[language]
    one = {"de": "jede Minute", "pl": "co minutę"}[language]
    assert f">{one}<" in told[1] and f">{few}<" in told[3] and f">{many}<" in told[7]


def test_programs_are_told_in_english_why_a_task_waits(made, language):
    with translation.override(language):
        assert why(made.queued["unserved"]).startswith('no cluster serves "reports"; start manage.py')
        assert why(made.queued["running"]).startswith(
            "it runs on the cluster default on web-1.example.com (4711) since"
        )


def test_an_exported_file_names_states_in_english(visitor, made):
    answer = act(visitor, "ormq", "export_json", [made.queued["later"]])

    assert '"state": "deferred"' in b"".join(answer.streaming_content).decode()


# --- texts that nobody has marked ------------------------------------------------------------------------------------


def addresses(made):
    """Return a page of each kind, and each row's."""
    for model in LISTS:
        yield reverse(f"admin:django_q_{model}_changelist") + ("" if model == "schedule" else "?_facets=True")
        yield from (reverse(f"admin:django_q_{model}_change", args=[pk]) for pk in rows_of(model))
    yield reverse("admin:django_q_dashboard")
    yield reverse("admin:app_list", kwargs={"app_label": "django_q"})
    yield reverse("admin:django_q_schedule_add")
    yield reverse("admin:django_q_group", args=[GROUP])
    yield reverse("admin:django_q_chain", args=[made.chain])


def stored_texts():
    """Return what stands in the columns of all rows, in one text."""
    texts = []
    for model in (Task, OrmQ, Incarnation, Schedule):
        columns = [field.attname for field in model._meta.fields if field.attname not in ("args", "kwargs", "result")]
        texts += [str(value) for row in model.objects.values_list(*columns) for value in row]
    return " ".join(" ".join(texts).split())


def lines_of(client, address, language):
    """Return the texts of a page, without the signs and numbers around them."""
    shown = spoken(text_of(client.get(address, headers={"accept-language": language})))
    return {re.sub(r"^› | \(\d+\)$|:$", "", text) for text in shown.split("\n")}


# German has no other words for these, and the roles of processes are called as the processes are.
SAME = {"Cluster", "Cron", "Django Q", "Enter", "Host", "Hook", "Name", "Traceback", "Version", "Worker"}
ROLES = r"(sentinel|pusher|monitor|keeper) \d"
VALUES = r"[({]|Traceback \(|\d+ min \d+ s$"


def test_nothing_but_what_is_stored_reads_the_same_in_english_and_in_german(made, boss_of_scenery):
    users = reverse("admin:auth_user_changelist")
    stored, same = stored_texts(), set()
    with translation.override(None):
        of_django = lines_of(boss_of_scenery, users, "de") | lines_of(boss_of_scenery, f"{users}?q=boss", "de")
        for address in addresses(made):
            same |= lines_of(boss_of_scenery, address, "en") & lines_of(boss_of_scenery, address, "de")

    words = {text for text in same - of_django - SAME if re.search(r"[a-z]{3}", text) and text not in stored}
    assert {text for text in words if not re.match(f"{ROLES}|{VALUES}", text)} == set()
