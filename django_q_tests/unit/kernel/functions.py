"""Callables of every kind, for the tests of paths and payloads."""

import functools
from collections.abc import Callable
from typing import Any


def double(number: int) -> int:
    return 2 * number


async def adouble(number: int) -> int:
    return 2 * number


def hiding(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapper


@hiding
def wrapped(number: int) -> int:
    return number


@functools.lru_cache
def remembered(number: int) -> int:
    return number


class Basket:
    limit = 3

    def __init__(self, items: int = 0) -> None:
        self.items = items

    def __call__(self, number: int) -> int:
        return self.items + number

    def count(self) -> int:
        return self.items

    @classmethod
    def empty(cls) -> "Basket":
        return cls()

    @staticmethod
    def weigh(number: int) -> int:
        return number

    class Handle:
        def grip(self) -> str:
            return "firm"


class BigBasket(Basket):
    pass


class AsyncBasket:
    async def __call__(self) -> None:
        return None


def make_local() -> Callable[[], int]:
    def local() -> int:
        return 1

    return local


shout = lambda text: text.upper()  # noqa: E731
