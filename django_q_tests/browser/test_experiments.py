"""An experiment in a browser, from its first command to its last plot, with a real cluster, devices and mail server."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from django_q.examples import project
from django_q.examples.experimenteditor.models import RunResult, RunTask
from django_q_tests.support.bookings import POST, addresses_at, env_for, write_experiment
from django_q_tests.support.browser import Visitor
from django_q_tests.support.clusters import Drill, send
from django_q_tests.support.held import HeldLaboratory, held_laboratory
from django_q_tests.support.smtp_sink import Sink, smtp_sink

# Seconds. The time before the start is what a booked experiment needs to be watched from the beginning.
HASTE = {"LEAD": 2, "MARGIN": 0, "MAIL_DELAY": 0, "FETCH_DELAY": 0, "RETRY_DELAY": 0.2}
TITLE = "Full stop from 40 km/h"
PLAN = [
    ("0", "SetThrottle(1)", "80"),
    ("2", "SetGovernorSpeed(1)", "40"),
    ("6", "SetThrottle(1)", "0"),
    ("6.2", "SetBrakePressure(2)", "60, 60"),
    ("9", "EndExperiment(0)", ""),
]
SERIES = ["Axle based vehicle speed, km/h", "Governor speed, km/h", "Vehicle identification number"]
ENGINE, LOGGER = "/api/postexperiment/", "/plotdata/axlebasedvehiclespeed/"
SCREENSHOTS = "DJANGO_Q_SCREENSHOTS"  # a folder for the pictures of the documentation


@dataclass
class Site:
    """What stands around the pages."""

    laboratory: HeldLaboratory
    sink: Sink
    drill: Drill

    def finish(self) -> None:
        """See that the cluster did everything once, and nothing else."""
        self.drill.until_empty()
        self.drill.ids = list(RunTask.objects.values_list("task_id", flat=True))
        self.drill.finish()


@pytest.fixture
def site(drill, settings):
    with held_laboratory(chunk_lines=40) as (laboratory, url), smtp_sink() as sink:
        settings.EXPERIMENTEDITOR = {**addresses_at(url), **HASTE}
        settings.ROOT_URLCONF = "django_q.examples.project.urls"
        settings.LOGIN_URL = "login"
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [Path(project.__file__).parent / "templates"]}]
        drill.start(env=env_for(settings.EXPERIMENTEDITOR, sink))
        yield Site(laboratory, sink, drill)


def test_an_experiment_is_planned_booked_watched_and_read(site: Site, guest):
    engine, logger = site.laboratory.hold_answer(ENGINE), site.laboratory.hold(LOGGER)
    User.objects.create_user("ada", "ada@example.com", "secret")
    ada = guest(viewport={"width": 1000, "height": 460})

    log_in(ada)
    plan(ada)
    choose_series(ada)
    book(ada)

    see_stages(ada.page, planned="done", started="now", finished="ahead", results="ahead")
    ada.page.evaluate("window.isTheFirst = true")
    engine.open()
    see_stages(ada.page, planned="done", started="done", finished="now", results="ahead")
    take_picture(ada.page, "run")
    see_stages(ada.page, planned="done", started="done", finished="done", results="now")
    logger.open()
    see_stages(ada.page, planned="done", started="done", finished="done", results="done")
    expect(ada.page.locator("p.state")).to_contain_text("Everything is stored")
    assert ada.page.evaluate("window.isTheFirst"), "the page was loaded again"
    ada.audit()

    ada.page.get_by_role("link", name="see the results").click()
    see_results(ada.page, TITLE)
    dismiss_news(ada)
    take_picture(ada.page, "results", height=1200)
    ada.audit()
    follow_the_mail(ada, site)
    site.finish()


def test_a_worker_that_is_killed_while_the_engine_answers_is_not_seen_by_the_user(site: Site, guest):
    engine = site.laboratory.hold_answer(ENGINE)
    experiment = write_experiment("ada")
    ada = guest(User.objects.get(username="ada"))
    ada.open(f"/editor/{experiment.exp_pk}/")

    book(ada)
    engine.until_somebody_waits()
    send(int(site.drill.lines(POST)[-1]), signal.SIGKILL)
    engine.open()

    see_stages(ada.page, planned="done", started="done", finished="done", results="done")
    # The second attempt asks the engine again, unless the slot has begun meanwhile, as it does on a busy machine.
    assert len(site.drill.lines(POST)) == 2, "nobody tried again"
    assert len(site.laboratory.posts) == 1
    follow_the_mail(ada, site)
    site.finish()


# --- what a user does ----------------------------------------------------------------------------------------------


def log_in(ada: Visitor) -> None:
    page = ada.open("/editor/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()
    ada.audit()


def plan(ada: Visitor) -> None:
    page = ada.page
    page.get_by_role("link", name="New experiment").last.click()
    page.get_by_label("Title").fill(TITLE)
    for number, (delay, command, numbers) in enumerate(PLAN, 1):
        row = page.get_by_role("group", name=f"Vehicle {number}", exact=True)
        if not row.count():
            page.get_by_role("button", name="Add: Vehicle").click()
        row.get_by_label("After").fill(delay)
        row.get_by_label("Command").select_option(command)
        row.get_by_label("Numbers").fill(numbers)
    take_picture(page, "editor", height=900)
    ada.audit()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#commands tbody tr")).to_have_count(len(PLAN))
    ada.audit()


def choose_series(ada: Visitor) -> None:
    page = ada.page
    page.get_by_role("link", name="Visualize").click()
    for label in SERIES:
        page.get_by_label(label).check()
    take_picture(page, "visualize")
    ada.audit()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Data series").locator("+ ul > li")).to_have_count(len(SERIES))


def book(ada: Visitor) -> None:
    """Book the experiment whose page is open: as soon as possible, until its last command."""
    ada.page.get_by_role("link", name="Book a time").click()
    ada.audit()
    ada.page.get_by_role("button", name="Book").click()
    expect(ada.page.get_by_role("heading", name="Run of")).to_be_visible()


def dismiss_news(ada: Visitor) -> None:
    news = ada.page.get_by_role("region", name="News")
    for words in ("was just scheduled for", "has been started", "is now available!"):
        expect(news).to_contain_text(words)
    news.get_by_role("button", name="Dismiss all").click()
    expect(ada.page.get_by_role("heading", name="Results of")).to_be_visible()
    expect(news).to_have_count(0)


def follow_the_mail(ada: Visitor, site: Site) -> None:
    """Open what the mail about the end links to."""
    site.drill.until(lambda: site.sink.mails)
    (mail,) = site.sink.mails
    run = RunResult.objects.get()
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", f"Results Available For {run.experiment}")
    (link,) = re.findall(r"http://\S+", mail.get_content())
    ada.open(link)
    see_results(ada.page, str(run.experiment))


# --- what a user sees ----------------------------------------------------------------------------------------------


def see_stages(page: Page, **states: str) -> None:
    for name, state in states.items():
        expect(page.locator(f"[data-stage={name}]")).to_have_class(state)


def see_results(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=f"Results of {title}")).to_be_visible()
    expect(page.locator("svg.plot")).to_have_count(2)
    for curve in page.locator("svg.plot .curve").all():
        assert len(curve.get_attribute("points").split()) >= 5
    expect(page.locator("pre.log")).to_contain_text("command SetThrottle(80)")


def take_picture(page: Page, name: str, *, height: int = 0) -> None:
    """Take a picture of a page, or of its upper part, for the documentation, if somebody wants one."""
    if folder := os.environ.get(SCREENSHOTS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        width = page.viewport_size["width"]
        part = {"clip": {"x": 0, "y": 0, "width": width, "height": height}} if height else {}
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, **part)
