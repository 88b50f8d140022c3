"""A visit to the demonstration by a program: it presses the buttons, books an experiment and looks at everything."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import partial
from html import unescape
from threading import Event, Timer
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

from django_q.examples.demo.stage import Stage
from django_q.management.processes import ShownChild

FIRST, SECOND = "full stop from 30 km/h", "governor at 20 km/h"
_LIST = '<table id="experiments">'
Found = TypeVar("Found")


class Missing(Exception):
    """Something that should be there is not."""


class Inspection:
    """Looks at a running stage. Each thing that was seen is said; the first one that is missing ends it."""

    def __init__(self, stage: Stage, *, limit: float, say: Callable[[str], None]) -> None:
        self.stage = stage
        self.say = say
        self.limit = limit
        self.session = requests.Session()
        self._pause = Event()
        self._timer = Timer(limit, self._be_late)
        self._timer.start()

    def run(self, *, user: str, password: str) -> None:
        """Do all of it."""
        self.enter()
        self.log_in(user, password)
        load = self.stage.start_load(once=True)
        tasks = {name: self.press(name) for name in ("copysign", "hook", "slow", "failing")}
        run_url = self.book(FIRST)
        self.book(SECOND, start=self.site_time() + timedelta(minutes=10, seconds=8), email_reminder="10min")
        self.see_tasks_end(tasks)
        self.see_hook_fire()
        self.see_post()
        self.see_results(run_url)
        self.see_mails()
        self.see_admin(tasks)
        self.see_load(load)

    def end(self) -> None:
        self._timer.cancel()
        self.session.close()

    # --- steps -----------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Use the link that logs in, twice, each time as a stranger."""
        self.until(self.stage.is_open, "the site to take connections")
        first, second = (requests.get(self.stage.link, timeout=10) for _ in range(2))
        if first.status_code != 200 or _LIST not in first.text:
            raise Missing(
                f"the link did not lead to the list of experiments but to {first.url!r}: {_headline(first.text)}"
            )
        if second.status_code != 410 or "does not work any more" not in second.text:
            raise Missing(f"the link worked twice: {second.url!r} answered {second.status_code}")
        self.say("the link logs in, once: the second time it answers 410 and says how to get another one")

    def log_in(self, user: str, password: str) -> None:
        page = self.submit("login/", username=user, password=password)
        if _LIST not in page.text:
            raise Missing(f"the login as {user!r} did not lead to the list of experiments but to {page.url!r}")
        if 'href="/buttons/"' not in page.text:
            raise Missing(f"the list of experiments has no link to the page of buttons: {_headline(page.text)}")
        self.say(f"the site answers at {self.stage.url} and lets {user!r} in")

    def press(self, button: str) -> str:
        """Press a button of the page of buttons and return the id of the task that it enqueued."""
        page = self.submit(f"enqueue/{button}/", form="buttons/")
        found = re.search(r'id="task-([0-9a-f]{32})"', page.text)
        if not found:
            raise Missing(f"the page of buttons shows no task after the button {button!r}")
        return found[1]

    def book(self, title: str, *, start: datetime | None = None, email_reminder: str = "") -> str:
        """Book an experiment, now unless a start is given, and return the address of the run's page."""
        listed = re.search(rf'href="([^"]+)">{re.escape(title)}<', unescape(self.get("editor/").text))
        if not listed:
            raise Missing(f"the list of experiments lacks {title!r}")
        text = start.strftime("%Y-%m-%dT%H:%M:%S") if start else ""
        page = self.submit(f"{listed[1].lstrip('/')}book/", start=text, end="", email_reminder=email_reminder)
        if "/runs/" not in page.url:
            raise Missing(f"booking {title!r} led to {page.url!r}: {_headline(page.text)}")
        self.say(f"{title!r} is booked for {f'{start:%H:%M:%S}' if start else 'now'}")
        return page.url

    def see_tasks_end(self, tasks: dict[str, str]) -> None:
        for button, state, text in (
            ("copysign", "succeeded", "-2.0"),
            ("hook", "succeeded", "(0.5, 2.0)"),
            ("failing", "failed", "ValueError"),
            ("slow", "succeeded", "None"),
        ):
            row = self.until(partial(self.ended_row, tasks[button]), f"the task of the button {button!r} to end")
            if f'data-state="{state}"' not in row or text not in row:
                raise Missing(f"the task of the button {button!r} should be {state} with {text!r}:\n{row}")
            self.say(f"the task of the button {button!r} {state} with {text!r}")

    def ended_row(self, task_id: str) -> str:
        row = re.search(rf'<tr id="task-{task_id}".*?</tr>', unescape(self.get("tasks/").text), re.DOTALL)
        return row[0] if row and re.search(r'data-state="(succeeded|failed)"', row[0]) else ""

    def see_hook_fire(self) -> None:
        cluster = next(child for child in self.stage.children if child.name == "cluster")
        self.until(lambda: any("(0.5, 2.0)" in line for line in cluster.lines), "the hook to print the result")
        self.say("the hook printed (0.5, 2.0) in the cluster")

    def see_post(self) -> None:
        post, *others = self.until(lambda: self.device_report()["posts"], "the device server to get the POST")
        name, commands = post["Info"]["ExperimentName"], post["Commands"]["SSS_once"]
        if others or not name.startswith("FullStopFrom30Kmh") or len(commands) != 4:
            raise Missing(f"one POST of FullStopFrom30Kmh with 4 commands; the devices got {[post, *others]!r}")
        self.say(f"the device server got one POST: {name} with {len(commands)} commands")

    def see_results(self, run_url: str) -> None:
        self.until(lambda: 'data-run="complete"' in self.get(f"{run_url}state/").text, "the run to be complete")
        page = self.get(f"{run_url}results/").text
        points = [len(curve.split()) for curve in re.findall(r'<polyline class="curve" points="([^"]*)"', page)]
        if len(points) != 2 or min(points) < 30:
            raise Missing(f"two plots of at least 30 points; the results have {points!r}")
        parts = [int(part) for part in re.findall(r"Experiment/\w+/(\d+)/", " ".join(self.device_report()["requests"]))]
        if parts != list(range(1, len(parts) + 1)) or len(parts) < 2:
            raise Missing(f"a log that was read part by part, each once; the parts were {parts!r}")
        if not all(f"command {command}" in page for command in ("SetThrottle(80)", "EndExperiment()")):
            raise Missing(f"the first and the last command in the log at {run_url}results/")
        self.say(
            f"the results are stored: plots of {' and '.join(map(str, points))} points, a log of {len(parts)} parts"
        )

    def device_report(self) -> dict[str, Any]:
        return requests.get(urljoin(self.stage.devices_url, "control/"), timeout=10).json()

    def see_mails(self) -> None:
        subjects = {f"Results Available For {FIRST}": "/results/", "Experiment Reminder": "in 10 minutes"}
        for subject, text in subjects.items():
            mail = self.until(partial(self.mail, subject), f"the mail {subject!r}")
            body = mail.get_content() if mail else ""
            if text not in body:
                raise Missing(f"{text!r} in the body of the mail {subject!r}: {body!r}")
            self.say(f"the mail {subject!r} went out")
            for link in re.findall(r"http://\S+", body):
                self.get(link)
                self.say(f"its link leads to {link}")

    def mail(self, subject: str) -> EmailMessage | None:
        for path in (self.stage.folder / "mails").glob("*"):
            content, is_whole, _ = path.read_bytes().partition(b"\n" + b"-" * 79)
            mail = message_from_bytes(content, policy=policy.default)
            if is_whole and mail["Subject"] == subject:
                return mail
        return None

    def see_admin(self, tasks: dict[str, str]) -> None:
        pages = {
            "success/": "math.copysign",
            f"success/{tasks['copysign']}/change/": "-2.0",
            "failure/": "math.sqrt",
            f"failure/{tasks['failing']}/change/": "ValueError: math domain error",
            "ormq/": "send_experiment_json",
            "incarnation/": "demo",
        }
        for path, text in pages.items():
            if text not in self.get(f"admin/django_q/{path}").text:
                raise Missing(f"{text!r} in the admin at {path!r}")
        self.say(f"the admin shows {', '.join(map(repr, pages.values()))}")

    def see_load(self, load: ShownChild) -> None:
        self.until(lambda: not load.is_alive, "the tasks of the load to end")
        for line in load.lines:
            self.say(f"load: {line}")
        if load.exit_code:
            raise Missing("each task of the load should end as its kind says")

    # --- HTTP ------------------------------------------------------------------------------------------------------

    def get(self, path: str) -> requests.Response:
        answer = self.session.get(urljoin(self.stage.url, path), timeout=10)
        if answer.status_code != 200:
            raise Missing(f"{answer.url} answered {answer.status_code}: {_headline(answer.text)}")
        return answer

    def submit(self, path: str, *, form: str | None = None, **values: str) -> requests.Response:
        """Send a form as a browser does: with the token of the page on which it stands."""
        page = self.get(path if form is None else form)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        if not token:
            raise Missing(f"{page.url} has no form")
        url = urljoin(self.stage.url, path)
        answer = self.session.post(url, data={"csrfmiddlewaretoken": token[1], **values}, timeout=10)
        if answer.status_code != 200:
            raise Missing(f"{url} answered {answer.status_code} to a POST: {_headline(answer.text)}")
        return answer

    def site_time(self) -> datetime:
        """Return what the clock of the site says."""
        return parsedate_to_datetime(self.get("").headers["Date"])

    def until(self, look: Callable[[], Found], saying: str) -> Found:
        """Look until there is something; give up when the time for the whole visit is over."""
        while not (found := look()):
            if self.stage.time_is_over:
                raise Missing(f"waited for {saying}, but {self.limit:.0f} s are over")
            self.stage.demand_life()
            self._pause.wait(0.2)
        return found

    def _be_late(self) -> None:
        self.stage.time_is_over = True


def _headline(html: str) -> str:
    """Return what an error page says first."""
    title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    errors = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", " ".join([title[1] if title else html[:200], *errors])).split())
