"""The element <q-task>: where events go, what the page is told, and how it comes back. The server is the test."""

import json

import pytest
from playwright.sync_api import expect

from django_q_tests.support.browser import POLICY, callers

PAGE = """<!doctype html><html lang="en"><head><title>Live</title>
<script type="module" src="/static/django_q_publish/q-task.js"></script></head>
<body><main><h1>Live</h1><div class="card"><p class="title">Title</p>%s</div></main></body></html>"""
ELEMENT = (
    '<q-task task_id="demo__x" %s><span name="task_status"></span>'
    '<div class="here"><i class="a"></i><i class="a"></i></div></q-task>'
)


class Server:
    """What answers the websockets of a page."""

    def __init__(self):
        self.sockets = []
        self.heard = []

    def __call__(self, socket):
        self.sockets.append(socket)
        socket.on_message(lambda text: self.heard.append(json.loads(text)))

    def say(self, **message):
        self.sockets[-1].send(json.dumps(message))

    def send(self, *values, first=1):
        self.say(status="events", data=[[number, value] for number, value in enumerate(values, first)])


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def visitor(browser, origin):
    """Somebody on a page with one element; its attributes come from the test."""
    with callers(browser, origin) as come:
        yield come()


@pytest.fixture
def show(visitor, server):
    """Show a page and return it when the element has subscribed."""

    def show(attributes="", fast=True, policy=POLICY):
        page = visitor.page
        if fast:  # what would be waited for passes at once
            page.add_init_script("const slow = setTimeout; setTimeout = (call, ms) => slow(call, ms / 50)")
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
        page.route("**/live/", lambda route: route.fulfill(body=PAGE % (ELEMENT % attributes), headers=headers))
        page.route_web_socket("**/schtasks/**", server)
        page.add_init_script(
            "for (const name of ['start', 'event', 'stop', 'error']) window.addEventListener(`task-${name}`,"
            "({detail}) => (window.told ??= []).push([name, detail]))"
        )
        visitor.open("/live/")
        until(page, lambda: server.heard)
        return page

    return show


def until(page, predicate):
    for _ in range(1000):
        if predicate():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not happen")


def forgive(visitor, text):
    """Expect complaints that a test provoked."""
    assert any(text in complaint for complaint in visitor.complaints), visitor.complaints
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if text not in complaint]


# --- where events go -----------------------------------------------------------------------------------------------

HERE = '<div class="here"><i class="a"></i><i class="a"></i></div>'
OPERATORS = [">>", "<<", ">", "(", ")"]
# A path, and the markup of its target before, within and behind which the event goes.
PATHS = {
    ".a": '<i class="a"></i>',
    ".a:nth-child(2)": '<i class="a"></i>',
    ".here": HERE,
    ".here/.a": '<i class="a"></i>',
    "./.here": HERE,
    ".here/.": HERE,
    ".a/..": HERE,
    ".a/^.here": HERE,
    '[class="here"]': HERE,
    "../.title": '<p class="title">Title</p>',
    "^.card/.title": '<p class="title">Title</p>',
    ".. / .title": '<p class="title">Title</p>',
}


RESET = """() => {
    document.querySelectorAll("b").forEach((each) => each.remove());
    document.querySelector(".title").textContent = "Title";
    document.querySelector("q-task").innerHTML = '<div class="here"><i class="a"></i><i class="a"></i></div>';
}"""


def expected(target, operator):
    start, rest = target.index(">") + 1, target.rindex("</")
    head, inner, tail = target[:start], target[start:rest], target[rest:]
    return {
        ">>": f"{head}{inner}<b>new</b>{tail}",
        "<<": f"{head}<b>new</b>{inner}{tail}",
        ">": f"{head}<b>new</b>{tail}",
        "(": f"<b>new</b>{target}",
        ")": f"{target}<b>new</b>",
    }[operator]


def test_each_operator_and_each_form_of_a_path_changes_the_page_as_it_should(show, server):
    page = show()
    server.say(status="start", run=1)
    number = 0
    for path, target in PATHS.items():
        for operator in OPERATORS:
            for spaces in ("", " ") if path == ".a" else ("",):
                number += 1
                page.evaluate(RESET)
                server.send(f"<b>new</b>{spaces}==={operator}{spaces}{path}", first=number)
                expect(page.locator("b")).to_have_count(1)
                assert expected(target, operator) in _html(page), (path, operator)


