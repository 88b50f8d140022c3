"""Which queues a cluster serves: those that it names, or every one."""

from collections.abc import Collection, Iterable

#: In the place of names: every queue, also one that appears later. No queue may bear this name.
EVERY = "*"


def serves(served: Collection[str], queue: str) -> bool:
    """Is a queue among those that are served?"""
    return queue in served or EVERY in served


def named(served: Iterable[str]) -> set[str]:
    """Return the queues that are named; none where every one is meant."""
    return {queue for queue in served if queue != EVERY}
