"""A real browser for the tests, and visitors in it who complain of all that goes wrong on a page."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Response, expect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20_000  # milliseconds; what a busy machine may need, never what a test waits for
# Neither scripts nor styles within a page, and nothing from elsewhere.
POLICY = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_VIOLATION = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
    `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
"""
# WCAG 2 up to 2.2, A and AA, and what its makers call best practice.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
# What Django's own templates do wrong, by rule and place. Nothing of ours stands there.
DJANGOS_OWN = (
    ("link-in-text-block", ".breadcrumbs"),  # 5.2: links are told from the text beside them by a shade only
    ("label-title-only", "#searchbar"),  # the label is an icon
)
_AUDIT = """
async ([options, allowed]) => {
    const {violations} = await axe.run(document, options);
    const isAllowed = (id, target) => allowed.some(
        ([rule, place]) => rule === id && document.querySelector(target[0]).closest(place));
    return violations.flatMap(({id, nodes}) => nodes
        .filter(({target}) => !isAllowed(id, target))
        .map(({target, failureSummary, html}) => `${id}: ${target}: ${failureSummary} ${html.slice(0, 300)}`));
}
"""
SHOTS = "DJANGO_Q_TEST_SHOTS"  # a folder for pictures of all that was audited


class NoBrowser(Exception):
    """There is no browser here, for the reason given."""


def find_chromium() -> str:
    """Return the path of Chromium or of one of its kin."""
    told = os.environ.get("CHROMIUM")
    found = shutil.which(told) if told else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoBrowser(f"CHROMIUM is {told!r}, which cannot be run" if told else f"none of {', '.join(NAMES)} on PATH")
    return found


def launch(playwright: Playwright, path: str) -> Browser:
    """Start the browser, and let what is expected take the time that it needs."""
    expect.set_options(timeout=PATIENCE)
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


class StrictPolicy:
    """Middleware of the tests: allow no script and no style that stands in a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response


@contextlib.contextmanager
def served(middleware: list[str]) -> Iterator[str]:
    """Serve the test project from threads of this process, and return its address."""
    # Not the fixture live_server: it wants a database for each test, and lets all threads share one in memory.
    server = LiveServerThread("localhost", StaticFilesHandler)
    server.daemon = True
    # The handler reads the setting once, when it is made.
    with override_settings(MIDDLEWARE=[f"{__name__}.StrictPolicy", *middleware]):
        server.start()
        server.is_ready.wait()
    if server.error:
        raise server.error
    try:
        yield f"http://{server.host}:{server.port}"
    finally:
        server.terminate()


@contextlib.contextmanager
def callers(browser: Browser, origin: str) -> Iterator[Callable[..., "Visitor"]]:
    """Yield what lets somebody come: a user, or nobody yet. What he complains of is an error in the end."""
    visitors: list[Visitor] = []

    def come(user: Any = None, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, origin, user, **options))
        return visitors[-1]

    yield come
    complaints = []
    for visitor in visitors:
        visitor.context.close()
        complaints += visitor.complaints
    assert not complaints, "\n".join(complaints)


class Visitor:
    """Somebody with a window of his own, and a list of all that was wrong on the pages he saw."""

    def __init__(self, browser: Browser, origin: str, user: Any = None, **options: Any) -> None:
        self.origin = origin
        self.complaints: list[str] = []
        options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
        self.context = browser.new_context(base_url=origin, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(_VIOLATION)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complain(f"uncaught: {error.error}"))
        self.context.on("response", self._receive)
        if user is not None:
            self.log_in(user)
        self.page: Page = self.context.new_page()

    def log_in(self, user: Any) -> None:
        client = Client()
        client.force_login(user)
        cookies = [{"name": name, "value": cookie.value, "url": self.origin} for name, cookie in client.cookies.items()]
        self.context.add_cookies(cookies)  # type: ignore[arg-type]

    def open(self, path: str) -> Page:
        """Open an address; a page that is refused is a complaint."""
        response = self.page.goto(path)
        assert response is not None, path
        if response.status >= 400:
            self.complain(f"{path} answers {response.status}")
        return self.page

    def post(self, path: str, **form: str) -> int:
        """Post by hand what no page offers, with a good token, and return the status of the answer."""
        token = self.context.cookies()
        csrf = next(cookie["value"] for cookie in token if cookie["name"] == "csrftoken")
        answer = self.context.request.post(
            path, form={"csrfmiddlewaretoken": csrf, **form}, headers={"Referer": self.origin}, max_redirects=0
        )
        return answer.status

    def complain(self, text: str) -> None:
        where = self.page.url.removeprefix(self.origin) if hasattr(self, "page") else ""
        if (complaint := f"{where}: {text}") not in self.complaints:
            self.complaints.append(complaint)

    def close(self) -> None:
        """Close the window; whatever was complained of fails the test."""
        self.context.close()
        assert not self.complaints, "\n".join(self.complaints)

    # What goes wrong -------------------------------------------------------------------------------------------------

    def _hear(self, message: ConsoleMessage) -> None:
        is_icon = message.location.get("url", "").endswith("/favicon.ico")
        if message.type in ("error", "warning") and not is_icon:
            self.complain(f"console: {message.text}")

    def _receive(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith("/favicon.ico"):
            self.complain(f"{response.url.removeprefix(self.origin)} answers {response.status}")

    # Whether everybody can use it ------------------------------------------------------------------------------------

    def audit(self, *schemes: str) -> None:
        """Let axe look at the page, in light and in dark or in one of them."""
        for scheme in schemes or ("light", "dark"):
            rules = {"type": "tag", "values": RULES} if scheme == "light" else {"type": "rule", "values": COLOURS}
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
            for violation in self._axe(rules):
                self.complain(f"{scheme}: {violation}")
            self._take_picture(scheme)
        self.page.emulate_media(color_scheme="light")

    def _axe(self, rules: dict[str, Any]) -> list[str]:
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        # Preloaded, styles that a style imports would be copied into the page, which the policy forbids.
        options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
        return self.page.evaluate(_AUDIT, [options, [list(one) for one in DJANGOS_OWN]])

    def _take_picture(self, scheme: str) -> None:
        if folder := os.environ.get(SHOTS):
            name = self.page.url.removeprefix(self.origin).strip("/").replace("/", "-") or "index"
            file = Path(folder) / f"{name.replace('?', '_')[:120]}.{scheme}.png"
            with contextlib.suppress(Error):
                self.page.screenshot(path=file, full_page=True)
