"""Commands: what the vehicle does, and when, in the four kinds that the engine knows."""

import re
import struct
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from django_q.examples.experimenteditor.models.experiments import Experiment

INTERFACES = [(name, name) for name in ("can0", "can1", "can2", "can3")]
_EXTENDED = 0x80000000  # the bit of an identifier that says that it has 29 bits
_LARGEST_ID = {False: 0x7FF, True: 0x1FFFFFFF}
_FASTEST = 250  # km/h

_not_before_start = MinValueValidator(0, "%(show_value)s s lies before the start. Write 0 or more seconds.")


class Command(models.Model):
    """Something that happens at a moment of the experiment. What all kinds share."""

    kind = "command"

    parent_experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="%(class)ss")
    delay = models.DecimalField(
        "after",
        max_digits=11,
        decimal_places=6,
        validators=[_not_before_start],
        help_text="Seconds from the start.",
    )

    class Meta:
        abstract = True
        ordering = ("delay", "pk")

    def __str__(self) -> str:
        return f"{self.moment} s: {self.words()}"

    @property
    def moment(self) -> str:
        return _plain(self.delay)

    def words(self) -> str:
        """Return what is done, without its moment."""
        raise NotImplementedError

    def as_sent(self) -> tuple[str, list[Any]]:
        """Return the list of the engine's JSON that this belongs to, and its entry there."""
        raise NotImplementedError

    def ends_after(self) -> timedelta:
        """Return when the last of it happens."""
        return timedelta(seconds=float(self.delay))


class OneTimeSSSCommand(Command):
    """A command to the smart sensor simulators: pedals, governor, the end. Once, or several times."""

    kind = "Vehicle"
    # The number is how many numbers the command takes.
    CHOICES = {
        "SetThrottle(1)": "SetThrottle: percent",
        "SetBrakePressure(2)": "SetBrakePressure: percent front, percent rear",
        "SetGovernorSpeed(1)": "SetGovernorSpeed: km/h",
        "EndExperiment(0)": "EndExperiment",
    }

    commandchoice = models.CharField("command", max_length=40, choices=list(CHOICES.items()))
    quantity = models.CharField(
        "numbers", max_length=200, blank=True, help_text="With commas between them, for example 40, 60."
    )
    repeat_count = models.PositiveSmallIntegerField(
        "times", default=1, validators=[MinValueValidator(1, "Write how often it is done: 1 or more.")]
    )
    repeat_delay = models.DecimalField(
        "pause", max_digits=11, decimal_places=6, default=0, help_text="Seconds between two times."
    )

    class Meta(Command.Meta):
        verbose_name = "vehicle command"

    @property
    def name(self) -> str:
        return self.commandchoice.partition("(")[0]

    def numbers(self) -> list[float]:
        """Return the arguments. Raises ValueError if they are no numbers."""
        return [float(number) for number in self.quantity.split(",")] if self.quantity.strip() else []

    def words(self) -> str:
        again = f", {self.repeat_count} times, every {_plain(self.repeat_delay)} s" if self.repeat_count > 1 else ""
        return f"{self.name}({', '.join(part.strip() for part in self.quantity.split(','))}){again}"

    def as_sent(self) -> tuple[str, list[Any]]:
        if self.repeat_count <= 1:
            return "SSS_once", [float(self.delay), self.name, self.numbers()]
        pause = float(self.repeat_delay)
        return "SSS_loop", [float(self.delay), self.name, pause, pause * (self.repeat_count - 1), self.numbers()]

    def ends_after(self) -> timedelta:
        return super().ends_after() + timedelta(seconds=float(self.repeat_delay)) * (self.repeat_count - 1)

    def clean(self) -> None:
        self._check_numbers()
        self._check_repetition()

    def _check_numbers(self) -> None:
        try:
            numbers = self.numbers()
        except ValueError as error:
            raise ValidationError({"quantity": f"{self.quantity!r} are not numbers. Write 40, 60."}) from error
        if not all(isfinite(number) for number in numbers):
            raise ValidationError({"quantity": f"{self.quantity!r} are not numbers that a vehicle can reach."})
        found = re.search(r"\((\d+)\)", self.commandchoice)
        if found and len(numbers) != int(found[1]):
            wanted = {"0": "no number", "1": "one number"}.get(found[1], f"{found[1]} numbers")
            raise ValidationError({"quantity": f"{self.name} takes {wanted}, not {len(numbers)}."})

    def _check_repetition(self) -> None:
        if self.repeat_count is None or self.repeat_delay is None or self.repeat_count <= 1:
            return
        if self.name == "EndExperiment":
            raise ValidationError({"repeat_count": "An experiment ends once. Write 1."})
        if self.repeat_delay <= 0:
            raise ValidationError({"repeat_delay": "What is done several times needs a pause. Write more than 0."})