def _html(page):
    return page.locator(".card").inner_html()


def test_the_component_itself_is_the_target_of_an_empty_path_and_of_events_without_an_operator(show, server):
    page = show()
    server.say(status="start", run=1)
    server.send(
        "<b>1</b>", "<b>2</b>===>>", "<b>3</b>===<<", "<b>4</b>===(", "<b>5</b>===).", "text", "<b>6</b>===>>.."
    )
    expect(page.locator("b")).to_have_count(6)

    assert page.locator(".card").text_content() == "Title4312text56"
    server.send("<b>7</b>===>", first=8)
    expect(page.locator("q-task")).to_have_js_property("textContent", "7")


def test_several_elements_stand_in_their_order_and_get_one_around_them_only_if_asked(show, server):
    page = show()
    server.say(status="start", run=1)
    server.send("<b>1</b>text<b>2</b>===>.here", "<tr><td>3</td></tr>===>>")
    expect(page.locator(".here")).to_have_js_property("innerHTML", "<b>1</b>text<b>2</b>")
    expect(page.locator("q-task > tr > td")).to_have_text("3")

    page.evaluate("document.querySelector('q-task').setAttribute('wrap', '')")
    server.send("<b>1</b><b>2</b>===>.here", "<b>3</b>===>>.here", first=3)
    html = '<div class="ajax-temp-item"><b>1</b><b>2</b></div><b>3</b>'
    expect(page.locator(".here")).to_have_js_property("innerHTML", html)


def test_a_target_that_is_missing_is_a_warning_and_the_next_event_is_shown(show, server, visitor):
    page = show()
    server.say(status="start", run=1)
    server.send("<b>1</b>===>>.missing", "<b>2</b>===>>^.missing/.a", "<b>3</b>===>>[", "<b>4</b>")

    expect(page.locator("b")).to_have_text("4")
    forgive(visitor, 'nothing matches ".missing"')
    forgive(visitor, 'nothing matches "^.missing/.a"')
    forgive(visitor, "event 3 cannot be shown")


EVIL = "<b>bold</b><img src='x' onerror='window.evil = 1'><script>window.evil = 1</script>===>>.here"


@pytest.mark.parametrize(("attribute", "html"), [("text", "&lt;b&gt;bold"), ("sanitize", "<b>bold</b>")])
def test_what_users_wrote_can_be_kept_from_becoming_markup(show, server, attribute, html):
    page = show(attribute, policy="")  # which would forbid it, too
    server.say(status="start", run=1)
    server.send(EVIL)

    expect(page.locator(".here")).to_contain_text("bold")
    inner = page.locator(".here").inner_html()
    assert html in inner and "<script" not in inner and "<img src='x' onerror" not in inner and 'onerror="' not in inner
    assert page.evaluate("window.evil") is None


def test_a_sanitizer_of_ones_own_is_asked(show, server):
    page = show()
    page.evaluate("() => { document.querySelector('q-task').sanitizer = (html) => html.toUpperCase() }")
    server.say(status="start", run=1)
    server.send("<b>bold</b>===>>.here")

    expect(page.locator(".here b")).to_have_text("BOLD")


# --- from its beginning to its end ---------------------------------------------------------------------------------


