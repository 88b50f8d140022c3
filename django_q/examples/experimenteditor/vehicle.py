"""A truck on a straight road: from the commands of an experiment to its speed at each moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

STEP = 0.1  # seconds

_FULL_THROTTLE = 3.0  # metres per second, per second
_FULL_BRAKE = 7.0
_DRAG = 0.03  # per second
_USUAL_GOVERNOR = 90.0  # km/h
_KMH = 3.6


@dataclass(frozen=True, slots=True)
class Sample:
    """What the logger notes at one moment: seconds since the start, speeds in km/h, and the command just obeyed."""

    seconds: float
    speed: float
    governor: float
    command: str = ""


class Truck:
    """Obeys commands (``[delay, name, numbers]``, as the engine gets them) and moves on in small steps."""

    def __init__(self) -> None:
        self.speed = 0.0  # metres per second
        self.throttle = 0.0
        self.brake = 0.0
        self.governor = _USUAL_GOVERNOR
        self.has_ended = False

    def obey(self, name: str, numbers: Sequence[float]) -> None:
        if name == "SetThrottle":
            self.throttle = _share(numbers[0])
        elif name == "SetBrakePressure":
            self.brake = _share(sum(numbers) / len(numbers))
        elif name == "SetGovernorSpeed":
            self.governor = numbers[0]
        elif name == "EndExperiment":
            self.has_ended = True

    def move(self) -> None:
        engine = self.throttle * _FULL_THROTTLE if self.speed * _KMH < self.governor else 0.0
        change = engine - self.brake * _FULL_BRAKE - _DRAG * self.speed
        self.speed = max(0.0, self.speed + change * STEP)


def drive(commands: Sequence[Sequence[Any]], seconds: float) -> Iterator[Sample]:
    """Yield a sample for each step until the time is over or a command ends the experiment."""
    truck, waiting = Truck(), sorted(commands, key=lambda command: float(command[0]))
    for step in range(int(seconds / STEP) + 1):
        now, obeyed = step * STEP, []
        while waiting and float(waiting[0][0]) <= now + STEP / 2:
            _, name, numbers = waiting.pop(0)
            truck.obey(name, numbers)
            obeyed.append(f"{name}({', '.join(f'{number:g}' for number in numbers)})")
        yield Sample(round(now, 1), round(truck.speed * _KMH, 3), truck.governor, " ".join(obeyed))
        if truck.has_ended:
            return
        truck.move()


def _share(percent: float) -> float:
    return min(max(percent, 0.0), 100.0) / 100
