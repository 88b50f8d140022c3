"""Where Django Q had ``Stat`` before it moved to ``django_q.status``."""

from django_q.status import Stat

__all__ = ["Stat"]
