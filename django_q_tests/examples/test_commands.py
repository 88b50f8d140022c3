"""The four kinds of commands: what is refused, and what the engine gets."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from django_q.examples.experimenteditor.models import (
    CANCommand,
    CANGenCommand,
    ECUUpdate,
    Experiment,
    OneTimeSSSCommand,
)
from django_q.examples.experimenteditor.wire import body_of

VIN = "1DJANG000TRUCK001"
GOOD = {
    OneTimeSSSCommand: {"commandchoice": "SetBrakePressure(2)", "quantity": "40, 60.5"},
    CANCommand: {"message_id": "18FEF100", "message": "FFFF00FFFFFFFFFF"},
    CANGenCommand: {},
    ECUUpdate: {"type": ECUUpdate.VIN, "value": VIN},
}


def make(experiment, model, delay="1.5", **values):
    command = model(parent_experiment=experiment, delay=delay, **GOOD[model] | values)
    command.full_clean()
    command.save()
    return model.objects.get(pk=command.pk)


@pytest.fixture
def empty(user):
    return Experiment.objects.create(created_by=user, experiment_title="empty")


@pytest.mark.parametrize("model", GOOD)
def test_a_good_command_is_accepted(empty, model):
    assert make(empty, model) in empty.get_all_commands_list()


@pytest.mark.parametrize(
    ("model", "values", "field", "complaint"),
    [
        (OneTimeSSSCommand, {"delay": "-1"}, "delay", "lies before the start"),
        (CANCommand, {"delay": "-0.000001"}, "delay", "lies before the start"),
        (OneTimeSSSCommand, {"delay": "0.0000001"}, "delay", "decimal places"),
        (OneTimeSSSCommand, {"delay": "100000"}, "delay", "digits"),
        (OneTimeSSSCommand, {"commandchoice": "Fly(1)", "quantity": "1"}, "commandchoice", "not a valid choice"),
        (OneTimeSSSCommand, {"quantity": ""}, "quantity", "SetBrakePressure takes 2 numbers, not 0."),
        (OneTimeSSSCommand, {"quantity": "1"}, "quantity", "takes 2 numbers, not 1."),
        (OneTimeSSSCommand, {"quantity": "1, 2, 3"}, "quantity", "takes 2 numbers, not 3."),
        (OneTimeSSSCommand, {"quantity": "1, fast"}, "quantity", "'1, fast' are not numbers. Write 40, 60."),
        (OneTimeSSSCommand, {"quantity": "1,"}, "quantity", "are not numbers"),
        (OneTimeSSSCommand, {"quantity": "nan, 1"}, "quantity", "that a vehicle can reach"),
        (OneTimeSSSCommand, {"commandchoice": "SetThrottle(1)"}, "quantity", "SetThrottle takes one number, not 2."),
        (OneTimeSSSCommand, {"commandchoice": "EndExperiment(0)"}, "quantity", "takes no number, not 2."),
        (OneTimeSSSCommand, {"repeat_count": 0}, "repeat_count", "1 or more"),
        (OneTimeSSSCommand, {"repeat_count": 2}, "repeat_delay", "needs a pause"),
        (
            OneTimeSSSCommand,
            {"commandchoice": "EndExperiment(0)", "quantity": "", "repeat_count": 2, "repeat_delay": "1"},
            "repeat_count",
            "ends once",
        ),
        (CANCommand, {"message_id": "xyz"}, "message_id", "'xyz' is not hexadecimal"),
        (CANCommand, {"message_id": "20000000"}, "message_id", "does not fit into 29 bits: 1FFFFFFF is the largest."),
        (CANCommand, {"message_id": "800", "is_extended_can": False}, "message_id", "11 bits: 7FF is the largest"),
        (CANCommand, {"length": 9}, "length", "at most 8 bytes"),
        (CANCommand, {"length": 4, "message": "FFFF"}, "message", "4 bytes need 8 digits, not 4."),
        (CANCommand, {"message": "GG"}, "message", "is not hexadecimal"),
        (CANCommand, {"interface": "eth0"}, "interface", "not a valid choice"),
        (CANGenCommand, {"message_id": "zz"}, "message_id", "not hexadecimal"),
        (CANGenCommand, {"message_length": "9"}, "message_length", "not a valid choice"),
        (CANGenCommand, {"can_data": "FFF"}, "can_data", "two digits for each byte"),
        (CANGenCommand, {"can_data": "FFFF", "message_length": "4"}, "can_data", "4 bytes need 8 digits, not 4."),
        (CANGenCommand, {"frame_limit": 0}, "frame_limit", "0 frames are none"),
        (ECUUpdate, {"value": "1DJANG000TRUCKOO1"}, "value", "I, O and Q are not among them"),
        (ECUUpdate, {"value": "short"}, "value", "17 letters and digits"),
        (ECUUpdate, {"type": 2, "value": "fast"}, "value", "'fast' is no speed. Write a number from 0 to 250."),
        (ECUUpdate, {"type": 2, "value": "nan"}, "value", "no speed"),
        (ECUUpdate, {"type": 2, "value": "251"}, "value", "no speed"),
        (ECUUpdate, {"type": 3, "value": "1"}, "type", "not a valid choice"),
    ],
)
def test_a_command_that_the_vehicle_would_not_understand_is_refused(empty, model, values, field, complaint):
    with pytest.raises(ValidationError) as error:
        make(empty, model, **values)

    assert complaint in " ".join(error.value.message_dict[field])


@pytest.mark.parametrize(
    ("model", "values", "section", "entry"),
    [
        (OneTimeSSSCommand, {}, "SSS_once", [1.5, "SetBrakePressure", [40.0, 60.5]]),
        (
            OneTimeSSSCommand,
            {"commandchoice": "EndExperiment(0)", "quantity": " "},
            "SSS_once",
            [1.5, "EndExperiment", []],
        ),
        (
            OneTimeSSSCommand,
            {"repeat_count": 4, "repeat_delay": "0.5"},
            "SSS_loop",
            [1.5, "SetBrakePressure", 0.5, 1.5, [40.0, 60.5]],
        ),
        (CANCommand, {}, "CAN_once", [1.5, "00 f1 fe 98 08 00 00 00 ff ff 00 ff ff ff ff ff", ["can0"]]),
        (
            CANCommand,
            {"message_id": "7ff", "is_extended_can": False, "length": 2, "message": "A1b2", "interface": "can1"},
            "CAN_once",
            [1.5, "ff 07 00 00 02 00 00 00 a1 b2 00 00 00 00 00 00", ["can1"]],
        ),
        (CANGenCommand, {}, "CAN_utils", [1.5, "cangen", ["can0", 200, False, False, None, None, None, None]]),
        (
            CANGenCommand,
            {
                "interface": "can1",
                "gap": 10,
                "is_extended_can": True,
                "is_rtr": True,
                "message_id": "1F",
                "message_length": "i",
                "can_data": "00",
                "frame_limit": 5,
            },
            "CAN_utils",
            [1.5, "cangen", ["can1", 10, True, True, "1F", "i", "00", 5]],
        ),
        (ECUUpdate, {"value": VIN.lower()}, "seed_key", [1.5, 1, VIN]),
        (ECUUpdate, {"type": 2, "value": "88.5"}, "seed_key", [1.5, 2, 88.5]),
    ],
)
def test_the_engine_gets_each_kind_in_its_own_list(empty, model, values, section, entry):
    command = make(empty, model, **values)

    assert command.as_sent() == (section, entry)


def test_the_body_holds_all_kinds_each_sorted_by_delay(run, experiment):
    for delay in ("3.5", "0.5"):
        for model in GOOD:
            make(experiment, model, delay=delay)

    commands = body_of(run)["Commands"]

    assert list(commands) == ["SSS_once", "SSS_loop", "CAN_once", "CAN_utils", "seed_key"]
    assert [entry[0] for entry in commands["SSS_once"]] == [0.0, 0.5, 2.0, 2.0, 3.5, 4.0]
    for section in ("CAN_once", "CAN_utils", "seed_key"):
        assert [entry[0] for entry in commands[section]] == [0.5, 3.5]
    assert commands["SSS_loop"] == []


def test_all_kinds_stand_in_one_list_by_their_delay(empty):
    for delay, model in zip(("3", "1", "4", "2"), GOOD, strict=True):
        make(empty, model, delay=delay)

    assert [str(command) for command in empty.get_all_commands_list()] == [
        "1 s: can0 18FEF100#FFFF00FFFFFFFFFF",
        f"2 s: Vehicle identification number: {VIN}",
        "3 s: SetBrakePressure(40, 60.5)",
        "4 s: cangen can0, frames every 200 ms",
    ]


def test_repetitions_count_for_the_length(empty):
    make(empty, OneTimeSSSCommand, delay="1", repeat_count=4, repeat_delay="0.5")
    assert empty.length() == timedelta(seconds=2.5)

    make(empty, CANGenCommand, delay="2", gap=100, frame_limit=11)
    assert empty.length() == timedelta(seconds=3)


def test_an_experiment_without_an_end_is_noticed(empty, experiment):
    make(empty, OneTimeSSSCommand)

    assert not empty.has_end() and experiment.has_end()
