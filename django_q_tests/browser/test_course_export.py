"""The export of a course, watched in a browser from nothing to all, canceled from the page, and what pages live on."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from my_app.models import Course
from my_app.tasks import export_task
from playwright.sync_api import Page, expect

from django_q.contrib.user_tasks import live
from django_q.contrib.user_tasks.models import UserTaskArtifact, UserTaskStatus
from django_q.web import events
from django_q_tests.support import held_courses
from django_q_tests.support.browser import Visitor
from django_q_tests.support.viewers import until_watched

PARTS = 4


@pytest.fixture(autouse=True)
def site(own_database, settings, monkeypatch):
    """The site of the courses, whose streams notice soon that nobody listens any more."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.2)
    settings.ROOT_URLCONF, settings.LOGIN_URL = "my_app.urls", "login"
    yield
    until_watched(0)


@pytest.fixture
def ada(guest, site) -> Visitor:
    """A user who is logged in; her window counts what she is told."""
    visitor = guest(User.objects.create_user("ada", "ada@example.com", "secret"))
    visitor.context.add_init_script(
        "for (const name of ['changed', 'ended']) window.addEventListener(`user-task-${name}`,"
        "({detail}) => (window[name] ??= []).push(detail.percent))"
    )
    return visitor


@pytest.fixture
def row(ada) -> UserTaskStatus:
    """An export of hers that no cluster runs."""
    make_course("Botany")
    export_task.delay(User.objects.get().pk, Course.objects.get().pk)
    return UserTaskStatus.objects.get()


def make_course(name: str) -> None:
    course = Course.objects.create(name=name)
    for number in range(1, PARTS + 1):
        course.sections.create(name=f"{name} {number}", text=f"Text {number}.")


# --- with a real cluster -------------------------------------------------------------------------------------------


def test_an_export_is_watched_from_nothing_to_all_and_a_second_one_is_canceled(guest, drill):
    drill.start(env={"DJANGO_Q_TEST_APPS": held_courses.APP}, workers=1, heartbeat=0.3)
    User.objects.create_user("ada", "ada@example.com", "secret")
    for name in ("Botany", "Geology"):
        make_course(name)
    ada = guest()
    log_in(ada)
    page = ada.page

    press_export(ada, "Botany")
    page.evaluate("window.isTheFirst = true")
    for number in range(PARTS):
        see(page, percent=25 * number, state=f"Exporting Botany {number + 1}")
        if number == 2:
            expect(page.locator("[data-part=left]")).to_contain_text("left")
            ada.audit()
        (drill.folder / f"Botany {number + 1}").touch()
    see(page, percent=100, state="Succeeded")
    expect(page.locator("[data-part=artifacts] pre")).to_contain_text("Text 4.")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert page.evaluate("window.isTheFirst"), "the page was loaded again"
    ada.audit()

    press_export(ada, "Geology")
    see(page, percent=0, state="Exporting Geology 1")
    cancel(page)
    see(page, percent=0, state="Canceled")
    ada.audit("light")

    (drill.folder / "Geology 1").touch()
    drill.ids = list(UserTaskStatus.objects.values_list("task_id", flat=True))
    drill.finish()
    assert drill.lines("exporting")[PARTS:] == ["Geology 1"], "it went on"


def log_in(ada: Visitor) -> None:
    page = ada.open("/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Courses")).to_be_visible()


def press_export(ada: Visitor, name: str) -> None:
    ada.page.get_by_role("button", name=f"Export {name}").click()
    expect(ada.page.get_by_text(f"Export of {name}").first).to_be_visible()


def cancel(page: Page) -> None:
    """Cancel the newest task, after having thought better of it once."""
    newest = page.locator("q-user-task").first
    newest.get_by_role("button", name="Cancel", exact=True).click()
    expect(newest.get_by_role("button", name="No, go on")).to_be_focused()
    page.keyboard.press("Enter")
    newest.get_by_role("button", name="Cancel", exact=True).click()
    newest.get_by_role("button", name="Yes, cancel it").click()


