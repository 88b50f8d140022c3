"""The device server, over HTTP and as a process."""

import signal
import time

import pytest
import requests

from django_q_tests.support.eventually import eventually

FAST = [[0, "SetThrottle", [80]], [2, "SetBrakePressure", [90, 90]], [4, "EndExperiment", []]]
SLOW = [[0, "SetThrottle", [20]], [4, "EndExperiment", []]]


def body(name="Test1", commands=FAST, end=-1):
    others = {"SSS_loop": [], "CAN_once": [], "CAN_utils": [], "seed_key": []}
    info = {"ExperimentName": name, "Endtime": time.time() + end}
    return {"Info": info, "Commands": {"SSS_once": commands, **others}}


def speeds(devices, name):
    return devices.get(f"{name}/plotdata/axlebasedvehiclespeed/").json()["y_values"]


def test_the_engine_takes_an_experiment_without_a_word(start_devices):
    devices = start_devices()

    answer = devices.post(body())

    assert (answer.status_code, answer.text) == (200, "")
    assert [post["Info"]["ExperimentName"] for post in devices.posts] == ["Test1"]


def test_the_engine_says_200_to_what_it_refuses(start_devices):
    answer = start_devices().post(body(name="no-hyphens"))

    assert answer.status_code == 200
    assert answer.text.startswith("Scheduling Experiment returned with an error")


@pytest.mark.parametrize("wrong", [{}, {"Info": {}}, [], "text", {"Info": {"ExperimentName": "A"}, "Commands": {}}])
def test_the_engine_fails_on_a_body_it_does_not_understand(start_devices, wrong):
    assert start_devices().post(wrong).status_code == 500


def test_the_same_key_starts_an_experiment_once(start_devices):
    devices = start_devices()

    answers = [devices.post(body(), **{"Idempotency-Key": "run-1"}).text for _ in range(2)]

    assert answers == ["", ""] and len(devices.posts) == 1


def test_the_speed_follows_from_the_commands(start_devices):
    devices = start_devices()
    devices.post(body("Fast", FAST))
    devices.post(body("Slow", SLOW))

    fast, slow = speeds(devices, "Fast"), speeds(devices, "Slow")

    assert fast[0] == 0 and max(fast) > 15 and fast[-1] < max(fast) / 2
    assert max(slow) < max(fast) / 2 and slow[-1] == max(slow)


def test_the_governor_is_a_series_of_its_own(start_devices):
    devices = start_devices()
    devices.post(body("A", [[0, "SetGovernorSpeed", [10]], [0.5, "SetThrottle", [100]], [5, "EndExperiment", []]]))

    assert set(devices.get("A/plotdata/govspeed/").json()["y_values"]) == {10}
    assert 10 <= max(speeds(devices, "A")) < 12


def test_a_plot_has_a_unix_time_as_text_for_each_value(start_devices):
    devices = start_devices()
    before = time.time()
    devices.post(body())

    answer = devices.get("Test1/plotdata/axlebasedvehiclespeed/")

    plot = answer.json()
    assert len(plot["x_values"]) == len(plot["y_values"]) == 41
    assert all(isinstance(x, str) and before - 10 < float(x) < before for x in plot["x_values"])
    assert answer.headers["Content-Type"].startswith("attachment")


def test_what_has_not_happened_yet_is_not_recorded(start_devices):
    devices = start_devices()
    devices.post(body(end=3600))

    eventually(lambda: len(speeds(devices, "Test1")) > 1)
    assert len(speeds(devices, "Test1")) < 41


def test_a_log_is_read_part_by_part(start_devices):
    devices = start_devices("--chunk-lines", "30")
    devices.post(body())

    parts = [devices.get(f"Test1/{index}/").json() for index in (1, 2)]

    assert [(len(part["log"]), part["hasmore"]) for part in parts] == [(30, True), (14, False)]
    moment, message = parts[0]["log"][0]
    assert isinstance(moment, float) and message == "command SetThrottle(80)\n"
    assert devices.get("Test1/3/").status_code == 404


def test_a_part_that_was_followed_by_another_is_gone(start_devices):
    devices = start_devices("--chunk-lines", "10")
    devices.post(body())
    statuses = [devices.get(f"Test1/{index}/").status_code for index in (1, 1, 2, 1, 2, 3, 5)]

    assert statuses == [200, 200, 200, 500, 200, 200, 500]


def test_reading_a_longer_log_ends_the_plots(start_devices):
    devices = start_devices("--chunk-lines", "10")
    devices.post(body())

    devices.get("Test1/1/")

    assert devices.get("Test1/plotdata/axlebasedvehiclespeed/").status_code == 500


@pytest.mark.parametrize("path", ["Nobody/plotdata/axlebasedvehiclespeed/", "Nobody/1/"])
def test_there_is_no_data_of_an_unknown_experiment(start_devices, path):
    assert start_devices().get(path).status_code == 500


