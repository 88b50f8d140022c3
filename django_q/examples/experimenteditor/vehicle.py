"""A truck on a straight road: from what the engine is sent to its speed and its messages at each moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STEP = 0.1  # seconds
USUAL_VIN = "1TRUCK00000000001"

_FULL_THROTTLE = 3.0  # metres per second, per second
_FULL_BRAKE = 7.0
_DRAG = 0.03  # per second
_USUAL_GOVERNOR = 90.0  # km/h
_KMH = 3.6
_UPDATES = {1: "SetVIN", 2: "SetGovernorSpeed"}


@dataclass(frozen=True, slots=True)
class Order:
    """Something to do at a moment: what the log calls it, and what the truck has to know."""

    delay: float
    text: str
    name: str = ""
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What the logger notes at one moment: seconds since the start, speeds in km/h, and what was just obeyed."""

    seconds: float
    speed: float
    governor: float
    vin: str
    orders: tuple[str, ...] = ()


class Truck:
    """Obeys orders and moves on in small steps."""

    def __init__(self) -> None:
        self.speed = 0.0  # metres per second
        self.throttle = 0.0
        self.brake = 0.0
        self.governor = _USUAL_GOVERNOR
        self.vin = USUAL_VIN
        self.has_ended = False

    def obey(self, order: Order) -> None:
        """Change what the order names; an order for somebody else changes nothing."""
        if order.name == "SetThrottle":
            self.throttle = _share(order.values[0])
        elif order.name == "SetBrakePressure":
            self.brake = _share(sum(order.values) / len(order.values))
        elif order.name == "SetGovernorSpeed":
            self.governor = order.values[0]
        elif order.name == "SetVIN":
            self.vin = order.values[0]
        elif order.name == "EndExperiment":
            self.has_ended = True

    def move(self) -> None:
        engine = self.throttle * _FULL_THROTTLE if self.speed * _KMH < self.governor else 0.0
        change = engine - self.brake * _FULL_BRAKE - _DRAG * self.speed
        self.speed = max(0.0, self.speed + change * STEP)


def orders_of(commands: Mapping[str, Sequence[Sequence[Any]]]) -> list[Order]:
    """Return what an experiment's JSON asks for, in the order of time. Raises KeyError or ValueError if it is wrong."""
    orders = [_order(delay, name, numbers) for delay, name, numbers in commands["SSS_once"]]
    for delay, name, pause, span, numbers in commands["SSS_loop"]:
        times = round(span / pause) + 1 if pause else 1
        orders += [_order(delay + time * pause, name, numbers) for time in range(times)]
    orders += [Order(float(delay), f"frame {' '.join(buses)} {frame}") for delay, frame, buses in commands["CAN_once"]]
    for delay, tool, arguments in commands["CAN_utils"]:
        shown = " ".join("-" if argument is None else str(argument) for argument in arguments)
        orders.append(Order(float(delay), f"{tool} {shown}"))
    for delay, kind, value in commands["seed_key"]:
        orders.append(Order(float(delay), f"command {_UPDATES[kind]}({value})", _UPDATES[kind], (value,)))
    return sorted(orders, key=lambda order: order.delay)


def drive(orders: Sequence[Order], seconds: float) -> Iterator[Sample]:
    """Yield a sample for each step until the time is over or an order ends the experiment."""
    truck, waiting = Truck(), list(orders)
    for step in range(int(seconds / STEP) + 1):
        now, obeyed = step * STEP, []
        while waiting and waiting[0].delay <= now + STEP / 2:
            order = waiting.pop(0)
            truck.obey(order)
            obeyed.append(order.text)
        yield Sample(round(now, 1), round(truck.speed * _KMH, 3), truck.governor, truck.vin, tuple(obeyed))
        if truck.has_ended:
            return
        truck.move()


def _order(delay: float, name: str, numbers: Sequence[float]) -> Order:
    text = f"command {name}({', '.join(f'{number:g}' for number in numbers)})"
    return Order(float(delay), text, name, tuple(numbers))


def _share(percent: float) -> float:
    return min(max(percent, 0.0), 100.0) / 100
