"""The loop of a runner: one thread, the only one that reads and writes the rows of its tasks.

Whatever happens arrives in one inbox. What is to be written stands in memory until the database has taken it, so that
a try that failed is made again.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from django_q import conf
from django_q.contrib.class_tasks.client import rows
from django_q.contrib.class_tasks.execution import Order, Publish, Run
from django_q.contrib.class_tasks.models import ClassTask, Ending
from django_q.contrib.class_tasks.registry import Registry
from django_q.contrib.class_tasks.states import ERROR, EXCEPTION, RUNNING, STOPPED, SUCCESS, WAIT
from django_q.contrib.class_tasks.stopping import Stopping

logger = logging.getLogger("django_q.class_tasks")

#: Exit codes: all is done; the database did not take it; the process has to be replaced.
DONE, UNWRITTEN, RECYCLE = 0, 1, 75
RELOAD, LOST = "reload", "lost"

_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds between two tries to reach the database
_LAST_WORDS = 15.0  # seconds that a runner which ends gives a database that does not answer
_MOST_AT_ONCE = 500  # tasks that one claim takes


@dataclass(frozen=True, slots=True)
class Plan:
    """What a runner is to do, and how patient it is; see the settings of the same names."""

    concurrency: int | None
    interval: float
    heartbeat: float
    task_timeout: float
    grace: float
    interrupt_grace: float
    locals: tuple[tuple[str, str], ...] = ()  # names and data of tasks that run in this runner only


class Service:
    """Runs tasks until it is told to end."""

    def __init__(self, plan: Plan, registry: Registry, tell: Publish, failed: Callable[[BaseException], None]) -> None:
        """``tell`` publishes an event elsewhere, ``failed`` is called with unexpected errors of tasks."""
        self.plan = plan
        self.id = ""
        self._registry = registry
        self._tell = tell
        self._failed = failed
        self._inbox: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._changed = threading.Condition()
        self._runs: dict[str, Run] = {}
        self._ended: list[Run] = []
        self._stuck: list[Run] = []
        self._stoppings: list[Stopping] = []
        self._asked: list[tuple[str, str]] = []
        self._locals: list[tuple[str, str]] = []
        self._code = DONE
        self._stops = 0
        self._is_due_to_beat = True
        self._tries = 0  # to reach the database, since it last answered
        self._troubles = 0  # times that it did not
        self._is_resting = False
        self._is_suspended = False  # all tasks were stopped because of an outage
        self._gives_up = False

    # What others tell it, from any thread -----------------------------------------------------------------------------

    def look(self) -> None:
        """There may be something to do."""
        self._inbox.put(("look",))

    def beat(self) -> None:
        """It is time for a sign of life."""
        self._inbox.put(("beat",))

    def hear(self, task_id: str, word: str) -> None:
        """A task is asked for something, not by its row."""
        self._inbox.put(("ask", task_id, word))

    def end(self) -> None:
        """Stop all tasks, let them wait for other runners, and end; a second call ends their grace."""
        self._inbox.put(("end",))

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve until the end; return the exit code."""
        self._register()
        while not self._is_over():
            self._hear_all()
            if self._is_resting:
                continue
            try:
                self._work()
            except (OperationalError, InterfaceError) as error:
                self._rest(error)
            else:
                self._tries = 0
        return self._code

    def _is_over(self) -> bool:
        return (self._stops > 0 or self._code == RECYCLE) and not self._runs or self._gives_up

    def _hear_all(self) -> None:
        """Wait for a message, at most until the next look, and hear all that have come."""
        try:
            message = self._inbox.get(timeout=None if self._is_resting else self.plan.interval)
            while True:
                getattr(self, f"_hear_{message[0]}")(*message[1:])
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _hear_look(self) -> None:
        """Do nothing: the look follows."""

    def _hear_beat(self) -> None:
        self._is_due_to_beat = True

    def _hear_ask(self, task_id: str, word: str) -> None:
        self._asked.append((task_id, word))

    def _hear_ended(self, run: Run) -> None:
        self._ended.append(run)

    def _hear_stuck(self, runs: list[Run]) -> None:
        """The process has to go: nothing else ends a thread that does not come back."""
        for run in runs:
            logger.error("%s %s does not end; its process is replaced.", run.order.name, run.order.id)
        self._stuck += runs
        self._code = RECYCLE
        self._stop_all(WAIT)

    def _hear_end(self) -> None:
        self._stops += 1
        if self._stops == 1:
            self._stop_all(WAIT)
            return
        for stopping in self._stoppings:
            stopping.hurry()

    def _hear_retry(self) -> None:
        self._is_resting = False

    def _hear_outage(self, trouble: int) -> None:
        """The database has been away for long: others may take the tasks over as soon as it is back."""
        if self._tries and trouble == self._troubles and not self._is_suspended:
            logger.error("The database does not answer; all %d tasks are stopped until it does.", len(self._runs))
            self._is_suspended = True
            self._stop_all(WAIT)

    def _hear_give_up(self) -> None:
        if self._tries:
            self._gives_up = True
            self._code = self._code or UNWRITTEN

    # One look ---------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Do what there is to do; what was done is not done again if an error of the database comes between."""
        self._settle()
        if self._is_suspended:
            if self._runs:
                return  # they are still ending
            self._is_suspended = False
            self._register()
        if self._is_due_to_beat:
            self._beat()
        self._listen()
        if not self._stops and self._code == DONE:
            self._start_locals()
            self._claim()

    def _register(self) -> None:
        """Take a new name, under which nobody has been declared dead."""
        self.id = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._locals = list(self.plan.locals)
        logger.info("Runner %s is ready, with %s.", self.id, ", ".join(self._registry.names()) or "no tasks")

    def _beat(self) -> None:
        if rows().beat(self.id) != len(self._runs):
            held = rows().held(self.id)
            lost = [run for run in self._runs.values() if held.get(run.order.id) != run.order.token]
            self._stop(lost, LOST)
        self._is_due_to_beat = False

    def _listen(self) -> None:
        for task_id, word, number in rows().asked_of(self.id):
            self._obey(task_id, word)
            rows().answer(task_id, number)
        while self._asked:
            self._obey(*self._asked.pop())

    def _obey(self, task_id: str, word: str) -> None:
        run = self._runs.get(task_id)
        if word not in ("stop", "reload"):
            logger.warning("Task %s was asked to %r, which means nothing.", task_id, word)
        elif run is not None and word == "stop" and run.intent in (None, RELOAD, WAIT):
            self._stop([run], STOPPED)
        elif run is not None and word == RELOAD and run.intent is None:
            self._stop([run], RELOAD)

    def _start_locals(self) -> None:
        while self._locals:
            name, data = self._locals[0]
            id = secrets.token_hex(16)
            token = rows().put_local(id, name, data, self.id)
            self._locals.pop(0)
            self._start(Order(id, name, data, token, is_local=True))

    def _claim(self) -> None:
        while (free := self._free()) > 0:
            claimed = rows().claim(self.id, free)
            again = [row for row in claimed if row.id in self._runs]
            for row in claimed:
                if row not in again:
                    self._start(order_of(row))
            if again:
                self._give_back(again)
            if again or len(claimed) < free:
                return

    def _give_back(self, claimed: list[ClassTask]) -> None:
        """Let tasks wait that were taken away from this runner, which still runs them, until it has stopped them."""
        self._stop([self._runs[row.id] for row in claimed], LOST)
        rows().release([(row.id, row.token) for row in claimed], WAIT)

    def _free(self) -> int:
        if self.plan.concurrency is None:
            return _MOST_AT_ONCE
        return min(_MOST_AT_ONCE, self.plan.concurrency - sum(not run.order.is_local for run in self._runs.values()))

    def _start(self, order: Order) -> None:
        run = self._runs[order.id] = Run(order, self._registry.find, self._on_ended, self._tell)
        run.start()

    def _on_ended(self, run: Run) -> None:
        """In the thread of the run."""
        with self._changed:
            self._changed.notify_all()
        self._inbox.put(("ended", run))

    # Ends -------------------------------------------------------------------------------------------------------------

    def _stop_all(self, intent: str) -> None:
        """Stop what is not being stopped already; whoever is reloaded need not start again."""
        for run in self._runs.values():
            run.intent = intent if run.intent == RELOAD else run.intent
        self._stop([run for run in self._runs.values() if run.intent is None], intent)

    def _stop(self, runs: list[Run], intent: str) -> None:
        """Stop runs with an intent; those that are being stopped only get the intent, those that have ended nothing."""
        fresh = [run for run in runs if run.intent is None and not run.has_ended]
        for run in runs:
            if run in fresh or run.intent is not None:
                run.intent = intent
        if fresh:
            stopping = Stopping(fresh, self._changed, lambda left: self._inbox.put(("stuck", left)))
            self._stoppings = [each for each in self._stoppings if not each.is_over] + [stopping]
            stopping.begin(self.plan.grace, self.plan.interrupt_grace)

    def _settle(self) -> None:
        """Write how runs have ended, those without an output all at once."""
        released: dict[str, list[Run]] = {STOPPED: [], WAIT: []}
        working = [run for run in self._runs.values() if run not in self._ended]
        if all(run in self._stuck for run in working):  # nobody else is waited for
            self._ended += working
        for run in list(self._ended):
            state = self._state_of(run)
            if state in released:
                released[state].append(run)
                continue
            if state == RELOAD:
                self._reload(run)
            elif state != LOST:
                self._finish(run)
            self._forget(run)
        for state, runs in released.items():
            if runs:
                rows().release([(run.order.id, run.order.token) for run in runs], state)
                for run in runs:
                    run.announce(state, None)
                    self._forget(run)

    def _state_of(self, run: Run) -> str:
        if run.intent is not None:
            return WAIT if run.intent == RELOAD and run in self._stuck else run.intent
        assert run.outcome is not None
        return run.outcome.state

    def _finish(self, run: Run) -> None:
        outcome = run.outcome
        assert outcome is not None
        order = run.order
        if not rows().finish(Ending(order.id, order.token, outcome.state, outcome.output)):
            logger.warning("%s %s was taken away, so its end is not recorded.", order.name, order.id)
            return
        run.announce(outcome.state, outcome.output)
        if outcome.state == SUCCESS:
            logger.debug("%s %s has ended.", order.name, order.id)
        elif outcome.state == ERROR:
            logger.info("%s %s ended with an error: %s", order.name, order.id, outcome.error)
        elif outcome.state == EXCEPTION and outcome.error is not None:
            logger.error("%s %s raised an error.", order.name, order.id, exc_info=outcome.error)
            self._failed(outcome.error)

    def _reload(self, run: Run) -> None:
        row = rows().filter(pk=run.order.id, token=run.order.token, state=RUNNING).first()
        run.close(RUNNING)
        if row is not None:
            del self._runs[run.order.id]
            self._start(order_of(row))

    def _forget(self, run: Run) -> None:
        self._ended.remove(run)
        if self._runs.get(run.order.id) is run:
            del self._runs[run.order.id]

    # Outages ----------------------------------------------------------------------------------------------------------

    def _rest(self, error: Exception) -> None:
        """Leave the database alone for a while, a longer one each time."""
        if not self._tries:
            logger.warning("The database cannot be used: %s", error)
            self._troubles += 1
            self._later(self.plan.task_timeout / 3, "outage", self._troubles)
        connections[conf.current().orm].close()
        self._is_resting = True
        self._later(_PAUSES[min(self._tries, len(_PAUSES) - 1)], "retry")
        self._tries += 1
        if self._is_ending:
            self._later(_LAST_WORDS, "give_up")

    @property
    def _is_ending(self) -> bool:
        return self._stops > 0 or self._code != DONE

    def _later(self, seconds: float, *message: Any) -> None:
        timer = threading.Timer(seconds, self._inbox.put, [message])
        timer.daemon = True
        timer.start()


def order_of(row: ClassTask) -> Order:
    """Return what a row asks for."""
    return Order(row.id, row.name, row.data, row.token, row.local)