@pytest.mark.parametrize(
    ("fault", "status", "text"), [({"status": 503}, 503, "out of order"), ({"text": "an error"}, 200, "an error")]
)
def test_a_fault_shows_as_often_as_it_was_asked_for(start_devices, fault, status, text):
    devices = start_devices()
    devices.break_down("post", times=2, **fault)

    answers = [devices.post(body()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert [answer.text for answer in answers] == [text, text, ""]


def test_a_connection_can_end_in_the_middle_of_an_answer(start_devices):
    devices = start_devices()
    devices.post(body())
    devices.break_down("plot", hang_up="halfway")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        speeds(devices, "Test1")
    assert len(speeds(devices, "Test1")) == 41


def test_a_connection_can_end_after_the_engine_took_the_experiment(start_devices):
    devices = start_devices()
    devices.break_down("post", hang_up="unanswered")

    with pytest.raises(requests.ConnectionError):
        devices.post(body())
    assert len(devices.posts) == 1


def test_a_connection_can_end_before_the_engine_took_the_experiment(start_devices):
    devices = start_devices()
    devices.break_down("post", hang_up="unheard")

    with pytest.raises(requests.ConnectionError):
        devices.post(body())
    assert devices.posts == []


def test_an_answer_without_a_body_is_cut_off_in_its_head(start_devices):
    devices = start_devices()
    devices.break_down("post", hang_up="halfway")

    answer = devices.post(body())

    assert "Content-Length" not in answer.headers and len(devices.posts) == 1


def test_a_fault_can_come_after_requests_that_go_well(start_devices):
    devices = start_devices()
    devices.break_down("post", after=2, status=500)

    assert [devices.post(body()).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_body_can_trickle(start_devices):
    devices = start_devices()
    devices.break_down("post", text="an error", trickle=0.01)
    devices.break_down("plot", trickle=0.0001)
    devices.post(body())
    devices.post(body())

    assert len(speeds(devices, "Test1")) == 41


def test_every_kind_of_command_is_obeyed_and_logged(start_devices):
    devices = start_devices()
    every = {
        "SSS_once": [[0, "SetThrottle", [80]], [4, "EndExperiment", []]],
        "SSS_loop": [[1, "SetBrakePressure", 0.5, 1.0, [5, 5]]],
        "CAN_once": [[0.5, "00 f1 fe 98", ["can0"]]],
        "CAN_utils": [[0.6, "cangen", ["can1", 200, False, False, None, "8", None, 10]]],
        "seed_key": [[1.7, 1, "1DJANG000TRUCK001"], [3, 2, 12.0]],
    }
    devices.post({"Info": {"ExperimentName": "Every", "Endtime": time.time() - 1}, "Commands": every})

    said = [message.strip() for _, message in devices.get("Every/1/").json()["log"] if not message.startswith("axle")]

    assert said == [
        "command SetThrottle(80)",
        "frame can0 00 f1 fe 98",
        "cangen can1 200 False False - 8 - 10",
        *["command SetBrakePressure(5, 5)"] * 2,
        "command SetVIN(1DJANG000TRUCK001)",
        "command SetBrakePressure(5, 5)",
        "command SetGovernorSpeed(12.0)",
        "command EndExperiment()",
    ]


def test_the_vin_is_told_as_hexadecimal_text(start_devices):
    devices = start_devices()
    changed = body(commands=SLOW)
    changed["Commands"]["seed_key"] = [[2, 1, "1DJANG000TRUCK001"]]
    devices.post(changed)

    answer = devices.get("Test1/plotdata/vin/").json()

    texts = [bytes.fromhex(value).decode() for value in answer["y_values"]]
    assert texts == ["1TRUCK00000000001"] * 2 + ["1DJANG000TRUCK001"] * 3
    assert len(answer["x_values"]) == 5


def test_a_forgetful_logger_hands_out_no_part_twice(start_devices):
    devices = start_devices("--chunk-lines", "10", "--forgetful")
    devices.post(body())

    assert [devices.get(f"Test1/{part}/").status_code for part in (1, 1, 2, 2, 3)] == [200, 500, 200, 500, 200]


def test_the_clock_of_the_devices_can_go_before(start_devices):
    devices = start_devices("--clock-ahead", "600")
    devices.post(body(end=60))

    assert len(speeds(devices, "Test1")) == 41


def test_a_fault_can_be_a_delay(start_devices):
    devices = start_devices()
    devices.break_down("post", seconds=30)

    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{devices.url}api/postexperiment/", json=body(), timeout=0.2)


def test_repaired_devices_work(start_devices):
    devices = start_devices()
    devices.break_down("post", times=None, status=500)
    assert devices.post(body()).status_code == 500

    devices.repair()

    assert devices.post(body()).status_code == 200


@pytest.mark.parametrize(
    "fault", [{"on": "lunch"}, {"on": "post", "colour": "red"}, {"on": "log", "hang_up": "later"}, {}, []]
)
def test_a_fault_that_makes_no_sense_is_refused(start_devices, fault):
    devices = start_devices()

    assert requests.post(f"{devices.url}control/faults/", json=fault, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("arguments", "status", "text"), [(["--status", "500"], 500, "out of order"), (["--text", "no"], 200, "no")]
)
def test_the_command_line_makes_faults_last(start_devices, arguments, status, text):
    devices = start_devices(*arguments)

    answers = [devices.post(body()) for _ in range(2)]

    assert [(answer.status_code, answer.text) for answer in answers] == [(status, text)] * 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_even_in_the_middle_of_a_slow_answer(start_devices, number):
    devices = start_devices("--slow", "60")
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{devices.url}api/postexperiment/", json=body(), timeout=0.2)

    devices.process.send_signal(number)

    assert devices.process.wait(3) == 0
