"""The doctor: what is wrong with this installation, seen from this process, each finding with its remedy."""

from django_q.management.doctor.examination import examine
from django_q.management.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
