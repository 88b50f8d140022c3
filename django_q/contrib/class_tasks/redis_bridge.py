"""Redis beside the database: events are published as pytask publishes them, and its control words are heard.

Nothing depends on it: what Redis cannot take is dropped, and the log says so once for each time that it fails.
"""

import json
import logging
import threading
from collections.abc import Callable
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from django_q.contrib.class_tasks import options
from django_q.exceptions import InvalidSettings

logger = logging.getLogger("django_q.class_tasks")

_CHANNEL, _CONTROL = "task-{}", "-control"
_MOST = 10_000  # messages that wait
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds between two tries to subscribe
_LOOK = 0.5  # seconds after which the listener asks whether it is to end


def connect(url: str | None = None) -> Any:
    """Return a client of the Redis server of the settings, or of another one. Raises InvalidSettings if none is named
    or the package is missing."""
    url = url or options.option("redis")
    if url is None:
        raise InvalidSettings("CLASS_TASKS['redis'] names no server. Write 'redis://localhost:6379/0', for example.")
    try:
        redis = import_module("redis")
    except ImportError as error:
        raise InvalidSettings("CLASS_TASKS['redis'] needs a package: install django-q-cluster[redis].") from error
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)


class Bridge:
    """Publishes the events of one runner, and hears what its tasks are asked to do; a thread for each."""

    def __init__(self, url: str, heard: Callable[[str, str], None]) -> None:
        """``heard`` is called with the id of a task and a word, in a thread."""
        self._client = connect(url)
        self._errors = import_module("redis").RedisError
        self._heard = heard
        self._messages: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=each, name=f"redis {each.__name__.strip('_')}", daemon=True)
            for each in (self._publish_all, self._listen)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def publish(self, task_id: str, event: str, data: Any) -> None:
        """Publish an event soon; it is dropped if too many wait."""
        if self._messages.qsize() < _MOST:
            self._messages.put((_CHANNEL.format(task_id), json.dumps({"event": event, "data": data})))

    def stop(self) -> None:
        """Publish what waits, and end; what takes longer than a few seconds is dropped."""
        self._is_over.set()
        self._messages.put(None)
        for thread in self._threads:
            thread.join(2 * _LOOK)
        self._client.close()

    def _publish_all(self) -> None:
        works = True
        while (message := self._messages.get()) is not None:
            try:
                self._client.publish(*message)
                works = True
            except self._errors as error:
                if works:
                    logger.warning("Events are not published to Redis: %s", error, extra={"action": "redis_failed"})
                works = False

    def _listen(self) -> None:
        tries = 0
        while not self._is_over.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    channel.psubscribe(_CHANNEL.format(f"*{_CONTROL}"))
                    while not self._is_over.is_set():
                        message = channel.get_message(timeout=_LOOK)
                        tries = 0
                        if message is not None:
                            self._hear(message)
            except self._errors as error:
                if tries == 0:
                    logger.warning("Control words are not heard from Redis: %s", error)
                self._is_over.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1

    def _hear(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode(errors="replace")
        prefix = _CHANNEL.format("")
        self._heard(channel[len(prefix) : -len(_CONTROL)], message["data"].decode(errors="replace"))
