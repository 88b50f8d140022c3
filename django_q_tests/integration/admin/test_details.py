"""The pages of single rows."""

import re

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.html import escape

from django_q.admin.printer import pretty
from django_q.engine.completion import finish
from django_q.kernel.messages import Advance, Outcome, Report
from django_q.kernel.states import Ending
from django_q.models import Progress
from django_q.tasks import async_task
from django_q_tests.support import factories
from django_q_tests.support.admin import SCRIPT, act, claim, detail, fail, page, succeed, text_of

pytestmark = pytest.mark.django_db


def test_a_script_is_text_wherever_it_stands(boss):
    good = succeed([SCRIPT], [SCRIPT], group=SCRIPT, task_name=SCRIPT)
    bad = fail("django_q_tests.support.jobs.fail", SCRIPT)
    queued = async_task("operator.add", SCRIPT, SCRIPT)

    for shown in (detail(boss, "success", good), detail(boss, "failure", bad), detail(boss, "ormq", queued)):
        assert SCRIPT not in text_of(shown)
        assert escape(SCRIPT) in text_of(shown)
    assert SCRIPT not in text_of(page(boss, "failure")) + text_of(page(boss, "success"))


def test_a_success_shows_what_it_was_given_and_what_it_returned(boss):
    task = succeed({"answer": [1, 2]}, func="django_q_tests.support.jobs.echo", word="hello")

    shown = text_of(detail(boss, "success", task))

    assert escape("({'answer': [1, 2]},)") in shown
    assert escape("{'word': 'hello'}") in shown
    assert escape("(({'answer': [1, 2]},), {'word': 'hello'})") in shown
    assert "_save" not in shown


def test_a_failure_shows_its_traceback_and_its_earlier_attempts(boss):
    task = fail("django_q_tests.support.jobs.fail", "no luck", max_attempts=2, backoff=0)

    shown = text_of(detail(boss, "failure", task))

    assert re.search(r'<pre class="django-q-text" tabindex="0">Traceback.*?jobs\.py.*?</pre>', shown, re.DOTALL)
    assert shown.count("ValueError: no luck") == 4  # the error, the traceback, both attempts


def test_a_payload_that_cannot_be_trusted_is_a_notice_and_not_an_error(boss, settings):
    task, queued = succeed(1, 2), async_task("operator.add", 1, 2)
    settings.SECRET_KEY = "another"
    boss.force_login(User.objects.get(username="boss"))  # the key signs sessions too

    for shown in (detail(boss, "success", task), detail(boss, "ormq", queued)):
        assert shown.status_code == 200
        assert "Cannot be shown. The signature is wrong" in text_of(shown)


def test_a_value_whose_repr_raises_is_shown_by_its_class():
    class Shy:
        def __repr__(self):
            raise RuntimeError

    assert "<Shy instance at" in pretty([Shy()])


def test_a_long_value_is_one_item_a_line_and_cut_off():
    lines = pretty({"numbers": list(range(1000)), "text": "x" * 90}).splitlines()

    assert lines[:2] == ["{", "    'numbers': ["] and lines[2].startswith("        0, 1, 2, 3,")
    assert "… 800 more," in pretty(list(range(1000))) and max(map(len, lines)) <= 110
    assert len(pretty("x" * 10**6)) < 20_000


@pytest.mark.parametrize("value", [(1,), (), {}, set(), {1}, [[]], {"a": (None, True)}, b"x", 1.5, "a'b"])
def test_a_short_value_is_shown_as_python_writes_it(value):
    assert pretty(value) == repr(value)


def test_a_queued_task_says_since_when_its_function_is_unknown(boss):
    factories.put(func="app.tasks.ad", name="lost")
    owner = factories.register()
    (claimed,) = claim(owner)
    envelope = claimed.envelope
    finish(
        [Outcome(envelope.id, envelope.token, Ending.UNKNOWN, Report(0.0, 0.0, error="no such function"))], cluster="c"
    )

    listed, shown = text_of(page(boss, "ormq")), text_of(detail(boss, "ormq", envelope.id))

    assert re.search(r"field-why\W>no worker knows the function &#x27;app.tasks.ad&#x27; since \d{4}-", listed)
    assert re.search(r"field-unknown_function.*?readonly\W>\d{4}-", shown, re.DOTALL)
    assert "no such function" in shown


def test_pages_hold_no_inline_script_or_style_of_ours(boss):
    task = fail()
    for response in (detail(boss, "failure", task), act(boss, "failure", "requeue_selected", [task], confirmed=False)):
        assert "style=" not in text_of(response)
        assert "django_q/admin.css" in text_of(response)


# --- progress --------------------------------------------------------------------------------------------------------


def running_at(done, total, message=""):
    task = async_task("math.copysign", 1, 2, task_name="import")
    claim(factories.register())
    Progress.objects.note([Advance(task, done, total, message)])
    return task


def test_a_task_that_runs_shows_how_far_it_is_on_its_page_and_in_the_list(boss):
    task = running_at(4200.0, 10_000.0, "step <b>")

    for shown in (text_of(detail(boss, "ormq", task)), text_of(page(boss, "ormq"))):
        assert '<progress value="42.00" max="100" aria-label="Progress"></progress>' in shown
        assert "4200 of 10000 (42 %) step &lt;b&gt;" in shown.replace(",", "")


def test_without_a_total_there_is_no_bar(boss):
    task = running_at(7.5, None, "files")

    shown = text_of(detail(boss, "ormq", task))

    assert "7.5 files" in shown and "<progress" not in shown


def test_what_an_attempt_said_that_has_failed_is_not_shown_while_the_next_one_waits(boss):
    task = async_task("math.copysign", 1, 2)
    Progress.objects.note([Advance(task, 1.0, 2.0, "")])

    assert "<progress" not in text_of(detail(boss, "ormq", task)) + text_of(page(boss, "ormq"))


@pytest.mark.parametrize(("language", "words"), [("de", "0,5 von 2,5 (20 %)"), ("pl", "0,5 z 2,5 (20 %)")])
def test_it_is_told_in_the_language_of_the_viewer(boss, language, words):
    task = running_at(0.5, 2.5)

    with translation.override(language):
        assert words in text_of(detail(boss, "ormq", task))
