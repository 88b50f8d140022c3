"""The log in the browser, markup, receivers and settings."""

import logging

import pytest
from django.core.checks import run_checks
from django.test.utils import override_settings
from django.utils.safestring import mark_safe

from django_q.contrib.publish import (
    CommunicationBasePublisher,
    CommunicationBaseReceiver,
    CommunicationByEventsPublisher,
    CommunicationByEventsReceiver,
    RemoteScreen,
    format_event,
    options,
)
from django_q.contrib.publish.screens import to_txt
from django_q.exceptions import InvalidSettings


class Recorder(CommunicationBasePublisher):
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send_event(self, value):
        self.sent.append(value)


@pytest.mark.once
@pytest.mark.parametrize(("given", "operator"), [({}, "===>>"), ({"direction": "up"}, "===<<")])
def test_a_screen_sends_a_place_for_lines_and_lines(given, operator):
    recorder = Recorder()

    with RemoteScreen(recorder, **given) as screen:
        for name in ("log", "info", "warning", "error"):
            getattr(screen, name)(f"<b>{name}</b>")
        screen.raw_print("as it is")

    assert recorder.sent == [
        "<div class='log'></div>===>>",
        f"<p class='log-line'><b>log</b></p>{operator}.log",
        f"<p class='text-info'><b>info</b></p>{operator}.log",
        f"<p class='text-warning'><b>warning</b></p>{operator}.log",
        f"<p class='text-white bg-danger'><b>error</b></p>{operator}.log",
        "as it is",
    ]


@pytest.mark.once
def test_without_a_proxy_a_screen_logs_text(caplog, capsys):
    caplog.set_level(logging.INFO)

    with RemoteScreen() as screen:
        for name in ("log", "info", "warning", "error"):
            getattr(screen, name)(f"<b>{name}</b> it")
        screen.raw_print("<p>text</p>")

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "log it"),
        ("INFO", "info it"),
        ("WARNING", "warning it"),
        ("ERROR", "error it"),
    ]
    assert capsys.readouterr().out == "text\n"


@pytest.mark.once
def test_the_text_of_html_is_what_stands_between_the_tags():
    assert to_txt("<p class='x'>a &amp; b</p> <i>c</i>") == "a & b c"


@pytest.mark.once
@pytest.mark.parametrize("evil", ["<script>x</script>", "a===>>.b", "a===(.b", "===)", "'\"&"])
def test_what_users_write_stays_text_and_in_its_place(evil):
    event = format_event("<li title='{name}'>{}</li>===>>.data", evil, name=evil)

    html, _, path = event.partition("===")
    assert path == ">>.data" and "<script" not in html
    assert format_event("{}", mark_safe("<b>1</b>")) == "<b>1</b>"


class Observer:
    def __init__(self):
        self.heard = []

    def handle_start(self):
        self.heard.append("start")

    def handle_event(self, value):
        self.heard.append(value)

    def handle_end(self):
        self.heard.append("end")


@pytest.mark.django_db
def test_receivers_hear_all_from_the_beginning_as_often_as_they_come():
    observer, late = Observer(), Observer()
    receiver = CommunicationByEventsReceiver("demo__x", observer)
    receiver.process()
    assert observer.heard == []

    with CommunicationByEventsPublisher("demo__x") as cproxy:
        cproxy.send_event("$$$END$$$")
        receiver.process()
        cproxy.send_event({"a": 1})
        assert observer.heard == ["start", "$$$END$$$"]
    receiver.process()
    receiver.process()
    assert CommunicationByEventsReceiver("demo__x", late).follow(patience=0)

    assert observer.heard == late.heard == ["start", "$$$END$$$", {"a": 1}, "end"] and receiver.has_ended


@pytest.mark.once
def test_a_base_receiver_tells_its_observer():
    observer = Observer()
    receiver = CommunicationBaseReceiver("x", observer)

    for one in (receiver, CommunicationBaseReceiver("x")):
        one.process()
        one.handle_start()
        one.handle_event(1)
        one.handle_end()

    assert observer.heard == ["start", 1, "end"]


WRONG = [
    ("sometimes", "not a dict"),
    ({"anybody": ["demo"]}, "Did you mean 'anyone'?"),
    ({"enabled": "no"}, "Write True or False"),
    ({"strict": 1}, "Write True or False"),
    ({"anyone": "demo"}, "Write a list of groups"),
    ({"access": 5}, "Write the path of a function"),
    ({"patience": 0}, "Write a number of seconds above 0"),
    ({"wsgi_streams": -1}, "Write a whole number"),
    ({"viewers": True}, "Write a whole number"),
]


@pytest.mark.once
@pytest.mark.parametrize(("value", "text"), WRONG)
def test_a_wrong_setting_is_an_error_of_the_system_check(value, text):
    with override_settings(PUBLISH=value):
        found = [message for message in run_checks(tags=["django_q_publish"]) if message.id == "django_q_publish.E001"]

    assert len(found) == 1 and text in found[0].msg


@pytest.mark.once
def test_a_wrong_setting_is_refused_where_it_is_read(settings):
    settings.PUBLISH = {"patience": "long"}

    with pytest.raises(InvalidSettings, match="'patience'"):
        options.option("patience")