def test_the_page_is_told_of_the_beginning_and_of_the_end(show, server, visitor):
    page = show()
    status = page.locator("[name=task_status]")
    server.say(status="start", run=1)
    expect(status).to_have_class("task_started")
    server.send("<div name='task_end_info' style='display: none;'>Finish</div>", {"percent": 5})
    expect(page.get_by_text("Finish")).to_be_hidden()
    server.say(status="new", what="?")
    server.say(status="missed", count=1)
    expect(page.get_by_text("Some of what the task said is gone.")).to_be_visible()
    server.say(status="stop", outcome="error", seq=3)

    expect(status).to_have_class("task_finished")
    expect(page.get_by_text("Finish")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The task has failed.")
    told = page.evaluate("told")
    assert [name for name, _ in told] == ["start", "event", "event", "stop"]
    assert told[2:] == [["event", {"seq": 2, "value": {"percent": 5}}], ["stop", {"outcome": "error"}]]
    visitor.audit("light")


def test_an_unmodified_server_is_understood(show, server):
    page = show()
    server.say(status="start", run=1)
    for number in (1, 2):
        server.say(status="event", seq=number, data=f"<b>{number}</b>")
    server.say(status="stop", seq=3)

    expect(page.locator("b")).to_have_text(["1", "2"])


def test_the_newest_of_what_is_sent_is_spoken_now_and_then(show, server):
    page = show(fast=False)
    server.say(status="start", run=1)
    expect(page.get_by_role("status")).to_have_text("The task has begun.")
    server.send("<b>1</b>", "<b>2</b>")

    expect(page.get_by_role("status")).to_have_text("2")


def test_a_connection_that_is_lost_is_made_again_and_nothing_is_missed_or_doubled(show, server):
    page = show()
    server.say(status="start", run=7)
    server.send("<b>1</b>", "<b>2</b>")
    expect(page.locator("b")).to_have_count(2)

    for count in (2, 3):
        server.sockets[-1].close()
        until(page, lambda count=count: len(server.heard) == count)
        assert server.heard[-1] == {"id": "demo__x", "batch": True, "run": 7, "last": 2}
    server.say(status="start", run=7)
    server.send("<b>2</b>", "<b>3</b>", first=2)
    server.say(status="stop", seq=4)

    expect(page.locator("b")).to_have_text(["1", "2", "3"])
    assert page.evaluate("told.filter(([name]) => name === 'start').length") == 1


def test_an_element_that_is_removed_leaves_no_socket_and_no_timer(show, server):
    page = show(fast=False)
    closed = []
    server.sockets[0].on_close(lambda code, reason: closed.append(code))

    page.evaluate("document.querySelector('q-task').remove()")

    until(page, lambda: closed)
    page.evaluate("new Promise((done) => setTimeout(done, 1500))")
    assert len(server.sockets) == 1


def test_what_starts_the_task_is_fetched_once(show, server, visitor):
    asked = []
    visitor.page.route("**/begin/", lambda route: (asked.append(len(server.sockets)), route.fulfill(body="{}")))
    page = show('task_href="/begin/"')

    server.sockets[-1].close()
    until(page, lambda: len(server.sockets) == 2)

    assert asked == [0]


def test_a_task_that_cannot_be_started_is_not_waited_for(visitor, server):
    page = visitor.page
    page.route("**/begin/", lambda route: route.fulfill(status=500))
    html = PAGE % (ELEMENT % 'task_href="/begin/"')
    page.route("**/live/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.route_web_socket("**/schtasks/**", server)

    visitor.open("/live/")

    expect(page.get_by_role("paragraph").filter(has_text="could not be started")).to_be_visible()
    assert server.sockets == []
    forgive(visitor, "500")


def test_a_refusal_is_shown_and_is_the_last_word(show, server, visitor):
    page = show('data-texts=\'{"refused": "Nie wolno."}\'')
    server.say(status="error", reason="refused", message="You may not.", hint="PUBLISH['anyone']")

    expect(page.get_by_role("paragraph").filter(has_text="Nie wolno.")).to_be_visible()
    server.sockets[-1].close()
    page.evaluate("new Promise((done) => setTimeout(done, 5000))")
    assert len(server.sockets) == 1
    forgive(visitor, "PUBLISH['anyone']")


def test_a_task_that_nobody_has_enqueued_is_asked_for_again(show, server):
    page = show()
    server.say(status="error", reason="unknown", message="No task.")

    expect(page.get_by_text("This task has not begun yet.")).to_be_visible()
    until(page, lambda: len(server.heard) == 2)
    server.say(status="start", run=1)
    expect(page.get_by_text("This task has not begun yet.")).to_be_hidden()


def test_without_a_websocket_the_page_listens_to_a_stream(visitor):
    page = visitor.page
    words = [{"status": "start", "run": 1}, {"status": "events", "data": [[1, "<b>1</b>"]]}, {"status": "stop"}]
    body = "".join(f"data: {json.dumps(word)}\n\n" for word in words)
    html = PAGE % (ELEMENT % 'events_href="/events/"')
    page.route("**/live/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.route_web_socket("**/schtasks/**", lambda socket: socket.close())
    page.route("**/events/?*", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    # A socket that closes before it was open: as where no Channels are installed.
    page.add_init_script("window.WebSocket = class { constructor() { setTimeout(() => this.onclose()); } close() {} }")

    visitor.open("/live/")

    expect(page.locator("b")).to_have_text("1")
    expect(page.locator("q-task")).to_have_attribute("data-state", "ended")
