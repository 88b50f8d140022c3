"""Who hands tasks out: the database, or a broker whose dotted path the settings name."""

import inspect
from typing import Any

from django_q import conf
from django_q.brokers.base import QueueBroker
from django_q.brokers.custom import Broker
from django_q.brokers.orm import ORM, OrmBroker
from django_q.brokers.tickets import TicketBroker
from django_q.exceptions import FunctionNotFound, InvalidSettings, InvalidValue
from django_q.kernel import callables

__all__ = ["Broker", "current_broker", "get_broker"]

_brokers: dict[tuple[str | None, str], QueueBroker] = {}


def current_broker() -> QueueBroker:
    """Return what hands tasks out in this process, made from ``Q_CLUSTER["broker_class"]`` at the first call.

    Raises :exc:`~django_q.exceptions.InvalidSettings` if the path does not lead to a broker.
    """
    settings = conf.current()
    key = (settings.broker_class, settings.orm)
    broker = _brokers.get(key)
    if broker is None:
        broker = _brokers[key] = OrmBroker() if settings.broker_class is None else _made(settings.broker_class)
    return broker


def get_broker(list_key: str | None = None) -> Broker:
    """Return the broker of a queue, by default this cluster's, with the verbs that Django Q documents.

    Raises :exc:`~django_q.exceptions.InvalidSettings` if ``Q_CLUSTER["broker_class"]`` does not lead to a broker.
    """
    broker = current_broker()
    return broker.carrier(list_key or conf.current().name) if isinstance(broker, TicketBroker) else ORM(list_key)


def hands_out_for(broker: Broker) -> QueueBroker:
    """Return what hands out the tasks whose tickets a broker carries."""
    return OrmBroker() if type(broker) is ORM else TicketBroker(lambda queue: _carrier(broker, queue))


def _carrier(broker: Broker, queue: str) -> Broker:
    return broker if broker.list_key == queue else type(broker)(queue)


def _made(path: str) -> QueueBroker:
    found = _found(path)
    if inspect.isclass(found) and issubclass(found, Broker):
        return OrmBroker() if found is ORM else TicketBroker(found)
    try:
        broker = found()
    except TypeError as error:
        raise InvalidSettings(f"Q_CLUSTER['broker_class'] is {path!r}: {error}") from error
    if not isinstance(broker, QueueBroker):
        raise InvalidSettings(
            f"Q_CLUSTER['broker_class'] is {path!r}, which makes {broker!r}. Name a subclass of "
            "django_q.brokers.Broker, or leave it out for the database."
        )
    return broker


def _found(path: str) -> Any:
    try:
        return callables.resolve(path)
    except (FunctionNotFound, InvalidValue) as error:
        raise InvalidSettings(f"Q_CLUSTER['broker_class'] is {path!r}: {error}") from error
