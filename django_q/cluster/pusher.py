"""Claims ready tasks in batches and hands them to the sentinel, as many as it has credit for."""

import random

from django.db import connections

from django_q.cluster.channels import Frame, Kind
from django_q.cluster.database import DatabaseRole
from django_q.cluster.role import Berth
from django_q.cluster.rota import Rota
from django_q.kernel import clock
from django_q.kernel.messages import Claim

_BATCH = 500  # claims in one statement
# How long and how often to look again after a bell or a claim: a process notifies at most once in 50 ms.
_LINGER = 0.075
_LOOK = 0.010
_PATIENCE = 5.0  # how much rarer polls are where every commit rings,
_EMPTY_LOOKS = 3  # and when so many in a row have found nothing


class Pusher(DatabaseRole):
    """One pusher. Its generation is written on what it claims, so that the next one can tell what it left behind."""

    title = "pusher"

    def __init__(self, berth: Berth, *, generation: int, dead_generations: list[int], known: list[str]) -> None:
        super().__init__(berth)
        self.generation = generation
        self.dead_generations = dead_generations  # of the pushers before
        self.known = known  # ids of what they handed over

    def setup(self) -> None:
        super().setup()
        self.rota = Rota(self.settings.queues, every=self.settings.poll)
        self.credit = 0  # claims that it may have sent in all
        self.sent = 0
        self._linger_until = 0.0
        self._next_look = 0.0  # until then nothing is to be found, unless the bell rings
        self._empty_looks = 0
        self._is_clean = not self.dead_generations
        self._is_in_doubt = False
        self.bells = self.broker.listen(self.settings.queues)

    def work(self) -> float:
        if not self._is_clean:
            self._release_orphans()
        if self._is_in_doubt:
            return self._make_room()
        wanted = min(self.credit - self.sent, _BATCH)
        if wanted <= 0:
            return 1.0
        # A beat or a frame may have ended the rest early.
        rest = self._next_look - clock.monotonic()
        if rest > 0:
            return rest
        claims = self._claim(wanted)
        if not claims:
            return 0.0 if self.rota.doubt() else self._after_nothing()
        self.sent += len(claims)
        self._empty_looks = 0
        self.sender.send(Kind.CLAIMS, [claim.envelope.header for claim in claims], [claim.letter for claim in claims])
        self._linger_until = clock.monotonic() + _LINGER
        return 0.0 if len(claims) == wanted else _LOOK

    def hear(self, frame: Frame) -> None:
        if frame.kind is Kind.CREDIT:
            self.credit = frame.headers[0][0]
        elif frame.kind is Kind.STOP:
            self.done = True

    def rang(self) -> None:
        self._next_look = 0.0
        self.rota.doubt()
        if self.bells is not None and self.bells.is_coalesced:
            self._linger_until = clock.monotonic() + _LINGER

    def _claim(self, wanted: int) -> list[Claim]:
        queues = self.rota.next()
        self._is_in_doubt = True  # the database may have committed a claim although its answer is lost
        claims = self.broker.claim(
            wanted, queues=queues, incarnation=self.berth.incarnation, generation=self.generation
        )
        self._is_in_doubt = False
        return claims

    def _make_room(self) -> float:
        """End as soon as the database answers: only a new pusher can tell what was claimed and never arrived here."""
        connections[self.alias].ensure_connection()
        self.done = True
        return 0.0

    def _after_nothing(self) -> float:
        if clock.monotonic() < self._linger_until:
            return _LOOK
        self.beat("empty")
        self._empty_looks += 1
        hears_all = self.bells is not None and self.bells.hears_all
        patience = _PATIENCE if hears_all and self._empty_looks > _EMPTY_LOOKS else 1.0
        rest = self.settings.poll * patience * random.uniform(0.8, 1.2)
        self._next_look = clock.monotonic() + rest
        return rest

    def _release_orphans(self) -> None:
        """Give back what the pushers before claimed but never handed over."""
        self.broker.release(incarnation=self.berth.incarnation, generations=self.dead_generations, known=self.known)
        self._is_clean = True
