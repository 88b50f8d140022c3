"""Events: what running tasks tell whoever watches, in order, to be read at once or some time later."""

from django_q.events.reading import Place, Tails, Told, follow
from django_q.events.writing import EventStream

__all__ = ["EventStream", "Place", "Tails", "Told", "follow"]
