"""What the tasks of that project call, there and after the move."""

from datetime import date


class Parcel:
    """A value of a class of the project's own."""

    def __init__(self, weight):
        self.weight = weight


def add(left, right):
    return left + right


def weigh(parcel, day=None):
    return parcel.weight, day


def fail(message):
    raise ValueError(message)


def stand(folder, name):
    """Leave a file that says this ran."""
    with open(f"{folder}/{name}", "a") as file:
        file.write("ran\n")
    return name


DAY = date(2026, 11, 21)