def see(page: Page, *, percent: int, state: str) -> None:
    """See how the newest task stands."""
    newest = page.locator("q-user-task").first
    expect(newest.locator("[data-part=state]")).to_have_text(state)
    expect(newest.get_by_role("progressbar")).to_have_js_property("value", percent)
    expect(newest.locator("[data-part=percent]")).to_have_text(f"{percent} %")


# --- what pages live on --------------------------------------------------------------------------------------------


def test_the_page_is_told_of_each_change_and_of_the_end_and_leaves_no_request_behind(ada, row):
    page = ada.open("/")
    until_watched(1)

    row.start()
    row.increment_completed_steps(2)
    see(page, percent=50, state="In Progress")
    hide(page, "hidden")
    until_watched(0)
    row.increment_completed_steps(1)
    hide(page, "visible")
    see(page, percent=75, state="In Progress")
    UserTaskArtifact.objects.create(status=row, name="<b>Evil</b>", url="javascript:alert(1)")
    row.succeed()
    see(page, percent=100, state="Succeeded")
    expect(page.get_by_role("listitem").filter(has_text="<b>Evil</b>")).to_be_visible()
    assert page.get_by_role("link").count() == 0

    assert page.evaluate("[changed.at(-1), ended]") == [100, [100]]
    until_watched(0)


def test_a_page_that_is_left_is_watched_by_nobody(ada, row):
    page = ada.open("/")
    until_watched(1)

    page.evaluate("document.querySelector('q-user-task').remove()")
    until_watched(0)

    ada.open("/")
    until_watched(1)
    ada.page.goto("about:blank")
    until_watched(0)


def test_without_room_for_a_stream_the_page_asks(ada, row, settings):
    settings.USER_TASKS = {"wsgi_streams": 0}
    page = ada.open("/")
    expect(page.locator("q-user-task")).to_have_attribute("data-state", "open")

    row.start()
    row.increment_completed_steps()
    see(page, percent=25, state="In Progress")
    row.fail("The disk is full.")
    expect(page.locator("[data-part=error]")).to_have_text("The disk is full.")
    ada.audit()

    assert len(live.watcher.circle) == 0
    forgive(ada, "503")


def test_a_page_that_a_script_adds_to_waits_for_the_row(ada, row):
    page, uuid = ada.open("/"), uuid4()
    with page.expect_response(lambda answer: answer.status == 404 and not answer.url.endswith("/events/")):
        page.evaluate(
            "(src) => { const task = document.createElement('q-user-task'); task.setAttribute('src', src);"
            "document.querySelector('q-user-task').before(task) }",
            f"/user_tasks/{uuid}/",
        )
    UserTaskStatus.objects.create(uuid=uuid, user=row.user, task_id=str(uuid), name="Late", total_steps=4)

    see(page, percent=0, state="Pending")
    until_watched(2)
    cancel(page)
    see(page, percent=0, state="Canceled")
    ada.audit("light")
    forgive(ada, "404")


def test_a_task_that_is_deleted_says_so(ada, row):
    page = ada.open("/")
    until_watched(1)

    row.delete()

    expect(page.locator("[data-part=note]")).to_have_text("This task was deleted.")
    expect(page.get_by_role("status")).to_have_text("This task was deleted.")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_without_javascript_it_can_be_read_and_canceled(guest, row):
    row.start()
    row.increment_completed_steps()
    ada = guest(User.objects.get(), java_script_enabled=False)

    page = ada.open("/")
    see(page, percent=25, state="In Progress")
    page.get_by_role("button", name="Cancel").click()

    see(page, percent=25, state="Canceled")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def hide(page: Page, state: str) -> None:
    page.evaluate(
        "(state) => { Object.defineProperty(document, 'hidden', {value: state === 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange')) }",
        state,
    )


def forgive(visitor: Visitor, text: str) -> None:
    """Expect complaints that a test provoked."""
    assert any(text in complaint for complaint in visitor.complaints)
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if text not in complaint]
