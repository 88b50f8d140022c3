"""A call in a thread that another thread can break off."""

import ctypes
import threading
from collections.abc import Callable
from typing import Any

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interruptible:
    """One call, in the thread that makes it. What it runs in C, a long ``time.sleep()`` say, ends before it ends."""

    def __init__(self, kind: type[BaseException]) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._thread: int | None = None  # while the function runs
        self._is_over = False

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function and return its result; raise the kind of exception that breaks it off, once it is."""
        with self._lock:
            if self._is_over:
                raise self._kind()
            self._thread = threading.get_ident()
        try:
            try:
                return function(*args, **kwargs)
            finally:
                self._leave()
        except self._kind:
            self._leave()  # it may have come in the middle of that
            raise

    def interrupt(self) -> None:
        """Break the call off, now or as soon as it begins; nothing happens if it has ended."""
        with self._lock:
            self._is_over = True
            if self._thread is not None:
                _raise_in(ctypes.c_ulong(self._thread), ctypes.py_object(self._kind))

    def _leave(self) -> None:
        """From here on nothing breaks in, not even what was sent and has not arrived."""
        with self._lock:
            if self._thread is not None:
                _raise_in(ctypes.c_ulong(self._thread), None)
            self._thread = None
            self._is_over = True