class CANCommand(Command):
    """One frame on a CAN bus."""

    kind = "CAN frame"

    interface = models.CharField(max_length=8, choices=INTERFACES, default="can0")
    message_id = models.CharField("identifier", max_length=8, help_text="Hexadecimal.")
    is_extended_can = models.BooleanField("29 bits", default=True)
    length = models.PositiveSmallIntegerField(
        "bytes", default=8, validators=[MaxValueValidator(8, "A frame has at most 8 bytes.")]
    )
    message = models.CharField("data", max_length=16, blank=True, help_text="Hexadecimal, two digits for each byte.")

    class Meta(Command.Meta):
        verbose_name = "CAN frame"

    def words(self) -> str:
        return f"{self.interface} {self.message_id}#{self.message[: 2 * self.length]}"

    def as_sent(self) -> tuple[str, list[Any]]:
        return "CAN_once", [float(self.delay), self.frame().hex(" "), [self.interface]]

    def frame(self) -> bytes:
        """Return the 16 bytes that Linux gives to a bus: identifier (little-endian), length, three zeros, data."""
        identifier = int(self.message_id, 16) | (_EXTENDED if self.is_extended_can else 0)
        return struct.pack("<IB3x8s", identifier, self.length, bytes.fromhex(self.message))

    def clean(self) -> None:
        _check_identifier(self.message_id, is_extended=self.is_extended_can)
        if not re.fullmatch("[0-9a-fA-F]*", self.message):
            raise ValidationError({"message": f"{self.message!r} is not hexadecimal. Write 0-9 and a-f."})
        if self.length is not None and len(self.message) not in (2 * self.length, 16):
            said = f"{self.length} bytes need {2 * self.length} digits, not {len(self.message)}."
            raise ValidationError({"message": said})


class CANGenCommand(Command):
    """Traffic on a CAN bus, as ``cangen`` makes it; what is blank is made up anew for each frame."""

    kind = "CAN traffic"
    LENGTHS = [("", "random"), ("i", "growing"), *((str(length), str(length)) for length in range(9))]

    interface = models.CharField(max_length=8, choices=INTERFACES, default="can0")
    gap = models.PositiveIntegerField("gap", default=200, help_text="Milliseconds between two frames.")
    is_extended_can = models.BooleanField("29 bits", default=False)
    is_rtr = models.BooleanField("remote requests", default=False)
    message_id = models.CharField("identifier", max_length=8, blank=True, help_text="Hexadecimal; blank: random.")
    message_length = models.CharField("bytes", max_length=1, blank=True, choices=LENGTHS)
    can_data = models.CharField("data", max_length=16, blank=True, help_text="Hexadecimal; blank: random.")
    frame_limit = models.PositiveIntegerField("frames", null=True, blank=True, help_text="Blank: until the end.")

    class Meta(Command.Meta):
        verbose_name = "CAN traffic"
        verbose_name_plural = "CAN traffic"

    def words(self) -> str:
        frames = f"{self.frame_limit} frames" if self.frame_limit else "frames"
        return f"cangen {self.interface}, {frames} every {self.gap} ms"

    def as_sent(self) -> tuple[str, list[Any]]:
        blanks = [value or None for value in (self.message_id, self.message_length, self.can_data, self.frame_limit)]
        arguments = [self.interface, self.gap, self.is_extended_can, self.is_rtr, *blanks]
        return "CAN_utils", [float(self.delay), "cangen", arguments]

    def ends_after(self) -> timedelta:
        return super().ends_after() + timedelta(milliseconds=self.gap * max((self.frame_limit or 1) - 1, 0))

    def clean(self) -> None:
        if self.message_id:
            _check_identifier(self.message_id, is_extended=self.is_extended_can)
        if not re.fullmatch("([0-9a-fA-F]{2})*", self.can_data):
            said = f"{self.can_data!r} is not hexadecimal with two digits for each byte."
            raise ValidationError({"can_data": said})
        if self.message_length.isdigit() and self.can_data and len(self.can_data) != 2 * int(self.message_length):
            said = f"{self.message_length} bytes need {2 * int(self.message_length)} digits, not {len(self.can_data)}."
            raise ValidationError({"can_data": said})
        if self.frame_limit == 0:
            raise ValidationError({"frame_limit": "0 frames are none. Write 1 or more, or nothing for no limit."})


class ECUUpdate(Command):
    """A new value in the memory of the engine's controller, which asks for a seed and a key."""

    kind = "ECU update"
    VIN, GOVERNOR_SPEED = 1, 2
    TYPES = [(VIN, "Vehicle identification number"), (GOVERNOR_SPEED, "Governor speed, km/h")]

    type = models.PositiveSmallIntegerField(choices=TYPES, default=VIN)
    value = models.CharField(max_length=17, help_text="17 letters and digits, or a speed.")

    class Meta(Command.Meta):
        verbose_name = "ECU update"

    def words(self) -> str:
        return f"{self.get_type_display()}: {self.value}"

    def as_sent(self) -> tuple[str, list[Any]]:
        return "seed_key", [float(self.delay), self.type, self.value if self.type == self.VIN else float(self.value)]

    def clean(self) -> None:
        if self.type == self.VIN:
            self.value = self.value.upper()
            if not re.fullmatch("[A-HJ-NPR-Z0-9]{17}", self.value):
                said = f"{self.value!r} is no VIN. Write 17 letters and digits; I, O and Q are not among them."
                raise ValidationError({"value": said})
        elif self.type == self.GOVERNOR_SPEED and not _is_speed(self.value):
            raise ValidationError({"value": f"{self.value!r} is no speed. Write a number from 0 to {_FASTEST}."})


def _check_identifier(text: str, *, is_extended: bool) -> None:
    if not re.fullmatch("[0-9a-fA-F]{1,8}", text):
        raise ValidationError({"message_id": f"{text!r} is not hexadecimal. Write 1 to 8 of 0-9 and a-f."})
    largest = _LARGEST_ID[is_extended]
    if int(text, 16) > largest:
        bits = 29 if is_extended else 11
        raise ValidationError({"message_id": f"{text!r} does not fit into {bits} bits: {largest:X} is the largest."})


def _is_speed(text: str) -> bool:
    try:
        return 0 <= float(text) <= _FASTEST
    except ValueError:
        return False


def _plain(number: Any) -> str:
    """Return a number of seconds without zeros that say nothing."""
    return f"{Decimal(str(number)).normalize():f}"
